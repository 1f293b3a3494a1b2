//! A record that comes or goes in parts: each part is progress.

use super::*;
use crate::fd;

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
            // Less than a record, which therefore goes in parts.
            rustix::net::sockopt::set_socket_recv_buffer_size(stream, 4096).expect("an option");
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
    let mut has_moved_within = false;
    for _ in 0..3_000 {
        let before = sent;
        let Step::Wait { progress, .. } = socket.send(&data, &mut sent, &mut reactor) else {
            panic!("the system took all of it");
        };
        has_moved_within = sent == before && progress == Progress::Moved;
        if has_moved_within {
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
    assert!(has_moved_within);
    // The peer may read more often than something has come.
    socket.close(&mut reactor);
    drop(read);
    let _ = peer.join().expect("the peer");
}
