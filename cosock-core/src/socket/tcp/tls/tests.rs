//! Our side against OpenSSL itself, which runs in a thread and is driven by blocking calls.

mod reading;

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
use crate::fd;
use crate::socket::Attempt;
use crate::socket::tcp::tests::finish;
use crate::tls::context::{Context, Mode};
use crate::tls::{Builder, PROTOCOLS, Protocol};

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

#[test]
fn parts_of_a_record_are_progress() {
    let mut reactor = reactor();
    let (mut plain, stream) = connected(&mut reactor);
    let mut socket = plain
        .wrap(&client_context(), &mut reactor)
        .expect("plain so far");
    let (go_on, may_go_on) = mpsc::channel();
    let peer = thread::spawn(move || {
        let ssl = Ssl::new(&peer_context(SslVersion::TLS1_2)).expect("memory");
        let stream = InParts {
            stream,
            may_go_on: None,
        };
        let mut peer = SslStream::new(ssl, stream).expect("memory");
        peer.accept().expect("the peer's handshake");
        peer.get_mut().may_go_on = Some(may_go_on);
        peer.write_all(&[b'x'; 10_000]).expect("sent");
    });
    finish(&mut reactor, &mut socket, TcpSocket::handshake).expect("our handshake");
    for part in 0..10 {
        go_on.send(()).expect("the peer waits");
        let tries = (0..1_000).map(|_| {
            socket.source(&mut reactor).expect("it can be waited on");
            reactor
                .wait(Some(Duration::from_millis(5)))
                .expect("it can wait");
            socket.receive(Pattern::Count(10_000), &mut reactor)
        });
        let nothing = |step: &Step<_>| {
            let progress = Progress::None;
            matches!(step, Step::Wait { progress: it, .. } if *it == progress)
        };
        match tries.into_iter().find(|step| !nothing(step)) {
            Some(Step::Wait { progress, .. }) => assert_eq!(progress, Progress::Moved),
            Some(Step::Done(result)) => {
                assert_eq!(result.expect("a record").as_slice(), [b'x'; 10_000]);
            }
            None => panic!("part {part} is none"),
        }
    }
    drop(go_on);
    peer.join().expect("the peer");
}

/// Writes what is large in ten parts, each when it may.
struct InParts {
    stream: TcpStream,
    may_go_on: Option<mpsc::Receiver<()>>,
}

impl Read for InParts {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for InParts {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let Some(may_go_on) = &self.may_go_on else {
            return self.stream.write(bytes);
        };
        for part in bytes.chunks(bytes.len().div_ceil(10)) {
            let _ = may_go_on.recv();
            self.stream.write_all(part)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}

#[test]
fn parts_of_a_record_that_the_system_takes_are_progress() {
    let mut reactor = reactor();
    let context = client_context();
    let (read, may_read) = mpsc::channel();
    let (mut socket, peer) = with_peer(
        &mut reactor,
        &context,
        SslVersion::TLS1_2,
        move |mut peer| {
            let mut buffer = [0; 2_000];
            let mut stream = peer.get_ref();
            while may_read.recv().is_ok() {
                let _ = stream.read(&mut buffer).expect("something has come");
            }
            peer.get_mut().shutdown(std::net::Shutdown::Both)
        },
    );
    rustix::net::sockopt::set_socket_send_buffer_size(fd::borrow(socket.raw_fd()), 1)
        .expect("an option");
    let data = noise(MUCH);
    let mut sent = 0;
    // Until there is no more room: then what is accepted stays as it is while parts of a record go.
    let mut moved_within = 0;
    for _ in 0..3_000 {
        let before = sent;
        let Step::Wait { progress, .. } = socket.send(&data, &mut sent, &mut reactor) else {
            panic!("the system took all of it");
        };
        moved_within += usize::from(sent == before && progress == Progress::Moved);
        if moved_within == 3 {
            break;
        }
        if progress == Progress::None {
            read.send(()).expect("the peer reads");
            socket.source(&mut reactor).expect("it can be waited on");
            reactor
                .wait(Some(Duration::from_millis(20)))
                .expect("it can wait");
            socket.doubt(&mut reactor);
        }
    }
    assert_eq!(moved_within, 3);
    drop(read);
    let _ = peer.join().expect("the peer");
}

#[test]
fn one_byte_at_a_time_is_still_a_handshake_and_a_line() {
    let mut reactor = reactor();
    let (mut plain, stream) = connected(&mut reactor);
    let mut socket = plain
        .wrap(&server_context(), &mut reactor)
        .expect("plain so far");
    let peer = thread::spawn(move || {
        stream.set_nodelay(true).expect("an option");
        let ssl = Ssl::new(&peer_context(SslVersion::TLS1_3)).expect("memory");
        let mut peer = SslStream::new(ssl, Dribble(stream)).expect("memory");
        peer.connect().expect("the peer's handshake");
        peer.write_all(b"slowly\n").expect("sent");
        peer.shutdown().expect("goodbye");
        // A close over the tickets, which it does not read, would take back what is still on its way.
        peer
    });
    finish(&mut reactor, &mut socket, TcpSocket::handshake).expect("our handshake");
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok(b"slowly".to_vec())
    );
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        closed(b"")
    );
    drop(peer.join().expect("the peer"));
}

#[test]
fn a_client_that_takes_no_tickets_is_heard_to_its_end() {
    let mut reactor = reactor();
    let (mut plain, stream) = connected(&mut reactor);
    let mut socket = plain
        .wrap(&server_context(), &mut reactor)
        .expect("plain so far");
    let (answered, has_answered) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel();
    let (speak, may_speak) = mpsc::channel();
    let peer = thread::spawn(move || {
        let ssl = Ssl::new(&peer_context(SslVersion::TLS1_3)).expect("memory");
        let stream = Halting {
            stream,
            answered,
            may_go_on,
        };
        let mut peer = SslStream::new(ssl, stream).expect("memory");
        peer.connect().expect("the peer's handshake");
        may_speak.recv().expect("it is asked to");
        peer.write_all(b"heard\n").expect("sent");
    });
    while has_answered.try_recv().is_err() {
        let step = socket.handshake(&mut reactor);
        assert!(matches!(step, Step::Wait { .. }), "for the peer: {step:?}");
        socket.source(&mut reactor).expect("it can be waited on");
        reactor
            .wait(Some(Duration::from_millis(1)))
            .expect("it can wait");
    }
    // As when the client is gone: what the server sends after its own flight is refused by the system.
    rustix::net::shutdown(fd::borrow(socket.raw_fd()), rustix::net::Shutdown::Write)
        .expect("connected");
    drop(go_on);
    finish(&mut reactor, &mut socket, TcpSocket::handshake).expect("our handshake");
    let early = socket.receive(Pattern::Line, &mut reactor);
    assert!(
        matches!(early, Step::Wait { .. }),
        "nothing was sent: {early:?}"
    );
    speak.send(()).expect("the peer waits for it");
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok(b"heard".to_vec())
    );
    peer.join().expect("the peer");
    // An end without goodbye, which is not to be taken for the refused write.
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Err(("unexpected eof while reading".to_owned(), Vec::new()))
    );
}

/// Tells when something has come, and gives it only when it may.
struct Halting {
    stream: TcpStream,
    answered: mpsc::Sender<()>,
    may_go_on: mpsc::Receiver<()>,
}

impl Read for Halting {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.stream.read(buffer)?;
        let _ = self.answered.send(());
        let _ = self.may_go_on.recv();
        Ok(length)
    }
}

impl Write for Halting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}

/// Writes one byte at a time.
struct Dribble(TcpStream);

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Dribble {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(&bytes[..bytes.len().min(1)])
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[test]
fn what_was_received_before_the_wrap_belongs_to_the_handshake() {
    let mut reactor = reactor();
    let (mut plain, stream) = connected(&mut reactor);
    let peer = thread::spawn(move || {
        let mut stream = stream;
        stream.write_all(b"CONNECT\n").expect("sent");
        let ssl = Ssl::new(&peer_context(SslVersion::TLS1_3)).expect("memory");
        let mut peer = SslStream::new(ssl, stream).expect("memory");
        peer.connect().expect("the peer's handshake");
        let mut line = [0; 3];
        peer.read_exact(&mut line).expect("a line");
        line
    });
    // Until the first message of the handshake is there beside the line.
    while reactor_reads(&mut reactor, &mut plain) <= 8 {}
    assert_eq!(
        receive(&mut reactor, &mut plain, Pattern::Line),
        Ok(b"CONNECT".to_vec())
    );
    let mut socket = plain
        .wrap(&server_context(), &mut reactor)
        .expect("plain so far");
    assert!(!plain.has_unread(), "it was handed over");
    finish(&mut reactor, &mut socket, TcpSocket::handshake).expect("our handshake");
    assert_eq!(send(&mut reactor, &mut socket, b"ok\n"), Ok(()));
    assert_eq!(&peer.join().expect("the peer"), b"ok\n");
}

/// Has the socket read ahead what there is; tells how much waits.
fn reactor_reads(reactor: &mut Reactor, socket: &mut TcpSocket) -> usize {
    let far = Pattern::Count(1 << 20);
    if let Step::Wait { .. } = socket.receive(far, reactor) {
        socket.source(reactor).expect("it can be waited on");
        reactor.wait(Some(PATIENCE)).expect("it can wait");
    }
    let _ = socket.receive(far, reactor);
    socket.unread.len()
}

#[test]
fn what_is_decrypted_or_at_hand_answers_a_select() {
    let mut reactor = reactor();
    let context = client_context();
    let (mut socket, peer) = with_peer(&mut reactor, &context, SslVersion::TLS1_3, |mut peer| {
        // Two records in one segment, as far as the system likes it.
        peer.write_all(b"ab\n").expect("sent");
        peer.write_all(b"cd\n").expect("sent");
        peer
    });
    let _peer = peer.join().expect("the peer");
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Count(1)),
        Ok(b"a".to_vec())
    );
    assert!(socket.is_dirty() && socket.answers_read());
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok(b"b".to_vec())
    );
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        Ok(b"cd".to_vec())
    );
    assert!(!socket.is_dirty() && !socket.answers_read());
}

#[test]
fn nothing_works_before_the_handshake_or_after_the_close() {
    let mut reactor = reactor();
    let (mut plain, _peer) = connected(&mut reactor);
    let mut socket = plain
        .wrap(&client_context(), &mut reactor)
        .expect("plain so far");
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::Line),
        closed(b"")
    );
    assert_eq!(
        send(&mut reactor, &mut socket, b"x"),
        Err("closed".to_owned())
    );
    assert_eq!(
        send(&mut reactor, &mut socket, b""),
        Ok(()),
        "as on a plain socket"
    );
    assert!(
        socket.wrap(&client_context(), &mut reactor).is_err(),
        "one layer only"
    );
    socket.close(&mut reactor);
    let result = finish(&mut reactor, &mut socket, TcpSocket::handshake);
    assert_eq!(
        result.map_err(|error| error.word().into_owned()),
        Err("closed".to_owned())
    );
    assert!(socket.is_encrypted() && socket.session().is_none());
    assert_eq!(
        receive(&mut reactor, &mut socket, Pattern::All),
        closed(b"")
    );
}

#[test]
fn a_peer_that_speaks_no_tls_is_told_from_one_that_does() {
    let mut reactor = reactor();
    let (mut plain, mut peer) = connected(&mut reactor);
    peer.write_all(b"220 ready to start\r\n").expect("sent");
    let mut socket = plain
        .wrap(&client_context(), &mut reactor)
        .expect("plain so far");
    let result = finish(&mut reactor, &mut socket, TcpSocket::handshake);
    let word = result.map_err(|error| error.word().into_owned());
    assert_eq!(word, Err("wrong version number".to_owned()));
}

/// All contexts that a table could name can be made.
#[rstest]
fn every_protocol_has_a_context(#[values(Mode::Client, Mode::Server)] mode: Mode) {
    for name in PROTOCOLS
        .map(|(name, _)| name)
        .into_iter()
        .chain(["any", "sslv23"])
    {
        let protocol = Protocol::named(name.as_bytes()).expect(name);
        let context: Context = Builder::new(protocol, mode).expect(name).finish();
        assert_eq!(context.is_server(), mode == Mode::Server);
    }
}
