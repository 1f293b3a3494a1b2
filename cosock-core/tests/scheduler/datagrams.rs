//! Datagrams for which a task waits, received to where the caller wants them.

use std::mem::MaybeUninit;
use std::net::UdpSocket as StdUdp;
use std::rc::Rc;

use cosock_core::error::SocketError;
use cosock_core::operation::Outcome;
use cosock_core::reactor::{Company, Interest};
use cosock_core::scheduler::{NextDatagram, Start, TaskKey, Tried};
use cosock_core::socket::{DATAGRAM_SIZE, Room, Udp};

use crate::support::{Driver, FOREVER, datagrams};

const NO_ROOM: Room = [MaybeUninit::uninit(); DATAGRAM_SIZE];

fn park(driver: &mut Driver, key: TaskKey, socket: &Udp, size: usize, timeout: Option<f64>) {
    let object = Rc::as_ptr(socket) as usize;
    let datagram = NextDatagram { socket, size };
    let company =
        (driver.core).park_in_company(key, datagram, Interest::Read, timeout, object, true);
    assert_eq!(company, Company::Nobody);
}

fn send(sender: &StdUdp, bytes: &[u8]) {
    let sent = sender.send(bytes).expect("loopback takes it");
    assert_eq!(sent, bytes.len());
}

/// Has the task try, once it is woken, which must give these bytes.
#[track_caller]
fn assert_received(driver: &mut Driver, key: TaskKey, expected: &[u8]) {
    assert_eq!(driver.next_started(), [(key, Start::Operation)]);
    let mut room = NO_ROOM;
    let datagram = (driver.core.try_datagram(key, &mut room, false)).expect("it has come");
    assert_eq!(datagram.data, expected);
    assert_eq!(datagram.from, None, "nobody has asked");
}

/// Has the task try, which must not give a datagram into its room.
#[track_caller]
fn tried(driver: &mut Driver, key: TaskKey) -> Tried {
    assert_eq!(driver.next_started(), [(key, Start::Operation)]);
    let mut room = NO_ROOM;
    match driver.core.try_datagram(key, &mut room, true) {
        Ok(datagram) => panic!("nothing was expected, got {datagram:?}"),
        Err(tried) => tried,
    }
}

#[test]
fn each_is_cut_to_the_size_asked_for() {
    let mut driver = Driver::new();
    let (socket, sender) = datagrams(&mut driver);
    let key = driver.running();
    for (size, sent, received) in [
        (DATAGRAM_SIZE, &b"whole"[..], &b"whole"[..]),
        (3, b"cut", b"cut"),
        (3, b"and cut", b"and"),
        (0, b"nothing", b""),
        (DATAGRAM_SIZE, b"", b""),
        (DATAGRAM_SIZE, b"whole again", b"whole again"),
    ] {
        park(&mut driver, key, &socket, size, Some(FOREVER));
        driver.assert_all_asleep();
        send(&sender, sent);
        assert_received(&mut driver, key, received);
        driver.assert_nothing_waits();
    }
    // The socket is there for the next datagram until the task does something else.
    assert_eq!(Rc::strong_count(&socket), 2);
    driver.core.park_sleep(key, None);
    assert_eq!(Rc::strong_count(&socket), 1);
}

#[test]
fn a_task_may_wait_on_sockets_by_turns() {
    let mut driver = Driver::new();
    let (first, to_first) = datagrams(&mut driver);
    let (second, to_second) = datagrams(&mut driver);
    let key = driver.running();
    for _ in 0..2 {
        for (socket, sender, text) in [
            (&first, &to_first, &b"to the first"[..]),
            (&second, &to_second, b"to the second"),
        ] {
            park(&mut driver, key, socket, DATAGRAM_SIZE, None);
            send(sender, text);
            assert_received(&mut driver, key, text);
        }
    }
}

#[test]
fn who_asks_is_told_the_sender() {
    let mut driver = Driver::new();
    let (socket, sender) = datagrams(&mut driver);
    let key = driver.running();
    park(&mut driver, key, &socket, DATAGRAM_SIZE, None);
    send(&sender, b"from me");
    assert_eq!(driver.next_started(), [(key, Start::Operation)]);
    let mut room = NO_ROOM;
    let datagram = (driver.core.try_datagram(key, &mut room, true)).expect("it has come");
    let address = sender.local_addr().expect("it is bound");
    assert_eq!(
        (datagram.data, datagram.from),
        (&b"from me"[..], Some(address))
    );
}

#[test]
fn one_for_which_there_is_no_room_comes_whole() {
    let mut driver = Driver::new();
    let (socket, sender) = datagrams(&mut driver);
    let key = driver.running();
    let large = vec![b'x'; DATAGRAM_SIZE + 1];
    park(&mut driver, key, &socket, DATAGRAM_SIZE + 1, None);
    send(&sender, &large);
    match tried(&mut driver, key) {
        Tried::Complete(Outcome::Datagram(datagram)) => {
            assert_eq!(datagram.data.as_slice(), large);
            assert_eq!(datagram.from, sender.local_addr().ok());
        }
        other => panic!("a datagram was expected, got {other:?}"),
    }
    // The next one that fits goes the short way again.
    park(&mut driver, key, &socket, DATAGRAM_SIZE, None);
    send(&sender, &large);
    assert_received(&mut driver, key, &large[..DATAGRAM_SIZE]);
}

#[test]
fn one_that_somebody_else_took_is_waited_for_anew() {
    let mut driver = Driver::new();
    let (socket, sender) = datagrams(&mut driver);
    let key = driver.running();
    park(&mut driver, key, &socket, DATAGRAM_SIZE, Some(FOREVER));
    driver.assert_all_asleep();
    send(&sender, b"taken");
    while driver.core.ready_at(0).is_none() {
        driver.end_turn();
    }
    let mut room = NO_ROOM;
    let taken = socket
        .borrow_mut()
        .receive_to(&mut room, false, &mut driver.core.reactor);
    assert!(format!("{taken:?}").starts_with("Done(Ok("), "{taken:?}");
    let again = tried(&mut driver, key);
    assert!(matches!(again, Tried::Parked), "{again:?}");
    driver.assert_all_asleep();
    send(&sender, b"left");
    assert_received(&mut driver, key, b"left");
    driver.assert_nothing_waits();
}

#[test]
fn without_one_a_wait_ends_in_time() {
    let mut driver = Driver::new();
    let (socket, sender) = datagrams(&mut driver);
    let key = driver.running();
    for timeout in [0.0, 0.01] {
        park(&mut driver, key, &socket, DATAGRAM_SIZE, Some(timeout));
        let outcome = tried(&mut driver, key);
        assert!(
            matches!(
                outcome,
                Tried::Complete(Outcome::Failed(SocketError::Timeout))
            ),
            "{outcome:?}"
        );
        driver.assert_nothing_waits();
    }
    park(&mut driver, key, &socket, DATAGRAM_SIZE, Some(FOREVER));
    send(&sender, b"afterwards");
    assert_received(&mut driver, key, b"afterwards");
}

#[test]
fn a_closed_socket_ends_the_wait() {
    let mut driver = Driver::new();
    let (socket, _sender) = datagrams(&mut driver);
    let key = driver.running();
    park(&mut driver, key, &socket, DATAGRAM_SIZE, None);
    driver.assert_all_asleep();
    socket.borrow_mut().close(&mut driver.core.reactor);
    let outcome = tried(&mut driver, key);
    assert!(
        matches!(
            outcome,
            Tried::Complete(Outcome::Failed(SocketError::Closed))
        ),
        "{outcome:?}"
    );
    driver.assert_nothing_waits();
}

#[test]
fn a_peer_that_is_gone_is_an_error_of_the_wait() {
    let mut driver = Driver::new();
    let (socket, peer) = datagrams(&mut driver);
    let address = peer.local_addr().expect("it is bound");
    drop(peer);
    let key = driver.running();
    let reactor = &mut driver.core.reactor;
    let mut ours = socket.borrow_mut();
    ours.set_peer(&[address], reactor)
        .expect("loopback connects");
    drop(ours);
    park(&mut driver, key, &socket, DATAGRAM_SIZE, None);
    driver.assert_all_asleep();
    let reactor = &mut driver.core.reactor;
    let sent = socket.borrow_mut().send(b"anybody?", None, reactor);
    assert_eq!(sent.expect("loopback takes it"), 8);
    let outcome = tried(&mut driver, key);
    let Tried::Complete(Outcome::Failed(error)) = outcome else {
        panic!("a failure was expected, got {outcome:?}");
    };
    assert_eq!(error.word(), "connection refused");
    driver.assert_nothing_waits();
}
