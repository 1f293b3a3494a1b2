//! Real loopback sockets; each wait is for something that is bound to come.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd};
use std::time::Instant;

use super::*;
use crate::scheduler::Scheduler;
use crate::scheduler::TaskKey;

mod fork;

const PATIENCE: Duration = Duration::from_secs(20);

fn reactor() -> Reactor {
    Reactor::new().expect("an event queue")
}

/// Names of tasks, which only a scheduler gives out.
fn tasks<const COUNT: usize>() -> [TaskKey; COUNT] {
    let mut scheduler = Scheduler::new().expect("a scheduler");
    std::array::from_fn(|_| scheduler.spawn())
}

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let client = TcpStream::connect(listener.local_addr().expect("bound")).expect("loopback");
    let (server, _) = listener.accept().expect("it is connected");
    for stream in [&client, &server] {
        stream.set_nonblocking(true).expect("a flag");
    }
    (client, server)
}

fn waiter(task: TaskKey, serial: u64, role: Role, object: usize) -> Waiter {
    Waiter {
        task,
        serial,
        role,
        object,
    }
}

fn fired(reactor: &mut Reactor) -> Vec<Waiter> {
    let list = (0..).map_while(|place| reactor.fired(place)).collect();
    reactor.forget_fired();
    list
}

/// Waits until something fires.
fn wait_for_fired(reactor: &mut Reactor) -> Vec<Waiter> {
    let began = Instant::now();
    while !reactor.has_fired() {
        assert!(began.elapsed() < PATIENCE, "nothing fires");
        reactor.wait(Some(PATIENCE)).expect("it can wait");
    }
    fired(reactor)
}

/// Takes the events that are there already, such as the first of each new source.
fn settle(reactor: &mut Reactor) {
    reactor.wait(Some(Duration::ZERO)).expect("it can wait");
}

/// Reads everything that is there, and notes that no more is.
fn drain(reactor: &mut Reactor, id: SourceId, stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).is_ok_and(|length| length > 0) {}
    reactor.drained(Some(id));
}

#[test]
fn a_waiter_fires_once_for_an_edge() {
    let mut reactor = reactor();
    let [task] = tasks();
    let (mut client, mut server) = pair();
    let id = reactor.source(server.as_raw_fd()).expect("a socket");
    settle(&mut reactor);
    drain(&mut reactor, id, &mut server);
    let reader = waiter(task, 1, Role::Operation, 7);
    reactor.watch(id, Interest::Read, reader);
    assert_eq!((reactor.waiters(), reactor.registered()), (1, 1));
    client.write_all(b"x").expect("there is room");
    assert_eq!(wait_for_fired(&mut reactor), [reader]);
    assert_eq!(reactor.waiters(), 0);
    assert!(reactor.maybe_readable(Some(id)));
    // The byte is not read, and brings no event again.
    settle(&mut reactor);
    assert!(!reactor.has_fired());
}

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
fn forgetting_fires_everybody_in_both_directions() {
    let mut reactor = reactor();
    let [a, b] = tasks();
    let (client, _server) = pair();
    let id = reactor.source(client.as_raw_fd()).expect("a socket");
    let waiters = [
        waiter(a, 1, Role::Operation, 1),
        waiter(b, 2, Role::Element(3), 2),
        waiter(a, 1, Role::Foreign(0), 1),
    ];
    reactor.watch(id, Interest::Read, waiters[0]);
    reactor.watch(id, Interest::Read, waiters[1]);
    reactor.watch(id, Interest::Write, waiters[2]);
    reactor.forget(client.as_raw_fd());
    assert_eq!(fired(&mut reactor), waiters);
    assert_eq!(reactor.waiters(), 0);
    // Who comes too late for the source is told at once.
    reactor.watch(id, Interest::Read, waiters[0]);
    assert_eq!(fired(&mut reactor), [waiters[0]]);
    assert_eq!(reactor.waiters(), 0);
}

#[test]
fn waiters_are_taken_back_by_task() {
    let mut reactor = reactor();
    let [a, b] = tasks();
    let (client, _server) = pair();
    let id = reactor.source(client.as_raw_fd()).expect("a socket");
    let of_a = waiter(a, 1, Role::Operation, 1);
    let of_b = waiter(b, 2, Role::Operation, 2);
    for interest in [Interest::Read, Interest::Write] {
        reactor.watch(id, interest, of_a);
        reactor.watch(id, interest, of_b);
        // The same one counts once.
        reactor.watch(id, interest, of_a);
    }
    assert_eq!(reactor.waiters(), 4);
    assert_eq!(reactor.company(id, Interest::Read, 1), Company::Itself);
    assert_eq!(reactor.company(id, Interest::Write, 1), Company::Itself);
    assert!(reactor.is_object_waited(client.as_raw_fd(), Interest::Write, 1));
    reactor.unwatch(id, a);
    assert_eq!(reactor.waiters(), 2);
    for interest in [Interest::Read, Interest::Write] {
        assert_eq!(reactor.company(id, interest, 1), Company::Others);
        assert_eq!(reactor.company(id, interest, 2), Company::Itself);
    }
    assert!(!reactor.is_object_waited(client.as_raw_fd(), Interest::Write, 1));
    assert!(!reactor.is_object_waited(-1, Interest::Write, 2));
    reactor.unwatch(id, b);
    assert_eq!(reactor.waiters(), 0);
    assert_eq!(reactor.company(id, Interest::Read, 2), Company::Nobody);
}

/// An idle connection has one, with room for the one who reads from it.
#[cfg(target_pointer_width = "64")]
#[test]
fn a_source_takes_no_more_room_than_it_did() {
    assert!(size_of::<Source>() <= 48);
}

#[test]
fn waiters_fire_first_to_last_whoever_has_gone() {
    let mut reactor = reactor();
    let [a, b, c] = tasks();
    let (client, _server) = pair();
    let id = reactor.source(client.as_raw_fd()).expect("a socket");
    let [of_a, of_b, of_c] =
        [(a, 1), (b, 2), (c, 3)].map(|(task, object)| waiter(task, 1, Role::Operation, object));
    reactor.watch(id, Interest::Write, of_c);
    reactor.watch(id, Interest::Read, of_a);
    reactor.watch(id, Interest::Read, of_b);
    reactor.unwatch(id, a);
    // The room of the first is free, but it comes last.
    reactor.watch(id, Interest::Read, of_a);
    reactor.forget(client.as_raw_fd());
    let fired: Vec<_> = (0..).map_while(|place| reactor.fired(place)).collect();
    assert_eq!(fired, [of_b, of_a, of_c]);
    assert_eq!(reactor.waiters(), 0);
}

#[test]
fn one_object_of_two_on_a_source_can_be_fired_alone() {
    let mut reactor = reactor();
    let [a, b] = tasks();
    let (client, _server) = pair();
    let fd = client.as_raw_fd();
    let id = reactor.source(fd).expect("a socket");
    let of_a = waiter(a, 1, Role::Operation, 1);
    reactor.watch(id, Interest::Read, of_a);
    reactor.watch(id, Interest::Read, waiter(b, 2, Role::Operation, 2));
    assert!(!reactor.fire_object(fd, Interest::Write, 1));
    assert!(!reactor.fire_object(fd, Interest::Read, 3));
    assert!(reactor.fire_object(fd, Interest::Read, 1));
    assert_eq!(fired(&mut reactor), [of_a]);
    assert_eq!(reactor.waiters(), 1);
}

#[test]
fn a_short_read_drains_unless_the_peer_has_ended() {
    let mut reactor = reactor();
    let (mut client, server) = pair();
    let id = reactor.source(server.as_raw_fd()).expect("a socket");
    settle(&mut reactor);
    reactor.has_read(Some(id), true, false);
    assert!(!reactor.maybe_readable(Some(id)));
    reactor.has_read(Some(id), false, false);
    assert!(!reactor.maybe_readable(Some(id)), "a full read is no news");
    client.write_all(b"last words").expect("there is room");
    drop(client);
    while !reactor.maybe_readable(Some(id)) {
        reactor.wait(Some(PATIENCE)).expect("it can wait");
    }
    // The end may come after the bytes; from then on short reads prove nothing.
    while !reactor.sources[id.index as usize].behind_short_reads {
        reactor.wait(Some(PATIENCE)).expect("it can wait");
    }
    reactor.has_read(Some(id), true, false);
    assert!(
        reactor.maybe_readable(Some(id)),
        "the end is still to be seen"
    );
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn urgent_data_stops_a_read_early_and_hides_nothing() {
    let mut reactor = reactor();
    let (client, mut server) = pair();
    let id = reactor.source(server.as_raw_fd()).expect("a socket");
    settle(&mut reactor);
    drain(&mut reactor, id, &mut server);
    let sender = socket2::Socket::from(client);
    sender.send(b"before").expect("there is room");
    sender.send_out_of_band(b"!").expect("there is room");
    sender.send(b"after").expect("there is room");
    // The event of the urgent byte is taken before anything is read.
    while !reactor.sources[id.index as usize].behind_short_reads {
        reactor.wait(Some(PATIENCE)).expect("it can wait");
    }
    let mut got = Vec::new();
    let mut buffer = [0; 64];
    while got.len() < b"beforeafter".len() {
        assert!(reactor.maybe_readable(Some(id)), "only {got:?} was seen");
        match server.read(&mut buffer) {
            Ok(length) => {
                got.extend_from_slice(&buffer[..length]);
                reactor.has_read(Some(id), true, false);
            }
            Err(error) => {
                // The rest was still on its way.
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                reactor.drained(Some(id));
                reactor.wait(Some(PATIENCE)).expect("it can wait");
            }
        }
    }
    assert_eq!(got, b"beforeafter");
}

#[test]
fn who_waits_for_bytes_that_another_reads_is_told() {
    let mut reactor = reactor();
    let [a, b, c] = tasks();
    let (client, _server) = pair();
    let id = reactor.source(client.as_raw_fd()).expect("a socket");
    let operation = waiter(a, 1, Role::Operation, 1);
    let element = waiter(b, 2, Role::Element(0), 2);
    let foreign = waiter(c, 3, Role::Foreign(0), 3);
    for each in [operation, element, foreign] {
        reactor.watch(id, Interest::Read, each);
    }
    // Nothing is left over: only the operation, which may look by itself, is told.
    reactor.has_read(Some(id), true, false);
    assert_eq!(fired(&mut reactor), [operation]);
    assert_eq!(reactor.waiters(), 2);
    // Something is: everybody.
    reactor.watch(id, Interest::Read, operation);
    reactor.has_read(Some(id), false, true);
    assert_eq!(fired(&mut reactor), [element, foreign, operation]);
    assert_eq!(reactor.waiters(), 0);
}

#[test]
fn doubt_has_the_next_try_ask_the_system() {
    let mut reactor = reactor();
    let (client, _server) = pair();
    let id = reactor.source(client.as_raw_fd()).expect("a socket");
    reactor.drained(Some(id));
    reactor.filled(Some(id));
    assert!(!reactor.maybe_readable(Some(id)) && !reactor.maybe_writable(Some(id)));
    reactor.doubt(Some(id));
    assert!(reactor.maybe_readable(Some(id)) && reactor.maybe_writable(Some(id)));
    // What is not registered may always be ready.
    reactor.forget(client.as_raw_fd());
    assert!(reactor.maybe_readable(Some(id)) && reactor.maybe_readable(None));
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

#[test]
fn a_descriptor_of_another_is_the_one_that_has_its_number_now() {
    let mut reactor = reactor();
    let [early, late] = tasks();
    let (client, _server) = pair();
    let (mut sender, replacement) = pair();
    let number = client.as_raw_fd();
    let first = reactor.source_of_another(number).expect("a socket");
    settle(&mut reactor);
    let waits = waiter(early, 1, Role::Element(0), 1);
    reactor.watch(first, Interest::Read, waits);
    // As long as it is the same, nothing changes, and no event comes twice.
    assert_eq!(reactor.source_of_another(number).expect("a socket"), first);
    settle(&mut reactor);
    assert!(!reactor.has_fired());
    let number = client.into_raw_fd();
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
fn what_is_ready_now_does_not_depend_on_events() {
    let mut reactor = reactor();
    let (mut client, mut server) = pair();
    let id = reactor.source(server.as_raw_fd()).expect("a socket");
    let ask = |reactor: &Reactor| {
        let fd = server.as_raw_fd();
        let mut ready = Vec::new();
        reactor.ready_now(&[(fd, Interest::Read), (fd, Interest::Write)], &mut ready);
        ready
    };
    assert_eq!(ask(&reactor), [false, true]);
    client.write_all(b"x").expect("there is room");
    while ask(&reactor) != [true, true] {
        reactor.wait(Some(PATIENCE)).expect("it can wait");
    }
    // Again, as long as it is so, whatever is noted.
    reactor.drained(Some(id));
    assert_eq!(ask(&reactor), [true, true]);
    let mut byte = [0];
    server.read_exact(&mut byte).expect("it is there");
    let fd = server.as_raw_fd();
    let mut ready = Vec::new();
    reactor.ready_now(&[(fd, Interest::Read)], &mut ready);
    assert_eq!(ready, [false]);
    reactor.ready_now(&[], &mut ready);
    assert!(ready.is_empty());
}

#[test]
fn more_questions_than_the_process_may_have_descriptors_are_answered() {
    let reactor = reactor();
    let (client, _server) = pair();
    let fd = client.as_raw_fd();
    let list: Vec<_> = (0..200_000)
        .map(|place| match place % 2 {
            0 => (fd, Interest::Write),
            _ => (fd, Interest::Read),
        })
        .collect();
    let mut ready = Vec::new();
    reactor.ready_now(&list, &mut ready);
    assert_eq!(ready.len(), list.len());
    assert!(ready.chunks(2).all(|two| two == [true, false]));
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

#[test]
fn a_full_socket_fires_its_writer_when_there_is_room() {
    let mut reactor = reactor();
    let [task] = tasks();
    let (mut client, mut server) = pair();
    let id = reactor.source(client.as_raw_fd()).expect("a socket");
    let block = [0; 65536];
    let mut sent = 0;
    while let Ok(length) = client.write(&block) {
        sent += length;
    }
    settle(&mut reactor);
    reactor.filled(Some(id));
    let writer = waiter(task, 1, Role::Operation, 1);
    reactor.watch(id, Interest::Write, writer);
    server.set_nonblocking(false).expect("a flag");
    let mut left = sent;
    let mut buffer = [0; 65536];
    while left > 0 {
        left -= server.read(&mut buffer).expect("it was sent");
    }
    assert_eq!(wait_for_fired(&mut reactor), [writer]);
    assert!(reactor.maybe_writable(Some(id)));
}

#[test]
fn a_reset_fires_reader_and_writer() {
    let mut reactor = reactor();
    let [a, b] = tasks();
    let (client, server) = pair();
    let id = reactor.source(server.as_raw_fd()).expect("a socket");
    settle(&mut reactor);
    let reader = waiter(a, 1, Role::Operation, 1);
    let writer = waiter(b, 2, Role::Operation, 1);
    reactor.watch(id, Interest::Read, reader);
    reactor.watch(id, Interest::Write, writer);
    socket2::SockRef::from(&client)
        .set_linger(Some(Duration::ZERO))
        .expect("an option");
    drop(client);
    let mut all = wait_for_fired(&mut reactor);
    while all.len() < 2 {
        all.extend(wait_for_fired(&mut reactor));
    }
    assert_eq!(all, [reader, writer]);
}

#[test]
fn another_thread_can_interrupt_the_wait() {
    let mut reactor = reactor();
    let notifier = reactor.notifier();
    assert!(!reactor.take_notified());
    std::thread::spawn(move || notifier.wake().expect("an event"))
        .join()
        .expect("it ends");
    reactor.wait(Some(PATIENCE)).expect("it can wait");
    assert!(reactor.take_notified());
    assert!(!reactor.take_notified());
}

#[test]
fn a_wait_ends_at_its_timeout() {
    let mut reactor = reactor();
    let timeout = Duration::from_millis(30);
    let started = std::time::Instant::now();
    reactor.wait(Some(timeout)).expect("it can wait");
    assert!(started.elapsed() >= timeout);
}

/// Raises the limit of descriptors as far as it may, and returns it.
fn most_descriptors() -> usize {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: both calls read or write the one struct that they are given.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit), 0);
        limit.rlim_cur = limit.rlim_max;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limit), 0);
    }
    usize::try_from(limit.rlim_cur).expect("a number of descriptors")
}

#[test]
fn thousands_of_sources_fire_each_its_own() {
    let mut reactor = reactor();
    let [task] = tasks();
    let count = 1200.min((most_descriptors() - 500) / 2);
    let mut pairs: Vec<_> = (0..count).map(|_| pair()).collect();
    let ids: Vec<_> = pairs
        .iter()
        .map(|(_, server)| reactor.source(server.as_raw_fd()).expect("a socket"))
        .collect();
    settle(&mut reactor);
    settle(&mut reactor);
    for (place, id) in ids.iter().enumerate() {
        let number = place as u32;
        reactor.watch(
            *id,
            Interest::Read,
            waiter(task, 1, Role::Element(number), place),
        );
    }
    let chosen = [0, 1, count / 2, count - 2, count - 1];
    for place in chosen {
        pairs[place].0.write_all(b"x").expect("there is room");
    }
    let mut places = Vec::new();
    while places.len() < chosen.len() {
        places.extend(
            wait_for_fired(&mut reactor)
                .iter()
                .map(|waiter| waiter.object),
        );
    }
    places.sort_unstable();
    assert_eq!(places, chosen);
    assert_eq!(reactor.waiters(), pairs.len() - chosen.len());
}
