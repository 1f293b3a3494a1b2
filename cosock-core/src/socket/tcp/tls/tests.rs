//! Our side against OpenSSL itself, which runs in a thread and is driven by blocking calls.

mod handshake;
mod reading;
mod records;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use openssl::ssl::{
    Ssl, SslContext, SslContextBuilder, SslFiletype, SslMethod, SslStream, SslVersion,
};
use rstest::rstest;

use super::*;
use crate::socket::Attempt;
use crate::socket::tcp::tests::finish;
use crate::tls::context::Mode;
use crate::tls::{Builder, Protocol};

const PATIENCE: Duration = Duration::from_secs(20);

type Peer = SslStream<TcpStream>;

fn reactor() -> Reactor {
    Reactor::new().expect("an event queue")
}

fn file(name: &str) -> Vec<u8> {
    let path = certificates::directory().join(name);
    path.into_os_string()
        .into_string()
        .expect("a plain path")
        .into()
}

fn any() -> Protocol {
    Protocol::named(b"any").expect("one of the protocols")
}

fn client_context() -> SharedContext {
    let mut builder = Builder::new(any(), Mode::Client).expect("a builder");
    builder.trust_file(&file("ca.pem")).expect("the authority");
    builder.add_verify(b"peer").expect("a known option");
    Rc::new(builder.finish())
}

fn server_context() -> SharedContext {
    let mut builder = Builder::new(any(), Mode::Server).expect("a builder");
    builder
        .load_key(&file("server.key"), None)
        .expect("the key");
    builder
        .load_certificate(&file("server.pem"))
        .expect("the certificate");
    Rc::new(builder.finish())
}

/// The peer's context, limited to one version of the protocol.
fn peer_context(version: SslVersion) -> SslContext {
    let mut builder: SslContextBuilder = SslContext::builder(SslMethod::tls()).expect("a context");
    let directory = certificates::directory();
    builder
        .set_private_key_file(directory.join("server.key"), SslFiletype::PEM)
        .and_then(|()| builder.set_certificate_chain_file(directory.join("server.pem")))
        .and_then(|()| builder.set_ca_file(directory.join("ca.pem")))
        .and_then(|()| builder.set_min_proto_version(Some(version)))
        .and_then(|()| builder.set_max_proto_version(Some(version)))
        .expect("the tests' certificates");
    builder.build()
}

/// A connected socket, and the other end.
fn connected(reactor: &mut Reactor) -> (TcpSocket, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let mut attempt = Attempt::new(vec![listener.local_addr().expect("bound")]);
    let mut socket = TcpSocket::new();
    finish(reactor, &mut socket, |socket, reactor| {
        socket.connect(&mut attempt, reactor)
    })
    .expect("loopback");
    let (peer, _) = listener.accept().expect("it is connected");
    peer.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    (socket, peer)
}

/// Our end after wrapping it, with a peer that shakes hands and then does `act` in its thread.
fn with_peer<T: Send + 'static>(
    reactor: &mut Reactor,
    context: &SharedContext,
    version: SslVersion,
    act: impl FnOnce(Peer) -> T + Send + 'static,
) -> (TcpSocket, JoinHandle<T>) {
    let (mut plain, stream) = connected(reactor);
    let mut socket = plain.wrap(context, reactor).expect("plain so far");
    assert_eq!(plain.raw_fd(), -1, "the connection was given away");
    let is_client = context.is_server();
    let peer = thread::spawn(move || {
        let ssl = Ssl::new(&peer_context(version)).expect("memory");
        let mut peer = SslStream::new(ssl, stream).expect("memory");
        if is_client {
            peer.connect()
        } else {
            peer.accept()
        }
        .expect("the peer's handshake");
        act(peer)
    });
    let result = finish(reactor, &mut socket, TcpSocket::handshake);
    assert_eq!(result.expect("our handshake"), Handshake::Complete);
    (socket, peer)
}

fn receive(
    reactor: &mut Reactor,
    socket: &mut TcpSocket,
    pattern: Pattern,
) -> Result<Vec<u8>, (String, Vec<u8>)> {
    let result = finish(reactor, socket, |socket, reactor| {
        socket.receive(pattern, reactor)
    });
    match result {
        Ok(chunk) => Ok(chunk.as_slice().to_vec()),
        Err(error) => {
            let rest = socket.partial(pattern).as_slice().to_vec();
            Err((error.word().into_owned(), rest))
        }
    }
}

fn send(reactor: &mut Reactor, socket: &mut TcpSocket, data: &[u8]) -> Result<(), String> {
    let mut next = 0;
    finish(reactor, socket, |socket, reactor| {
        socket.send(data, &mut next, reactor)
    })
    .map_err(|error| error.word().into_owned())
}

fn closed<T>(rest: &[u8]) -> Result<T, (String, Vec<u8>)> {
    Err(("closed".to_owned(), rest.to_vec()))
}

#[rstest]
fn both_roles_exchange_lines_and_counts(
    #[values(client_context(), server_context())] context: SharedContext,
    #[values(SslVersion::TLS1_2, SslVersion::TLS1_3)] version: SslVersion,
) {
    let mut reactor = reactor();
    let (mut socket, peer) = with_peer(&mut reactor, &context, version, |mut peer| {
        peer.write_all(b"one\ntwo\nthree").expect("sent");
        let mut answer = [0; 6];
        peer.read_exact(&mut answer).expect("answered");
        peer.shutdown().expect("goodbye");
        answer
    });
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok(b"one".to_vec())
    );
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Count(6)),
        Ok(b"two\nth".to_vec())
    );
    assert_eq!(send(&mut reactor, &mut socket, b"answer"), Ok(()));
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        closed(b"ree")
    );
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        closed(b"")
    );
    assert_eq!(&peer.join().expect("the peer"), b"answer");
    assert_eq!(socket.stats().0, 13.0);
}

/// Far more than the system's buffers hold, so both directions block.
const MUCH: usize = 8 << 20;

fn noise(length: usize) -> Vec<u8> {
    let mut state: u32 = 0x9e37_79b9;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn every_byte_arrives_once_in_both_directions() {
    let mut reactor = reactor();
    let context = client_context();
    let (mut socket, peer) = with_peer(&mut reactor, &context, SslVersion::TLS1_3, |mut peer| {
        let mut data = vec![0; MUCH];
        peer.read_exact(&mut data).expect("all of it");
        peer.write_all(&data).expect("sent back");
        peer.shutdown().expect("goodbye");
    });
    let data = noise(MUCH);
    assert_eq!(send(&mut reactor, &mut socket, &data), Ok(()));
    let back = receive(&mut reactor, &mut socket, Pattern::All).expect("until the goodbye");
    assert!(back == data, "the echo is what was sent");
    peer.join().expect("the peer");
}

#[test]
fn a_send_that_was_given_up_counts_what_the_next_one_need_not_send() {
    let mut reactor = reactor();
    let context = client_context();
    let (full, wait_until_full) = mpsc::channel();
    let (mut socket, peer) = with_peer(
        &mut reactor,
        &context,
        SslVersion::TLS1_2,
        move |mut peer| {
            let mut all = Vec::new();
            wait_until_full
                .recv()
                .expect("our side has met a full buffer");
            peer.read_to_end(&mut all).expect("until the goodbye");
            all
        },
    );
    let data = noise(MUCH);
    let mut sent = 0;
    loop {
        match socket.send(&data, &mut sent, &mut reactor) {
            Step::Done(result) => panic!("the system took all of it: {result:?}"),
            Step::Wait { progress, .. } if progress != Progress::Pause => break,
            Step::Wait { .. } => {}
        }
    }
    assert!(0 < sent && sent < data.len());
    full.send(()).expect("the peer waits");
    // Given up here; what follows is another call, with the rest and something new.
    let rest = [&data[sent..], b"the end"].concat();
    assert_eq!(send(&mut reactor, &mut socket, &rest), Ok(()));
    socket.close(&mut reactor);
    let all = peer.join().expect("the peer");
    assert!(all == [&data[..], b"the end"].concat(), "every byte once");
}

#[test]
fn an_end_without_goodbye_is_told_once() {
    let mut reactor = reactor();
    let context = client_context();
    let (mut socket, peer) = with_peer(&mut reactor, &context, SslVersion::TLS1_3, |mut peer| {
        peer.write_all(b"cut o").expect("sent");
        peer
    });
    let peer = peer.join().expect("the peer");
    peer.get_ref()
        .shutdown(std::net::Shutdown::Both)
        .expect("connected");
    let cut = ("unexpected eof while reading".to_owned(), b"cut o".to_vec());
    assert_eq!(receive(&mut reactor, &mut socket, Pattern::All), Err(cut));
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::All),
        closed(b"")
    );
    assert_eq!(
        send(&mut reactor, &mut socket, b"x"),
        Err("closed".to_owned())
    );
}

#[test]
fn an_error_that_somebody_else_has_left_is_none_of_the_connection() {
    // What another library in the process may do, whose OpenSSL is the same.
    let leave_error = || {
        let error = openssl::x509::X509::from_pem(b"noise").expect_err("it is none");
        error.put();
    };
    let mut reactor = reactor();
    let (mut plain, stream) = connected(&mut reactor);
    let mut socket = plain
        .wrap(&client_context(), &mut reactor)
        .expect("plain so far");
    leave_error();
    let step = socket.handshake(&mut reactor);
    assert!(matches!(step, Step::Wait { .. }), "for the peer: {step:?}");
    let (go_on, may_go_on) = mpsc::channel();
    let peer = thread::spawn(move || {
        let ssl = Ssl::new(&peer_context(SslVersion::TLS1_3)).expect("memory");
        let mut peer = SslStream::new(ssl, stream).expect("memory");
        peer.accept().expect("the peer's handshake");
        may_go_on.recv().expect("our side waits");
        let mut all = vec![0; MUCH];
        peer.read_exact(&mut all).expect("all of it");
        peer.write_all(b"line\nrest").expect("sent");
        peer
    });
    finish(&mut reactor, &mut socket, TcpSocket::handshake).expect("our handshake");
    leave_error();
    let step = socket.receive(Pattern::Line, &mut reactor);
    assert!(
        matches!(step, Step::Wait { .. }),
        "nothing was sent: {step:?}"
    );
    let (data, mut sent) = (noise(MUCH), 0);
    loop {
        leave_error();
        match socket.send(&data, &mut sent, &mut reactor) {
            Step::Done(result) => panic!("the system took all of it: {result:?}"),
            Step::Wait { progress, .. } if progress != Progress::Pause => break,
            Step::Wait { .. } => {}
        }
    }
    go_on.send(()).expect("the peer waits");
    assert_eq!(send(&mut reactor, &mut socket, &data[sent..]), Ok(()));
    leave_error();
    let line = receive(&mut reactor, &mut socket, Pattern::Line);
    assert_eq!(line, Ok(b"line".to_vec()));
    let _peer = peer.join().expect("the peer");
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Count(4)),
        Ok(b"rest".to_vec())
    );
    leave_error();
    assert!(!socket.is_dirty());
}
