//! What comes before the first byte: who is spoken to, what was there already, and what is refused until then.

use super::*;
use crate::fd;
use crate::tls::PROTOCOLS;
use crate::tls::context::Context;

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
