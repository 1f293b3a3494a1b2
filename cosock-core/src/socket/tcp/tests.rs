//! Real loopback connections; each wait is for something that is bound to come.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

use super::*;
use crate::buffer::{Chunk, Pattern};
use crate::socket::MOST_AT_ONCE;
use rstest::rstest;

const PATIENCE: Duration = Duration::from_secs(20);

fn reactor() -> Reactor {
    Reactor::new().expect("an event queue")
}

/// Tries until it is over, waiting for events in between.
pub(super) fn finish<T>(
    reactor: &mut Reactor,
    socket: &mut TcpSocket,
    mut step: impl FnMut(&mut TcpSocket, &mut Reactor) -> Step<T>,
) -> T {
    loop {
        match step(socket, reactor) {
            Step::Done(result) => return result,
            Step::Wait {
                progress: Progress::Pause,
                ..
            } => {}
            Step::Wait { .. } => {
                socket.source(reactor).expect("it can be waited on");
                reactor.wait(Some(PATIENCE)).expect("it can wait");
            }
        }
    }
}

fn connect(
    reactor: &mut Reactor,
    socket: &mut TcpSocket,
    addresses: &[SocketAddr],
) -> Result<(), String> {
    let mut attempt = Attempt::new(addresses.to_vec());
    finish(reactor, socket, |socket, reactor| {
        socket.connect(&mut attempt, reactor)
    })
    .map_err(|error| error.word().into_owned())
}

fn receive(
    reactor: &mut Reactor,
    socket: &mut TcpSocket,
    pattern: Pattern,
) -> Result<String, (String, String)> {
    let result = finish(reactor, socket, |socket, reactor| {
        socket.receive(pattern, reactor)
    });
    match result {
        Ok(chunk) => Ok(text(&chunk)),
        Err(error) => Err((error.word().into_owned(), text(&socket.partial(pattern)))),
    }
}

fn text(chunk: &Chunk) -> String {
    String::from_utf8(chunk.as_slice().to_vec()).expect("ascii")
}

/// A connected socket and its peer.
fn pair(reactor: &mut Reactor) -> (TcpSocket, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let mut socket = TcpSocket::new();
    let address = listener.local_addr().expect("bound");
    connect(reactor, &mut socket, &[address]).expect("loopback");
    (socket, listener.accept().expect("it is connected").0)
}

/// A listener of one family, and an address of the other with the same port, where nobody listens.
fn listener_and_desert(v6: bool) -> (TcpListener, SocketAddr) {
    loop {
        let (own, other): (std::net::IpAddr, std::net::IpAddr) = match v6 {
            true => (Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()),
            false => (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()),
        };
        let listener = TcpListener::bind((own, 0)).expect("a listener");
        let port = listener.local_addr().expect("bound").port();
        if TcpListener::bind((other, port)).is_ok() {
            return (listener, (other, port).into());
        }
    }
}

#[rstest]
#[case(false)]
#[case(true)]
fn connect_goes_on_to_an_address_of_the_other_family(#[case] v6: bool) {
    let mut reactor = reactor();
    let (listener, desert) = listener_and_desert(v6);
    let address = listener.local_addr().expect("bound");
    let mut socket = TcpSocket::new();
    let addresses = [desert, desert, address, desert];
    assert_eq!(connect(&mut reactor, &mut socket, &addresses), Ok(()));
    assert_eq!(socket.class(), TcpClass::Client);
    assert_eq!(socket.family(), Family::of(&address));
    assert_eq!(socket.peer_address().expect("connected"), address);
    assert_eq!(socket.epoch(), 0, "whoever began it still waits for it");
}

#[test]
fn connect_tells_why_the_last_address_failed() {
    let mut reactor = reactor();
    let (listener, desert) = listener_and_desert(false);
    let mut socket = TcpSocket::new();
    let broadcast = SocketAddr::from((Ipv4Addr::BROADCAST, 1));
    let result = connect(&mut reactor, &mut socket, &[broadcast, desert]);
    assert_eq!(result, Err("connection refused".to_owned()));
    assert_eq!(socket.class(), TcpClass::Client);
    // The object serves for another try.
    let address = listener.local_addr().expect("bound");
    assert_eq!(connect(&mut reactor, &mut socket, &[address]), Ok(()));
    assert_eq!(
        connect(&mut reactor, &mut socket, &[address]),
        Err("already connected".to_owned())
    );
    assert_eq!(
        connect(&mut reactor, &mut TcpSocket::new(), &[]),
        Err("host or service not provided, or not known".to_owned())
    );
}

#[test]
fn a_bound_socket_keeps_its_address_while_it_connects() {
    let mut reactor = reactor();
    let (listener, desert) = listener_and_desert(false);
    let mut socket = TcpSocket::new();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&[any], false, &mut reactor).expect("free");
    let own = socket.local_address().expect("bound");
    let address = listener.local_addr().expect("bound");
    // The first address is of a family that its descriptor does not have.
    assert_eq!(
        connect(&mut reactor, &mut socket, &[desert, address]),
        Ok(())
    );
    assert_eq!(socket.local_address().expect("bound"), own);
}

#[test]
fn a_new_connection_has_nothing_of_the_old_one() {
    let mut reactor = reactor();
    let (mut socket, mut peer) = pair(&mut reactor);
    peer.write_all(b"one\nold rest").expect("there is room");
    drop(peer);
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok("one".into())
    );
    let before = socket.epoch();
    socket.close(&mut reactor);
    assert_ne!(socket.epoch(), before);
    // What was received is still there.
    assert!(socket.has_unread() && socket.answers_read());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let address = listener.local_addr().expect("bound");
    connect(&mut reactor, &mut socket, &[address]).expect("loopback");
    assert!(!socket.has_unread() && !socket.answers_read());
    let mut peer = listener.accept().expect("it is connected").0;
    peer.write_all(b"new\n").expect("there is room");
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok("new".into())
    );
}

#[test]
fn a_confirmed_connection_keeps_what_came_early() {
    let mut reactor = reactor();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let address = listener.local_addr().expect("bound");
    let mut socket = TcpSocket::new();
    let mut attempt = Attempt::new(vec![address]);
    let first = socket.connect(&mut attempt, &mut reactor);
    assert_eq!(socket.class(), TcpClass::Client, "before it is through");
    let mut peer = listener.accept().expect("it is connected").0;
    peer.write_all(b"early bird\n").expect("there is room");
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Count(5)),
        Ok("early".into())
    );
    if matches!(first, Step::Wait { .. }) {
        assert_eq!(connect(&mut reactor, &mut socket, &[address]), Ok(()));
    }
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok(" bird".into())
    );
}

/// Such as a server that is too busy and says so: the connection, the bytes and the end are one event.
#[test]
fn a_peer_that_ends_before_the_connect_does_is_seen_to_end() {
    let mut reactor = reactor();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let mut socket = TcpSocket::new();
    let mut attempt = Attempt::new(vec![listener.local_addr().expect("bound")]);
    if let Step::Wait { .. } = socket.connect(&mut attempt, &mut reactor) {
        socket.source(&mut reactor).expect("it can be waited on");
        let mut peer = listener.accept().expect("it is connected").0;
        peer.write_all(b"busy\n").expect("there is room");
        drop(peer);
        let connected = finish(&mut reactor, &mut socket, |socket, reactor| {
            reactor.wait(Some(PATIENCE)).expect("it can wait");
            socket.connect(&mut attempt, reactor)
        });
        assert!(connected.is_ok(), "{connected:?}");
        assert_eq!(
            receive(&mut reactor, &mut socket, Pattern::Line),
            Ok("busy".into())
        );
        let end = socket.receive(Pattern::Line, &mut reactor);
        assert!(matches!(end, Step::Done(Err(SocketError::Closed))));
    }
}

#[test]
fn every_pattern_takes_its_bytes_and_leaves_the_rest() {
    let mut reactor = reactor();
    let (mut socket, mut peer) = pair(&mut reactor);
    peer.write_all(b"one\r\ntwo\nthree four")
        .expect("there is room");
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok("one".into())
    );
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Count(2)),
        Ok("tw".into())
    );
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok("o".into())
    );
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Count(0)),
        Ok(String::new())
    );
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Count(6)),
        Ok("three ".into())
    );
    drop(peer);
    let closed = ("closed".to_owned(), "four".to_owned());
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Err(closed)
    );
    let closed = ("closed".to_owned(), String::new());
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::All),
        Err(closed)
    );
    assert!(socket.answers_read());
}

#[test]
fn the_first_to_ask_for_everything_gets_an_empty_rest() {
    let mut reactor = reactor();
    let (mut socket, mut peer) = pair(&mut reactor);
    peer.write_all(b"header\n").expect("there is room");
    drop(peer);
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok("header".into())
    );
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::All),
        Ok(String::new())
    );
    let closed = ("closed".to_owned(), String::new());
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::All),
        Err(closed)
    );
}

#[test]
fn a_drained_stream_is_not_read_again_before_its_next_event() {
    let mut reactor = reactor();
    let (mut socket, mut peer) = pair(&mut reactor);
    socket.source(&mut reactor).expect("it can be waited on");
    reactor.wait(Some(Duration::ZERO)).expect("it can wait");
    peer.write_all(b"line\n").expect("there is room");
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok("line".into())
    );
    // The event of these bytes is taken, and then nothing more comes.
    reactor.wait(Some(Duration::ZERO)).expect("it can wait");
    let waits = |step| {
        matches!(
            step,
            Step::Wait {
                interest: Interest::Read,
                progress: Progress::None
            }
        )
    };
    assert!(waits(socket.receive(Pattern::Line, &mut reactor)));
    peer.write_all(b"next\n").expect("there is room");
    // No event was looked for, and none is needed by who doubts.
    while !socket.has_unread() {
        socket.doubt(&mut reactor);
        if let Step::Done(result) = socket.receive(Pattern::Count(1), &mut reactor) {
            assert_eq!(text(&result.expect("a byte")), "n");
        }
    }
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok("ext".into())
    );
}

#[test]
fn a_count_given_up_leaves_its_bytes_to_the_next_line() {
    let mut reactor = reactor();
    let (mut socket, mut peer) = pair(&mut reactor);
    peer.write_all(b"one\ntwo\n").expect("there is room");
    while socket.unread.len() < 8 {
        let step = socket.receive(Pattern::Count(100), &mut reactor);
        assert!(matches!(step, Step::Wait { .. }));
        socket.source(&mut reactor).expect("it can be waited on");
        reactor.wait(Some(PATIENCE)).expect("it can wait");
    }
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok("one".into())
    );
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok("two".into())
    );
}

#[test]
fn a_line_without_end_fails_at_its_limit() {
    let mut reactor = reactor();
    let (mut socket, mut peer) = pair(&mut reactor);
    socket.set_longest_line(5);
    peer.write_all(b"seventh\nthe rest").expect("there is room");
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok("seventh".into()),
        "it is here already"
    );
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Count(6)),
        Ok("the re".into())
    );
    peer.write_all(b"mainder").expect("there is room");
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Err(("line too long".into(), "stmainder".into()))
    );
    peer.write_all(b"last\n").expect("there is room");
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok("last".into())
    );
}

#[test]
fn a_send_goes_on_where_it_stopped() {
    let mut reactor = reactor();
    let (mut socket, mut peer) = pair(&mut reactor);
    let data: Vec<u8> = (0..12_000_000_u32)
        .map(|place| (place % 251) as u8)
        .collect();
    let reader = std::thread::spawn(move || {
        let mut got = Vec::new();
        peer.read_to_end(&mut got).expect("a stream");
        got
    });
    let mut next = 0;
    let mut steps = 0;
    let result = finish(&mut reactor, &mut socket, |socket, reactor| {
        steps += 1;
        let before = next;
        let step = socket.send(&data, &mut next, reactor);
        if let Step::Wait { progress, .. } = step {
            assert_eq!(progress == Progress::None, next == before);
            assert!(progress != Progress::Pause || next - before >= MOST_AT_ONCE);
        }
        step
    });
    assert!(result.is_ok() && next == data.len() && steps > 1);
    assert_eq!(socket.stats().1, data.len() as f64);
    socket.close(&mut reactor);
    assert!(
        reader.join().expect("it ends") == data,
        "a byte was lost or repeated"
    );
}

#[test]
fn a_closed_socket_says_so_and_costs_nothing() {
    let mut reactor = reactor();
    let (mut socket, mut peer) = pair(&mut reactor);
    socket.source(&mut reactor).expect("it can be waited on");
    socket.close(&mut reactor);
    socket.close(&mut reactor);
    assert_eq!((socket.raw_fd(), reactor.registered()), (-1, 0));
    let closed = ("closed".to_owned(), String::new());
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::All),
        Err(closed)
    );
    let mut next = 0;
    let step = socket.send(b"x", &mut next, &mut reactor);
    assert!(matches!(step, Step::Done(Err(SocketError::Closed))));
    let step = socket.send(b"", &mut next, &mut reactor);
    assert!(matches!(step, Step::Done(Ok(()))));
    assert!(matches!(
        socket.accept(&mut reactor),
        Step::Done(Err(SocketError::Closed))
    ));
    let error = socket.source(&mut reactor).expect_err("no descriptor");
    assert_eq!(error.word(), "closed");
    assert_eq!(peer.read(&mut [0]).expect("an end"), 0);
}

#[test]
fn sending_to_a_peer_that_is_gone_ends_in_closed_and_no_signal() {
    let mut reactor = reactor();
    let (mut socket, peer) = pair(&mut reactor);
    drop(peer);
    let error = loop {
        let mut next = 0;
        let sent = finish(&mut reactor, &mut socket, |socket, reactor| {
            socket.send(b"x", &mut next, reactor)
        });
        if let Err(error) = sent {
            break error;
        }
    };
    assert_eq!(error.word(), "closed");
}

#[test]
fn a_listener_hands_out_its_queue_in_order() {
    let mut reactor = reactor();
    let mut server = TcpSocket::new();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let error = server.listen(5).expect_err("no descriptor yet");
    assert_eq!(error.word(), "Bad file descriptor");
    server.bind(&[any], true, &mut reactor).expect("free");
    server.listen(5).expect("bound");
    assert_eq!(server.class(), TcpClass::Server);
    let waits = Interest::Read;
    assert!(
        matches!(server.accept(&mut reactor), Step::Wait { interest, .. } if interest == waits)
    );
    let address = server.local_address().expect("bound");
    let clients: Vec<_> = (0..3)
        .map(|_| TcpStream::connect(address).expect("loopback"))
        .collect();
    for client in &clients {
        let accepted = finish(&mut reactor, &mut server, TcpSocket::accept).expect("a client");
        assert_eq!(accepted.class(), TcpClass::Client);
        assert_eq!(accepted.family(), Family::Inet);
        assert_eq!(
            accepted.peer_address().expect("connected"),
            client.local_addr().expect("connected")
        );
    }
}

#[test]
fn two_sockets_can_share_a_descriptor_and_its_source() {
    let mut reactor = reactor();
    let (mut socket, mut peer) = pair(&mut reactor);
    let (mut twin, _other) = pair(&mut reactor);
    twin.close(&mut reactor);
    twin.set_fd(socket.raw_fd(), &mut reactor);
    assert_eq!(twin.raw_fd(), socket.raw_fd());
    let id = socket.source(&mut reactor).expect("it can be waited on");
    assert_eq!(twin.source(&mut reactor).expect("it can be waited on"), id);
    assert_eq!(reactor.registered(), 1);
    peer.write_all(b"shared\n").expect("there is room");
    assert_eq!(
        receive(&mut reactor, &mut twin, Pattern::Line),
        Ok("shared".into())
    );
    // A second close of the number would hit what another test has opened meanwhile.
    twin.set_fd(-1, &mut reactor);
    assert_eq!(reactor.registered(), 0);
    peer.write_all(b"left\n").expect("there is room");
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok("left".into())
    );
}

#[test]
fn a_descriptor_given_away_stays_open() {
    let mut reactor = reactor();
    let (mut socket, mut peer) = pair(&mut reactor);
    let mut heir = TcpSocket::new();
    heir.set_fd(socket.raw_fd(), &mut reactor);
    let before = socket.epoch();
    socket.set_fd(-1, &mut reactor);
    assert_ne!(socket.epoch(), before);
    drop(socket);
    peer.write_all(b"x").expect("there is room");
    assert_eq!(
        receive(&mut reactor, &mut heir, Pattern::Count(1)),
        Ok("x".into())
    );
    assert_eq!(heir.peer_address().ok(), peer.local_addr().ok());
    heir.close(&mut reactor);
    assert_eq!(peer.read(&mut [0]).expect("an end"), 0);
}

#[test]
fn ending_one_direction_leaves_the_other() {
    let mut reactor = reactor();
    let (mut socket, mut peer) = pair(&mut reactor);
    socket.shutdown(Shutdown::Write);
    assert_eq!(peer.read(&mut [0]).expect("an end"), 0);
    peer.write_all(b"answer\n").expect("there is room");
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok("answer".into())
    );
    TcpSocket::new().shutdown(Shutdown::Both);
    assert!(peer.as_raw_fd() >= 0);
}

#[test]
fn an_ipv6_socket_serves_that_family_alone() {
    let mut reactor = reactor();
    let mut six = TcpSocket::new();
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    six.bind(&[any], false, &mut reactor).expect("free");
    assert!(six.socket().expect("open").only_v6().expect("an option"));
    let made = TcpSocket::opened(Family::Inet6, &mut reactor).expect("a descriptor");
    assert!(made.socket().expect("open").only_v6().expect("an option"));
    assert_eq!(made.family(), Family::Inet6);
}
