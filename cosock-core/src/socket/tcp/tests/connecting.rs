//! From an address, or several, to a connection.

use rstest::rstest;

use super::*;

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
