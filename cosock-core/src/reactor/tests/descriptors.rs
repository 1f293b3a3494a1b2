//! Which source a descriptor has, whoever opens, closes or hands it over, and what cannot have one.

use std::os::fd::{FromRawFd, IntoRawFd};

use super::*;

#[test]
fn a_descriptor_has_one_source_until_it_is_forgotten() {
    let mut reactor = reactor();
    let (client, _server) = pair();
    let fd = client.as_raw_fd();
    let first = reactor.source(fd).expect("a socket");
    assert_eq!(reactor.source(fd).expect("a socket"), first);
    assert_eq!(reactor.known(fd), Some(first));
    reactor.forget(fd);
    assert_eq!((reactor.known(fd), reactor.registered()), (None, 0));
    assert!(!reactor.is_live(first));
    let second = reactor.source(fd).expect("a socket");
    assert_ne!(first, second);
    // Forgetting what is not known does nothing.
    reactor.forget(100_000);
    reactor.forget(-1);
    assert_eq!(reactor.registered(), 1);
}

#[test]
fn a_descriptor_closed_elsewhere_leaves_no_stale_source() {
    let mut reactor = reactor();
    let [task] = tasks();
    let (client, _server) = pair();
    let (mut sender, replacement) = pair();
    let fd = client.as_raw_fd();
    let stale = reactor.source(fd).expect("a socket");
    // Its number gets another socket behind the reactor's back.
    let number = client.into_raw_fd();
    // SAFETY: both numbers are descriptors that this test owns; `dup2` closes the first one, which is
    // owned by nobody any more, and gives its number to a duplicate of the second.
    let other = unsafe {
        assert_eq!(libc::dup2(replacement.as_raw_fd(), number), number);
        TcpStream::from_raw_fd(number)
    };
    reactor.opened(fd);
    assert!(!reactor.is_live(stale));
    let id = reactor.source(fd).expect("a socket");
    settle(&mut reactor);
    reactor.drained(Some(id));
    let reader = waiter(task, 1, Role::Operation, 1);
    reactor.watch(id, Interest::Read, reader);
    sender.write_all(b"x").expect("there is room");
    assert_eq!(wait_for_fired(&mut reactor), [reader]);
    drop(other);
}

/// Kqueue does not tell whether it knew the descriptor.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn a_descriptor_of_another_is_the_one_that_has_its_number_now() {
    let mut reactor = reactor();
    let [early, late] = tasks();
    let (client, _server) = pair();
    let (mut sender, replacement) = pair();
    let number = high(client);
    let first = reactor.source_of_another(number).expect("a socket");
    settle(&mut reactor);
    let waits = waiter(early, 1, Role::Element(0), 1);
    reactor.watch(first, Interest::Read, waits);
    // As long as it is the same, nothing changes, and no event comes twice.
    assert_eq!(reactor.source_of_another(number).expect("a socket"), first);
    settle(&mut reactor);
    assert!(!reactor.has_fired());
    // SAFETY: as above.
    let other = unsafe {
        assert_eq!(libc::dup2(replacement.as_raw_fd(), number), number);
        TcpStream::from_raw_fd(number)
    };
    let second = reactor.source_of_another(number).expect("a socket");
    assert!(!reactor.is_live(first) && reactor.is_live(second));
    // Who waits for the one that is gone is told.
    assert_eq!(fired(&mut reactor), [waits]);
    settle(&mut reactor);
    let reader = waiter(late, 2, Role::Element(0), 2);
    reactor.watch(second, Interest::Read, reader);
    sender.write_all(b"x").expect("there is room");
    assert_eq!(wait_for_fired(&mut reactor), [reader]);
    // Closed, and not opened again: nobody's.
    drop(other);
    reactor.watch(second, Interest::Read, reader);
    assert!(reactor.source_of_another(number).is_err());
    assert_eq!(fired(&mut reactor), [reader]);
    assert_eq!((reactor.known(number), reactor.registered()), (None, 0));
}

/// The same socket under a number that no other test gets while nobody has it here.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn high(socket: TcpStream) -> RawFd {
    // SAFETY: the call changes nothing but the number that it makes, which nobody else knows.
    let number = unsafe { libc::fcntl(socket.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 500) };
    assert!(number >= 500, "{}", std::io::Error::last_os_error());
    number
}

#[test]
fn a_number_that_is_no_descriptor_takes_no_room() {
    let mut reactor = reactor();
    assert!(reactor.source(RawFd::MAX).is_err());
    assert!(reactor.source_of_another(RawFd::MAX).is_err());
    assert!(reactor.by_fd.is_empty());
    let (client, _server) = pair();
    assert!(reactor.source(client.as_raw_fd()).is_ok());
}

#[test]
fn a_descriptor_handed_over_keeps_its_source_if_it_is_the_same() {
    let mut reactor = reactor();
    let (client, _server) = pair();
    let (_sender, replacement) = pair();
    let fd = client.as_raw_fd();
    let id = reactor.source(fd).expect("a socket");
    reactor.adopted(fd);
    assert!(reactor.is_live(id));
    let number = client.into_raw_fd();
    // SAFETY: as above.
    let other = unsafe {
        assert_eq!(libc::dup2(replacement.as_raw_fd(), number), number);
        TcpStream::from_raw_fd(number)
    };
    reactor.adopted(fd);
    assert!(!reactor.is_live(id));
    // What was never registered is none of its business.
    reactor.adopted(replacement.as_raw_fd());
    reactor.adopted(-1);
    drop(other);
}

#[test]
fn what_cannot_be_polled_counts_as_ready() {
    let reactor = reactor();
    let (client, _server) = pair();
    let fd = client.as_raw_fd();
    drop(client);
    let mut ready = Vec::new();
    // Far above any descriptor of this process.
    reactor.ready_now(
        &[(1 << 20, Interest::Read), (1 << 20, Interest::Write)],
        &mut ready,
    );
    assert_eq!(ready, [true, true]);
    assert!(fd < 1 << 20);
}

/// Kqueue takes files, epoll does not.
#[cfg(target_os = "linux")]
#[test]
fn a_file_cannot_be_registered_and_leaves_nothing() {
    let mut reactor = reactor();
    let file = std::fs::File::open("/proc/self/status").expect("it exists");
    let error = reactor
        .source(file.as_raw_fd())
        .expect_err("a file is always ready");
    assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    let error = reactor.source(1 << 20).expect_err("no descriptor");
    assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    assert_eq!(reactor.registered(), 0);
    let (client, _server) = pair();
    assert!(reactor.source(client.as_raw_fd()).is_ok());
    assert_eq!(reactor.registered(), 1);
}
