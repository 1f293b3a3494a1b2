use super::*;
use crate::tls::context::{Context, Mode};
use crate::tls::testing::{builder, client, connect, exchange, file, identify};
use crate::tls::{Builder, Protocol};
use rstest::rstest;

fn remembering() -> Context {
    let mut it = client();
    it.remember_sessions();
    it.finish()
}

fn server(protocol: &[u8], change: impl FnOnce(&mut Builder)) -> Context {
    let protocol = Protocol::named(protocol).expect("it is known");
    let mut it = Builder::new(protocol, Mode::Server).expect("OpenSSL makes contexts");
    identify(&mut it, "server-ec").expect("it is good");
    change(&mut it);
    it.finish()
}

/// Connects and tells whether both sides say that they resumed a session.
#[track_caller]
fn resumes(client: &Context, server: &Context, name: Option<&str>) -> bool {
    let (mut ours, mut theirs) = connect(client, server, name);
    exchange(&mut ours, &mut theirs);
    let reused = [&mut ours, &mut theirs].map(|side| {
        let stream = side.as_mut().expect("connected");
        // OpenSSL gives up the sessions of connections that end without a goodbye.
        stream.shutdown().expect("there is room for a goodbye");
        stream.ssl().session_reused()
    });
    assert_eq!(reused[0], reused[1], "both know");
    reused[0]
}

#[rstest]
fn the_second_handshake_is_a_short_one(#[values("tlsv1_2", "tlsv1_3")] protocol: &str) {
    let (client, server) = (remembering(), server(protocol.as_bytes(), |_| ()));
    assert!(!resumes(&client, &server, None));
    for _ in 0..3 {
        assert!(resumes(&client, &server, None));
    }
}

#[test]
fn a_context_remembers_only_when_told_to() {
    let (client, server) = (client().finish(), server(b"any", |_| ()));
    for _ in 0..2 {
        assert!(!resumes(&client, &server, None));
    }
}

#[test]
fn sessions_are_told_apart_by_name() {
    let (client, server) = (remembering(), server(b"any", |_| ()));
    assert!(!resumes(&client, &server, Some("one.example")));
    assert!(!resumes(&client, &server, Some("two.example")));
    assert!(!resumes(&client, &server, None));
    assert!(resumes(&client, &server, Some("one.example")));
    assert!(resumes(&client, &server, Some("two.example")));
}

#[rstest]
fn a_server_that_does_not_know_the_session_gets_a_new_one(
    #[values("tlsv1_2", "tlsv1_3")] protocol: &str,
) {
    let client = remembering();
    let protocol = protocol.as_bytes();
    assert!(!resumes(&client, &server(protocol, |_| ()), None));
    assert!(!resumes(&client, &server(protocol, |_| ()), None));
}

#[rstest]
fn a_server_that_verifies_its_clients_resumes(#[values("tlsv1_2", "tlsv1_3")] protocol: &str) {
    let server = server(protocol.as_bytes(), |it| {
        it.trust_file(&file("ca.pem")).expect("it is good");
        it.add_verify(b"peer").expect("it is known");
        it.add_verify(b"fail_if_no_peer_cert").expect("it is known");
    });
    let mut it = client();
    identify(&mut it, "client").expect("it is good");
    it.remember_sessions();
    let client = it.finish();
    assert!(!resumes(&client, &server, None));
    assert!(resumes(&client, &server, None));
}

#[test]
fn without_tickets_there_is_nothing_to_resume() {
    let server = server(b"any", |it| {
        it.add_option(b"no_ticket").expect("it is known")
    });
    let client = remembering();
    for _ in 0..2 {
        assert!(!resumes(&client, &server, None));
    }
}

#[test]
fn what_did_not_pass_is_not_remembered() {
    let mut it = builder(Mode::Client);
    it.add_verify(b"peer").expect("it is known");
    it.add_verify_extension(b"lsec_continue")
        .expect("it is known");
    it.remember_sessions();
    let (client, server) = (it.finish(), server(b"any", |_| ()));
    for _ in 0..2 {
        assert!(!resumes(&client, &server, None));
    }
}

#[test]
fn a_client_that_verifies_nothing_resumes() {
    let mut it = builder(Mode::Client);
    it.remember_sessions();
    let (client, server) = (it.finish(), server(b"any", |_| ()));
    assert!(!resumes(&client, &server, None));
    assert!(resumes(&client, &server, None));
}

#[test]
fn with_dane_nothing_is_remembered() {
    let mut it = client();
    it.enable_dane(false).expect("OpenSSL can");
    it.remember_sessions();
    let (client, server) = (it.finish(), server(b"any", |_| ()));
    for _ in 0..2 {
        assert!(!resumes(&client, &server, None));
    }
}

#[test]
fn the_oldest_servers_are_forgotten() {
    let (client, server) = (remembering(), server(b"tlsv1_2", |_| ()));
    let name = |number: usize| format!("host-{number}.example");
    for number in 0..=SERVERS {
        assert!(!resumes(&client, &server, Some(&name(number))));
    }
    assert!(resumes(&client, &server, Some(&name(SERVERS))));
    assert!(resumes(&client, &server, Some(&name(1))));
    assert!(!resumes(&client, &server, Some(&name(0))));
}
