//! Real loopback connections; each wait is for something that is bound to come.

mod connecting;
mod ownership;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

use super::*;
use crate::buffer::{Chunk, Pattern};
use crate::socket::MOST_AT_ONCE;

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
