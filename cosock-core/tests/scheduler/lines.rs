//! Lines for which a task waits: nearly all come whole and alone, with one read.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::rc::Rc;

use cosock_core::buffer::{Chunk, Pattern, SMALL, Taken};
use cosock_core::error::SocketError;
use cosock_core::operation::{Operation, Outcome};
use cosock_core::reactor::{Company, Interest};
use cosock_core::scheduler::{Start, TaskKey, Tried};
use cosock_core::socket::{Step, Tcp};

use crate::support::{Driver, FOREVER, stream};

fn park(driver: &mut Driver, key: TaskKey, socket: &Tcp, timeout: Option<f64>) {
    let object = Rc::as_ptr(socket) as usize;
    let operation = Operation::Line {
        socket: Rc::clone(socket),
    };
    let company =
        driver
            .core
            .park_in_company(key, operation, Interest::Read, timeout, object, true);
    assert_eq!(company, Company::Nobody);
}

/// Has the task try, once it is woken.
#[track_caller]
fn tried(driver: &mut Driver, key: TaskKey) -> Result<Vec<u8>, Tried> {
    assert_eq!(driver.next_started(), [(key, Start::Line)]);
    try_line(driver, key)
}

fn try_line(driver: &mut Driver, key: TaskKey) -> Result<Vec<u8>, Tried> {
    let mut place = [0; SMALL];
    Ok(match driver.core.try_line(key, &mut place)? {
        Taken::Small(length) => place[..length].to_vec(),
        Taken::Chunk(line) => line.as_slice().to_vec(),
    })
}

#[track_caller]
fn assert_line(tried: Result<Vec<u8>, Tried>, expected: &[u8]) {
    match tried {
        Ok(line) => assert_eq!(line, expected),
        Err(Tried::Complete(Outcome::Received(line))) => assert_eq!(line.as_slice(), expected),
        other => panic!("a line was expected, got {other:?}"),
    }
}

#[track_caller]
fn assert_partial(tried: Result<Vec<u8>, Tried>, bytes: &[u8], is_it: fn(&SocketError) -> bool) {
    match tried {
        Err(Tried::Complete(Outcome::Partial(error, chunk))) => {
            assert!(is_it(&error), "{error:?}");
            assert_eq!(chunk.as_slice(), bytes);
        }
        other => panic!("a failure was expected, got {other:?}"),
    }
}

fn write(mut peer: &TcpStream, bytes: &[u8]) {
    peer.write_all(bytes).expect("the pair is connected");
}

#[test]
fn a_line_alone_is_all_that_is_received() {
    let mut driver = Driver::new();
    let (socket, peer) = stream(&mut driver);
    let key = driver.running();
    for (sent, line) in [
        (&b"one\n"[..], &b"one"[..]),
        (b"the second one\r\n", b"the second one"),
        (b"\n", b""),
    ] {
        park(&mut driver, key, &socket, Some(FOREVER));
        driver.assert_all_asleep();
        write(&peer, sent);
        let line_alone = tried(&mut driver, key).expect("nothing else has come");
        assert_eq!(line_alone.as_slice(), line);
        drop(line_alone);
        assert!(!socket.borrow().has_unread());
        assert!(socket.borrow().is_drained(&driver.core.reactor));
        driver.assert_nothing_waits();
    }
    assert_eq!(socket.borrow().stats().0, 21.0);
    // It is there for the next line until the task does something else.
    assert_eq!(Rc::strong_count(&socket), 2);
    driver.core.park_sleep(key, None);
    assert_eq!(Rc::strong_count(&socket), 1);
}

#[test]
fn what_a_task_waits_for_or_last_did_is_counted() {
    let mut driver = Driver::new();
    let (socket, peer) = stream(&mut driver);
    let key = driver.running();
    assert_eq!(driver.core.lists(key), (0, 0));
    park(&mut driver, key, &socket, None);
    assert_eq!(driver.core.lists(key), (1, 0));
    write(&peer, b"one\n");
    assert_line(tried(&mut driver, key), b"one");
    assert_eq!(driver.core.lists(key), (1, 0), "until the next wait");
    driver.core.park_sleep(key, None);
    assert_eq!(driver.core.lists(key), (0, 0));
    driver.core.finish(key);
    assert_eq!(driver.core.lists(key), (0, 0));
}

#[test]
fn what_comes_with_a_line_is_kept() {
    let mut driver = Driver::new();
    let (socket, peer) = stream(&mut driver);
    let key = driver.running();
    park(&mut driver, key, &socket, None);
    write(&peer, b"one\ntwo\nthr");
    assert_line(tried(&mut driver, key), b"one");
    let mut stream = socket.borrow_mut();
    let mut place = [0; SMALL];
    let second = stream.take_unread(Pattern::Line, &mut place);
    assert!(matches!(second, Some(Taken::Small(3))), "{second:?}");
    assert_eq!(&place[..3], b"two");
    assert!(stream.take_unread(Pattern::Line, &mut place).is_none());
    assert_eq!(stream.partial(Pattern::Line).as_slice(), b"thr");
}

#[test]
fn a_line_that_comes_in_parts_is_waited_for() {
    let mut driver = Driver::new();
    let (socket, peer) = stream(&mut driver);
    let key = driver.running();
    park(&mut driver, key, &socket, Some(FOREVER));
    for part in [&b"on"[..], b"e li"] {
        write(&peer, part);
        let tried = tried(&mut driver, key);
        assert!(matches!(tried, Err(Tried::Parked)), "{tried:?}");
        assert_eq!(driver.core.deadlines(), 1);
        driver.assert_all_asleep();
    }
    write(&peer, b"ne\r\n");
    assert_line(tried(&mut driver, key), b"one line");
    driver.assert_nothing_waits();
}

#[test]
fn a_return_within_a_line_is_dropped() {
    let mut driver = Driver::new();
    let (socket, peer) = stream(&mut driver);
    let key = driver.running();
    park(&mut driver, key, &socket, None);
    write(&peer, b"on\re\r\n");
    assert_line(tried(&mut driver, key), b"one");
}

#[test]
fn the_end_of_the_stream_ends_the_wait() {
    let mut driver = Driver::new();
    let (socket, peer) = stream(&mut driver);
    let key = driver.running();
    park(&mut driver, key, &socket, None);
    peer.shutdown(Shutdown::Write).expect("it is connected");
    let ended = tried(&mut driver, key);
    assert_partial(ended, b"", |error| matches!(error, SocketError::Closed));
}

#[test]
fn a_line_before_the_end_is_received() {
    let mut driver = Driver::new();
    let (socket, peer) = stream(&mut driver);
    let key = driver.running();
    park(&mut driver, key, &socket, None);
    write(&peer, b"the last\n");
    peer.shutdown(Shutdown::Write).expect("it is connected");
    assert_line(tried(&mut driver, key), b"the last");
    // The short read has not shown the end, and no event will.
    let step = (socket.borrow_mut()).receive(Pattern::Line, &mut driver.core.reactor);
    let closed = Step::Done(Err::<Chunk, _>(SocketError::Closed));
    assert_eq!(format!("{step:?}"), format!("{closed:?}"));
}

#[test]
fn the_timeout_gives_the_bytes_so_far() {
    let mut driver = Driver::new();
    let (socket, peer) = stream(&mut driver);
    let key = driver.running();
    park(&mut driver, key, &socket, Some(0.02));
    write(&peer, b"on");
    let parked = tried(&mut driver, key);
    assert!(matches!(parked, Err(Tried::Parked)), "{parked:?}");
    let late = tried(&mut driver, key);
    assert_partial(late, b"on", |error| matches!(error, SocketError::Timeout));
    driver.assert_nothing_waits();
}

#[test]
fn a_line_that_comes_with_the_timeout_is_taken() {
    let mut driver = Driver::new();
    let (socket, peer) = stream(&mut driver);
    let key = driver.running();
    write(&peer, b"in time\n");
    park(&mut driver, key, &socket, Some(0.0));
    assert_line(tried(&mut driver, key), b"in time");
}

#[test]
fn closing_the_socket_ends_the_wait() {
    let mut driver = Driver::new();
    let (socket, _peer) = stream(&mut driver);
    let key = driver.running();
    park(&mut driver, key, &socket, None);
    socket.borrow_mut().close(&mut driver.core.reactor);
    let closed = tried(&mut driver, key);
    assert_partial(closed, b"", |error| matches!(error, SocketError::Closed));
    driver.assert_nothing_waits();
}

#[test]
fn another_descriptor_ends_the_wait_whatever_it_has() {
    let mut driver = Driver::new();
    let (socket, _peer) = stream(&mut driver);
    let (other, sender) = stream(&mut driver);
    let key = driver.running();
    park(&mut driver, key, &socket, None);
    write(&sender, b"for others\n");
    let fd = other.borrow().raw_fd();
    other.borrow_mut().set_fd(-1, &mut driver.core.reactor);
    socket.borrow_mut().set_fd(fd, &mut driver.core.reactor);
    let closed = tried(&mut driver, key);
    assert_partial(closed, b"", |error| matches!(error, SocketError::Closed));
}

#[test]
fn who_shares_a_descriptor_is_told_of_a_line_that_is_taken() {
    let mut driver = Driver::new();
    let (socket, peer) = stream(&mut driver);
    let (first, second) = (driver.running(), driver.running());
    park(&mut driver, first, &socket, None);
    let operation = Operation::Line {
        socket: Rc::clone(&socket),
    };
    let company = driver
        .core
        .park_in_company(second, operation, Interest::Read, None, 1, true);
    assert_eq!(company, Company::Others);
    write(&peer, b"one\n");
    let started = driver.next_started();
    assert_eq!(started, [(first, Start::Line), (second, Start::Line)]);
    assert_line(try_line(&mut driver, first), b"one");
    let in_vain = try_line(&mut driver, second);
    assert!(matches!(in_vain, Err(Tried::Parked)), "{in_vain:?}");
    write(&peer, b"two\n");
    assert_line(tried(&mut driver, second), b"two");
}
