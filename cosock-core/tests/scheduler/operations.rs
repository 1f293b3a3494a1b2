//! Operations that the scheduler completes for a parked task.

use std::io::Write;
use std::rc::Rc;
use std::time::{Duration, Instant};

use cosock_core::buffer::Pattern;
use cosock_core::error::SocketError;
use cosock_core::operation::{Operation, Outcome, Part};
use cosock_core::reactor::{Company, Interest};
use cosock_core::scheduler::{Start, TaskKey, Tried};
use cosock_core::socket::Tcp;

use crate::support::{Driver, FOREVER, assert_takes, datagrams, stream};

/// Runs the scheduler until the task's operation is complete; it is the only one that is woken.
#[track_caller]
fn outcome_of(driver: &mut Driver, key: TaskKey) -> Outcome {
    loop {
        assert_eq!(driver.next_started(), [(key, Start::Operation)]);
        if let Tried::Complete(outcome) = driver.core.try_operation(key, &[]) {
            return outcome;
        }
    }
}

#[track_caller]
fn assert_datagram(outcome: Outcome, expected: &[u8]) {
    match outcome {
        Outcome::Datagram(datagram) => assert_eq!(datagram.data.as_slice(), expected),
        other => panic!("a datagram was expected, got {other:?}"),
    }
}

fn park_on_receive(driver: &mut Driver, key: TaskKey, socket: &Tcp, timeout: Option<f64>) {
    let object = Rc::as_ptr(socket) as usize;
    let operation = Operation::Receive {
        socket: Rc::clone(socket),
        pattern: Pattern::Count(4),
    };
    driver
        .core
        .park_operation(key, operation, Interest::Read, timeout, object);
}

#[test]
fn a_task_that_could_not_wait_waits_anew() {
    let mut driver = Driver::new();
    let (socket, sender) = datagrams(&mut driver);
    let key = driver.running();
    for _ in 0..2 {
        // The language could not yield after the first: the task went on, to another try.
        driver.park_on_datagram(key, &socket, Some(FOREVER));
        assert_eq!(driver.core.reactor.waiters(), 1);
    }
    driver.assert_all_asleep();
    sender.send(b"datagram").expect("loopback takes it");
    assert_datagram(outcome_of(&mut driver, key), b"datagram");
    driver.assert_nothing_waits();
}

#[test]
fn a_datagram_completes_the_operation() {
    let mut driver = Driver::new();
    let (socket, sender) = datagrams(&mut driver);
    let key = driver.running();
    driver.park_on_datagram(key, &socket, Some(FOREVER));
    assert_eq!(driver.core.reactor.waiters(), 1);
    assert_eq!(driver.core.deadlines(), 1);
    driver.assert_all_asleep();
    sender.send(b"datagram").expect("loopback takes it");
    let outcome = outcome_of(&mut driver, key);
    assert_datagram(outcome, b"datagram");
    driver.assert_nothing_waits();
}

#[test]
fn one_that_is_there_already_needs_no_event() {
    let mut driver = Driver::new();
    let (socket, sender) = datagrams(&mut driver);
    sender.send(b"early").expect("loopback takes it");
    let key = driver.running();
    driver.park_on_datagram(key, &socket, None);
    let outcome = outcome_of(&mut driver, key);
    assert_datagram(outcome, b"early");
}

#[test]
fn tasks_that_only_step_aside_do_not_hold_a_datagram_up() {
    let mut driver = Driver::new();
    let (socket, sender) = datagrams(&mut driver);
    let (busy, key) = (driver.running(), driver.running());
    driver.park_on_datagram(key, &socket, None);
    sender.send(b"meanwhile").expect("loopback takes it");
    let limit = Instant::now() + Duration::from_secs(60);
    loop {
        driver.core.park_sleep(busy, Some(0.0));
        // As who runs tasks does: ends a turn in full only where the short way is refused.
        while driver.core.end_quick_turn().is_some() {
            assert_eq!(driver.start_next(), Some((busy, Start::Slept)));
            assert!(Instant::now() < limit, "nobody looks at the descriptor");
            driver.core.park_sleep(busy, Some(0.0));
        }
        if driver.next_started().contains(&(key, Start::Operation)) {
            break;
        }
    }
    match driver.core.try_operation(key, &[]) {
        Tried::Complete(outcome) => assert_datagram(outcome, b"meanwhile"),
        Tried::Parked => panic!("it has come"),
    }
}

#[test]
fn the_timeout_ends_the_operation() {
    let mut driver = Driver::new();
    let (socket, _sender) = datagrams(&mut driver);
    let key = driver.running();
    for timeout in [0.0, 0.02] {
        driver.park_on_datagram(key, &socket, Some(timeout));
        let outcome = assert_takes(Duration::from_secs_f64(timeout), || {
            outcome_of(&mut driver, key)
        });
        assert!(
            matches!(outcome, Outcome::Failed(SocketError::Timeout)),
            "{outcome:?}"
        );
        driver.assert_nothing_waits();
    }
}

#[test]
fn a_datagram_that_comes_with_the_timeout_is_taken() {
    let mut driver = Driver::new();
    let (socket, sender) = datagrams(&mut driver);
    let key = driver.running();
    driver.park_on_datagram(key, &socket, Some(0.0));
    sender.send(b"in time").expect("loopback takes it");
    let outcome = outcome_of(&mut driver, key);
    assert_datagram(outcome, b"in time");
}

#[test]
fn who_is_woken_in_vain_parks_again_and_is_woken_anew() {
    let mut driver = Driver::new();
    let (socket, sender) = datagrams(&mut driver);
    let key = driver.running();
    driver.park_on_datagram(key, &socket, Some(FOREVER));
    let object = Rc::as_ptr(&socket) as usize;
    let fd = socket.borrow().raw_fd();
    for _ in 0..3 {
        let reactor = &mut driver.core.reactor;
        assert!(reactor.fire_object(fd, Interest::Read, object));
        assert!(!reactor.fire_object(fd, Interest::Read, object), "once");
        assert_eq!(driver.next_started(), [(key, Start::Operation)]);
        let tried = driver.core.try_operation(key, &[]);
        assert!(matches!(tried, Tried::Parked), "{tried:?}");
        assert_eq!(driver.core.reactor.waiters(), 1);
        assert_eq!(driver.core.deadlines(), 1);
    }
    sender.send(b"at last").expect("loopback takes it");
    let outcome = outcome_of(&mut driver, key);
    assert_datagram(outcome, b"at last");
    driver.assert_nothing_waits();
}

#[test]
fn closing_the_socket_ends_the_operation() {
    let mut driver = Driver::new();
    let (socket, _sender) = datagrams(&mut driver);
    let key = driver.running();
    driver.park_on_datagram(key, &socket, Some(FOREVER));
    socket.borrow_mut().close(&mut driver.core.reactor);
    let outcome = outcome_of(&mut driver, key);
    assert!(
        matches!(outcome, Outcome::Failed(SocketError::Closed)),
        "{outcome:?}"
    );
    driver.assert_nothing_waits();
    assert_eq!(driver.core.reactor.registered(), 0);
}

#[test]
fn cancelling_leaves_no_waiter_and_the_socket_is_free() {
    let mut driver = Driver::new();
    let (socket, sender) = datagrams(&mut driver);
    let cancelled = driver.running();
    driver.park_on_datagram(cancelled, &socket, Some(FOREVER));
    driver.core.finish(cancelled);
    driver.assert_nothing_waits();
    let next = driver.running();
    driver.park_on_datagram(next, &socket, None);
    sender.send(b"for the next").expect("loopback takes it");
    let outcome = outcome_of(&mut driver, next);
    assert_datagram(outcome, b"for the next");
}

#[test]
fn an_event_for_a_cancelled_task_is_nobodys() {
    let mut driver = Driver::new();
    let (socket, sender) = datagrams(&mut driver);
    let cancelled = driver.running();
    driver.park_on_datagram(cancelled, &socket, None);
    let object = Rc::as_ptr(&socket) as usize;
    let fd = socket.borrow().raw_fd();
    // Fired, but not yet handed out.
    assert!(driver.core.reactor.fire_object(fd, Interest::Read, object));
    driver.core.finish(cancelled);
    let new = driver.running();
    assert_eq!(new.index, cancelled.index, "it has the place");
    driver.park_on_datagram(new, &socket, None);
    driver.assert_all_asleep();
    sender.send(b"for the new one").expect("loopback takes it");
    let outcome = outcome_of(&mut driver, new);
    assert_datagram(outcome, b"for the new one");
}

#[test]
fn reader_and_writer_of_one_socket_are_told_apart() {
    let mut driver = Driver::new();
    let (socket, peer) = stream(&mut driver);
    let object = Rc::as_ptr(&socket) as usize;
    let (reader, writer) = (driver.running(), driver.running());
    park_on_receive(&mut driver, reader, &socket, None);
    let id = socket
        .borrow_mut()
        .source(&mut driver.core.reactor)
        .expect("it is open");
    let reactor = &mut driver.core.reactor;
    for (interest, by, company) in [
        (Interest::Read, object, Company::Itself),
        (Interest::Write, object, Company::Nobody),
        (Interest::Read, object + 1, Company::Others),
    ] {
        assert_eq!(reactor.company(id, interest, by), company);
    }
    let operation = Operation::Send {
        socket: Rc::clone(&socket),
        part: Box::new(Part {
            start: 2,
            end: 7,
            sent: 0,
        }),
    };
    driver
        .core
        .park_operation(writer, operation, Interest::Write, None, object);
    assert_eq!(driver.next_started(), [(writer, Start::Operation)]);
    let tried = driver.core.try_operation(writer, b"__bytes__");
    assert!(
        matches!(tried, Tried::Complete(Outcome::Sent(7, None))),
        "{tried:?}"
    );
    driver.core.finish(writer);
    (&peer).write_all(b"1234").expect("the pair is connected");
    match outcome_of(&mut driver, reader) {
        Outcome::Received(chunk) => assert_eq!(chunk.as_slice(), b"1234"),
        other => panic!("four bytes were expected, got {other:?}"),
    }
}

#[test]
fn bytes_that_move_start_the_timeout_of_a_wait_again() {
    let mut driver = Driver::new();
    let (socket, peer) = stream(&mut driver);
    let key = driver.running();
    let limit = Duration::from_secs(1);
    park_on_receive(&mut driver, key, &socket, Some(limit.as_secs_f64()));
    let pauses = Duration::from_millis(400);
    // Each byte comes within the limit, all of them do not.
    let outcome = assert_takes(3 * pauses, || {
        let writer = std::thread::spawn(move || {
            for byte in b"1234" {
                (&peer).write_all(&[*byte]).expect("the pair is connected");
                std::thread::sleep(pauses);
            }
            peer
        });
        let outcome = outcome_of(&mut driver, key);
        writer.join().expect("it writes");
        outcome
    });
    match outcome {
        Outcome::Received(chunk) => assert_eq!(chunk.as_slice(), b"1234"),
        other => panic!("four bytes were expected, got {other:?}"),
    }
    driver.assert_nothing_waits();
}

#[test]
fn a_timeout_gives_the_bytes_so_far() {
    let mut driver = Driver::new();
    let (socket, peer) = stream(&mut driver);
    let key = driver.running();
    (&peer).write_all(b"12").expect("the pair is connected");
    park_on_receive(&mut driver, key, &socket, Some(0.02));
    match outcome_of(&mut driver, key) {
        Outcome::Partial(SocketError::Timeout, chunk) => assert_eq!(chunk.as_slice(), b"12"),
        other => panic!("a partial result was expected, got {other:?}"),
    }
}

#[test]
fn many_sockets_wake_only_their_own_tasks() {
    let mut driver = Driver::new();
    let mut parked = Vec::new();
    for _ in 0..50 {
        let (socket, sender) = datagrams(&mut driver);
        let key = driver.running();
        driver.park_on_datagram(key, &socket, Some(FOREVER));
        parked.push((key, socket, sender));
    }
    for (place, (key, _, sender)) in parked.iter().enumerate().rev() {
        let text = format!("for {place}");
        sender.send(text.as_bytes()).expect("loopback takes it");
        let outcome = outcome_of(&mut driver, *key);
        assert_datagram(outcome, text.as_bytes());
        driver.core.finish(*key);
    }
    driver.assert_nothing_waits();
    assert_eq!(driver.core.reactor.registered(), 50);
    for (_, socket, _) in &parked {
        socket.borrow_mut().close(&mut driver.core.reactor);
    }
    assert_eq!(driver.core.reactor.registered(), 0);
}

/// Apple's systems have no such wait: there it is the error `ENOBUFS`.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn a_datagram_for_which_there_is_no_room_waits_for_it() {
    use cosock_core::socket::UdpSocket;
    use std::cell::RefCell;
    use std::os::fd::IntoRawFd;
    use std::os::unix::net::UnixDatagram;

    let mut driver = Driver::new();
    let (near, far) = UnixDatagram::pair().expect("a pair");
    let socket = Rc::new(RefCell::new(UdpSocket::new()));
    let reactor = &mut driver.core.reactor;
    socket.borrow_mut().set_fd(near.into_raw_fd(), reactor);
    let mut queued = 0;
    while socket.borrow_mut().send(b"early", None, reactor).is_ok() {
        queued += 1;
    }
    let key = driver.running();
    let operation = Operation::SendDatagram {
        socket: Rc::clone(&socket),
        to: None,
    };
    driver
        .core
        .park_operation(key, operation, Interest::Write, Some(FOREVER), 1);
    driver.assert_all_asleep();
    // Woken for nothing, it waits on.
    let fd = socket.borrow().raw_fd();
    assert!(driver.core.reactor.fire_object(fd, Interest::Write, 1));
    assert_eq!(driver.next_started(), [(key, Start::Operation)]);
    let tried = driver.core.try_operation(key, b"late");
    assert!(matches!(tried, Tried::Parked), "{tried:?}");
    driver.assert_all_asleep();
    let mut bytes = [0; 5];
    for _ in 0..queued {
        assert_eq!(far.recv(&mut bytes).expect("it is there"), 5);
    }
    assert_eq!(driver.next_started(), [(key, Start::Operation)]);
    let tried = driver.core.try_operation(key, b"late");
    assert!(
        matches!(tried, Tried::Complete(Outcome::Sent(4, None))),
        "{tried:?}"
    );
    driver.assert_nothing_waits();
    assert_eq!(far.recv(&mut bytes).expect("it is there"), 4);
    assert_eq!(&bytes[..4], b"late");
}

/// Over TLS, whose next message may be a new handshake.
#[test]
fn a_send_that_waits_for_bytes_is_not_the_reader_and_a_receive_that_waits_for_room_not_the_writer()
{
    let mut driver = Driver::new();
    let (socket, peer) = stream(&mut driver);
    let receive = || Operation::Receive {
        socket: Rc::clone(&socket),
        pattern: Pattern::Line,
    };
    let send = || Operation::Send {
        socket: Rc::clone(&socket),
        part: Box::new(Part {
            start: 0,
            end: 4,
            sent: 0,
        }),
    };
    for interest in [Interest::Read, Interest::Write] {
        let [reader, writer, third] = [(); 3].map(|()| driver.running());
        let mut park = |key, operation| {
            let core = &mut driver.core;
            core.park_in_company(key, operation, interest, None, 8, true)
        };
        assert_eq!(park(reader, receive()), Company::Nobody);
        assert_eq!(park(writer, send()), Company::Others);
        // Each is there only once.
        assert_eq!(park(third, receive()), Company::Itself);
        assert_eq!(park(third, send()), Company::Itself);
        assert_eq!(driver.core.reactor.waiters(), 2);
        for key in [reader, writer, third] {
            driver.core.finish(key);
        }
        driver.assert_nothing_waits();
    }
    drop(peer);
}
