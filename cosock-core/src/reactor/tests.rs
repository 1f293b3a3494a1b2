//! Real loopback sockets; each wait is for something that is bound to come.

mod descriptors;
mod fork;
mod waiters;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Instant;

use super::*;
use crate::scheduler::Scheduler;
use crate::scheduler::TaskKey;

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
