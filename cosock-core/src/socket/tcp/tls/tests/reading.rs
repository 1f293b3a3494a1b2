//! Where what is decrypted goes, and who is told of what is left.

use std::ffi::c_int;

use foreign_types::ForeignTypeRef;

use super::*;
use crate::reactor::{Role, Waiter};
use crate::scheduler::Scheduler;

unsafe extern "C" {
    fn SSL_renegotiate(ssl: *mut openssl_sys::SSL) -> c_int;
}

#[rstest]
fn large_counts_are_cut_anywhere_in_the_stream(
    #[values(1_000, 16_384, 40_000)] written_at_once: usize,
) {
    let counts = [65_536, 3, 16_384, 16_385, 1, 100_000, 2_000_000];
    let data = noise(counts.iter().sum::<usize>() + 1_000);
    let sent = data.clone();
    let mut reactor = reactor();
    let context = client_context();
    let (asked, wait_until_asked) = mpsc::channel();
    let (mut socket, peer) = with_peer(
        &mut reactor,
        &context,
        SslVersion::TLS1_3,
        move |mut peer| {
            wait_until_asked.recv().expect("our side waits");
            for part in sent.chunks(written_at_once) {
                peer.write_all(part).expect("sent");
            }
            peer.shutdown().expect("goodbye");
        },
    );
    let step = socket.receive(Pattern::Count(counts[0]), &mut reactor);
    assert!(matches!(step, Step::Wait { .. }), "nothing was sent");
    let kept = socket.unread.storage().capacity();
    assert_eq!(kept, 0, "an idle connection keeps no buffer");
    asked.send(()).expect("the peer waits");
    let mut rest = &data[..];
    for count in counts {
        let (expected, next) = rest.split_at(count);
        let received = receive(&mut reactor, &mut socket, Pattern::Count(count));
        assert!(received.is_ok_and(|bytes| bytes == expected), "{count}");
        rest = next;
    }
    let all = receive(&mut reactor, &mut socket, Pattern::All);
    assert_eq!(all.expect("until the goodbye"), rest);
    peer.join().expect("the peer");
}

#[rstest]
#[case::the_rest_of_a_record(&["abc"], true)]
#[case::a_record_read_ahead(&["ab", "cd"], true)]
#[case::nothing(&["ab"], false)]
fn a_select_is_told_of_what_another_reader_has_left(
    #[case] records: &'static [&str],
    #[case] told: bool,
) {
    let mut reactor = reactor();
    let context = server_context();
    let (go_on, may_go_on) = mpsc::channel();
    let (mut socket, peer) = with_peer(
        &mut reactor,
        &context,
        SslVersion::TLS1_3,
        move |mut peer| {
            may_go_on.recv().expect("our side has shaken hands");
            // Else the second of two would wait until the first is acknowledged.
            peer.get_ref().set_nodelay(true).expect("an option");
            for record in records {
                peer.write_all(record.as_bytes()).expect("sent");
            }
            peer
        },
    );
    // Not before: the handshake would read ahead.
    go_on.send(()).expect("the peer waits");
    let _peer = peer.join().expect("the peer");
    let id = socket.source(&mut reactor).expect("it can be waited on");
    let waiter = Waiter {
        task: Scheduler::new().expect("a scheduler").spawn(),
        serial: 1,
        role: Role::Element(0),
        object: 1,
    };
    reactor.watch(id, Interest::Read, waiter);
    // What was sent is here already: on this machine, nothing is on its way.
    socket.doubt(&mut reactor);
    let step = socket.receive(Pattern::Count(2), &mut reactor);
    assert!(matches!(step, Step::Done(Ok(_))), "{step:?}");
    assert_eq!(reactor.has_fired(), told);
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

/// The send waits for the peer's part of a new handshake. A read of another task, which need not have waited, gets that
/// and nothing more: no event tells of it, and nothing else comes before the peer has what is to be sent.
#[test]
fn a_send_is_told_that_what_it_waits_for_was_read_by_another() {
    let mut reactor = reactor();
    let (go_on, may_go_on) = mpsc::channel();
    let renegotiate = move |mut peer: Peer| {
        may_go_on.recv().expect("our side is done with the first");
        // SAFETY: the connection is there, and nobody else uses it.
        assert_eq!(unsafe { SSL_renegotiate(peer.ssl().as_ptr()) }, 1);
        peer.do_handshake().expect("it asks for a handshake");
        may_go_on.recv().expect("our side waits");
        let mut byte = [0];
        peer.read_exact(&mut byte).expect("it is sent");
        byte
    };
    let context = client_context();
    let (mut socket, peer) = with_peer(&mut reactor, &context, SslVersion::TLS1_2, renegotiate);
    let source = socket.source(&mut reactor).expect("it can be waited on");
    let read_what_comes = |socket: &mut TcpSocket, reactor: &mut Reactor| {
        let mut comes = vec![];
        while comes != [true] {
            reactor.ready_now(&[(socket.raw_fd(), Interest::Read)], &mut comes);
        }
        socket.doubt(reactor);
        let step = socket.receive(Pattern::Line, reactor);
        assert!(waits_to_read(&step), "{step:?}");
    };
    go_on.send(()).expect("the peer waits");
    read_what_comes(&mut socket, &mut reactor);
    let mut sent = 0;
    let step = socket.send(b"x", &mut sent, &mut reactor);
    assert!(waits_to_read(&step), "{step:?}");
    reactor.wait(Some(Duration::ZERO)).expect("it can wait");
    let sender = Waiter {
        task: Scheduler::new().expect("a scheduler").spawn(),
        serial: 1,
        role: Role::Operation,
        object: 1,
    };
    reactor.watch(source, Interest::Read, sender);
    go_on.send(()).expect("the peer waits");
    read_what_comes(&mut socket, &mut reactor);
    assert_eq!(reactor.fired(0), Some(sender));
    let step = socket.send(b"x", &mut sent, &mut reactor);
    assert!(matches!(step, Step::Done(Ok(()))), "{step:?}");
    assert_eq!(peer.join().expect("the peer"), *b"x");
}

fn waits_to_read<T>(step: &Step<T>) -> bool {
    let read = Interest::Read;
    matches!(step, Step::Wait { interest, .. } if *interest == read)
}
