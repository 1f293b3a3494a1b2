//! Whose a descriptor is: shared, given away, handed out or closed.

use super::*;

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
