use super::*;
use crate::tls::context::{Context, Mode};
use crate::tls::testing::{Side, builder, client, connect, file, identify, server};
use rstest::rstest;

fn verification(side: &Side) -> Verification {
    match side {
        Ok(stream) => outcome(stream.ssl()),
        Err(why) => panic!("the handshake failed: {why}"),
    }
}

fn why(side: Side) -> String {
    side.map_or_else(|why| why, |_| "success".to_owned())
}

/// A client that verifies, with `verifyext`.
fn client_with(extension: &[&str]) -> Context {
    let mut it = client();
    for name in extension {
        it.add_verify_extension(name.as_bytes())
            .expect("it is known");
    }
    it.finish()
}

fn client_for(check: HostCheck) -> Context {
    let mut it = client();
    it.verify_host(check).expect("it verifies");
    it.finish()
}

#[test]
fn a_certificate_of_a_trusted_authority_passes() {
    for name in ["server", "server-ec", "chain"] {
        let (client, _server) = connect(&client_with(&[]), &server(name), None);
        assert_eq!(verification(&client), Verification::Passed, "{name}");
    }
}

#[rstest]
fn others_do_not(
    #[values("other", "self-signed", "expired", "early", "chain-leaf", "client")] name: &str,
) {
    let (client, server) = connect(&client_with(&[]), &server(name), None);
    assert_eq!(why(client), "certificate verify failed");
    assert_ne!(why(server), "success");
}

#[rstest]
#[case("other", "unable to get local issuer certificate")]
#[case("expired", "certificate has expired")]
#[case("early", "certificate is not yet valid")]
#[case("self-signed", "self-signed certificate")]
fn without_verifying_the_reason_can_be_asked_for(#[case] name: &str, #[case] reason: &'static str) {
    let mut it = builder(Mode::Client);
    it.trust_file(&file("ca.pem")).expect("it is good");
    let (client, _server) = connect(&it.finish(), &server(name), None);
    assert_eq!(verification(&client), Verification::Failed(reason));
}

#[test]
fn lsec_continue_lists_the_reasons_by_depth() {
    let client = client_with(&["lsec_continue"]);
    let (side, _server) = connect(&client, &server("expired"), None);
    let listed = vec![vec!["certificate has expired"]];
    assert_eq!(verification(&side), Verification::Listed(listed));
    let (side, _server) = connect(&client, &server("other"), None);
    let listed = vec![vec![
        "unable to get local issuer certificate",
        "unable to verify the first certificate",
    ]];
    assert_eq!(verification(&side), Verification::Listed(listed));
    let (side, _server) = connect(&client, &server("server"), None);
    assert_eq!(verification(&side), Verification::Passed);
}

#[test]
fn lsec_ignore_purpose_has_clients_show_certificates_of_servers() {
    let verified = |identity: &str, extension: &[u8]| {
        let mut it = builder(Mode::Server);
        identify(&mut it, "server").expect("it is good");
        it.trust_file(&file("ca.pem")).expect("it is good");
        it.add_verify(b"peer").expect("it is known");
        it.add_verify_extension(extension).expect("it is known");
        let mut ours = client();
        identify(&mut ours, identity).expect("it is good");
        let (_client, side) = connect(&ours.finish(), &it.finish(), None);
        side.map(|stream| outcome(stream.ssl()))
    };
    let refused = || Err("certificate verify failed".to_owned());
    assert_eq!(
        verified("server-ec", b"lsec_ignore_purpose"),
        Ok(Verification::Passed)
    );
    assert_eq!(verified("client", b"lsec_ignore_purpose"), refused());
    assert_eq!(verified("other", b"lsec_ignore_purpose"), refused());
    let listed = vec![vec!["unsuitable certificate purpose"]];
    assert_eq!(
        verified("server-ec", b"lsec_continue"),
        Ok(Verification::Listed(listed))
    );
}

#[rstest]
fn a_list_of_revoked_certificates_must_be_there(
    #[values("crl_check", "crl_check_chain")] option: &str,
) {
    let (client, _server) = connect(&client_with(&[option]), &server("server"), None);
    assert_eq!(why(client), "certificate verify failed");
    let client = client_with(&[option, "lsec_continue"]);
    let (client, _server) = connect(&client, &server("server"), None);
    let Verification::Listed(listed) = verification(&client) else {
        panic!("without a list it passes");
    };
    assert_eq!(listed[0], ["unable to get certificate CRL"]);
}

#[test]
fn the_extension_of_a_finished_context_can_change() {
    let client = client_with(&[]);
    let unknown = client.set_verify_extension([b"lsec_continue".as_slice(), b"x"]);
    assert_eq!(unknown, Err(ConfigError::VerifyOption("x".to_owned())));
    let (side, _server) = connect(&client, &server("expired"), None);
    assert_eq!(why(side), "certificate verify failed");
    let set = client.set_verify_extension([b"lsec_continue".as_slice()]);
    assert_eq!(set, Ok(()));
    let (side, _server) = connect(&client, &server("expired"), None);
    assert_eq!(why(side), "success");
    assert_eq!(client.set_verify_extension([]), Ok(()));
    let (side, _server) = connect(&client, &server("expired"), None);
    assert_eq!(why(side), "certificate verify failed");
}

#[test]
fn revocation_stays_checked() {
    let client = client_with(&["crl_check"]);
    assert_eq!(client.set_verify_extension([]), Ok(()));
    let (side, _server) = connect(&client, &server("server"), None);
    assert_eq!(why(side), "certificate verify failed");
}

#[test]
fn lsec_ignore_purpose_lists_the_reason_too() {
    let mut it = builder(Mode::Client);
    it.trust_file(&file("ca.pem")).expect("it is good");
    it.add_verify_extension(b"lsec_ignore_purpose")
        .expect("it is known");
    let (side, _server) = connect(&it.finish(), &server("expired"), None);
    let listed = vec![vec!["certificate has expired"]];
    assert_eq!(verification(&side), Verification::Listed(listed));
}

#[test]
fn a_server_verifies_its_clients() {
    let server = |required: bool| {
        let mut it = builder(Mode::Server);
        identify(&mut it, "server").expect("it is good");
        it.trust_file(&file("ca.pem")).expect("it is good");
        it.add_verify(b"peer").expect("it is known");
        if required {
            it.add_verify(b"fail_if_no_peer_cert").expect("it is known");
        }
        it.finish()
    };
    let mut known = client();
    identify(&mut known, "client").expect("it is good");
    let known = known.finish();
    let (_client, side) = connect(&known, &server(true), None);
    assert_eq!(verification(&side), Verification::Passed);
    let mut stranger = client();
    identify(&mut stranger, "other").expect("it is good");
    let (_client, side) = connect(&stranger.finish(), &server(false), None);
    assert_eq!(why(side), "certificate verify failed");
    let (_client, side) = connect(&client_with(&[]), &server(true), None);
    assert_eq!(why(side), "peer did not return a certificate");
    let (_client, side) = connect(&client_with(&[]), &server(false), None);
    assert_eq!(verification(&side), Verification::Passed);
}

#[rstest]
#[case("server", HostCheck::Asked, Some("localhost"))]
#[case("server", HostCheck::Asked, Some("LocalHost"))]
#[case("server", HostCheck::Asked, Some("127.0.0.1"))]
#[case("server", HostCheck::Name("localhost".to_owned()), None)]
#[case("server", HostCheck::Name("::1".to_owned()), Some("elsewhere.example"))]
#[case("wrong-name", HostCheck::Name("other.example".to_owned()), Some("localhost"))]
#[case("wrong-name", HostCheck::Asked, Some("some.wild.example"))]
fn a_certificate_for_the_host_passes(
    #[case] identity: &str,
    #[case] check: HostCheck,
    #[case] name: Option<&str>,
) {
    let (client, _server) = connect(&client_for(check), &server(identity), name);
    assert_eq!(verification(&client), Verification::Passed);
}

#[rstest]
#[case("wrong-name", HostCheck::Asked, Some("localhost"))]
#[case("wrong-name", HostCheck::Asked, Some("wild.example"))]
#[case("wrong-name", HostCheck::Asked, Some("more.some.wild.example"))]
#[case("no-names", HostCheck::Asked, Some("common.example"))]
#[case("server", HostCheck::Asked, Some("127.0.0.2"))]
#[case("server", HostCheck::Asked, Some("localhost.example"))]
#[case("server", HostCheck::Name("other.example".to_owned()), Some("localhost"))]
fn a_certificate_for_another_host_does_not(
    #[case] identity: &str,
    #[case] check: HostCheck,
    #[case] name: Option<&str>,
) {
    let (client, _server) = connect(&client_for(check), &server(identity), name);
    assert_eq!(why(client), "certificate verify failed");
}

#[test]
fn without_a_name_to_verify_there_is_no_handshake() {
    let (client, _server) = connect(&client_for(HostCheck::Asked), &server("server"), None);
    assert_eq!(
        why(client),
        "invalid verify_host (there is no name: sni() sets it)"
    );
}

#[rstest]
#[case(".example")]
#[case(".wild.example")]
fn a_name_that_begins_with_a_dot_is_none(#[case] name: &str) {
    let (side, _server) = connect(
        &client_for(HostCheck::Asked),
        &server("wrong-name"),
        Some(name),
    );
    assert_eq!(why(side), "invalid verify_host (this is no name)");
    let refused = client().verify_host(HostCheck::Name(name.to_owned()));
    assert_eq!(refused, Err(ConfigError::VerifyHost("this is no name")));
}

#[test]
fn a_name_is_not_verified_where_all_pass() {
    let refused = Err(ConfigError::VerifyHost(LETS_ALL_PASS));
    let mut it = client();
    it.add_verify_extension(b"lsec_continue").expect("known");
    assert_eq!(it.verify_host(HostCheck::Asked), refused);
    let mut it = client();
    it.verify_host(HostCheck::Asked).expect("it verifies");
    assert_eq!(it.add_verify_extension(b"lsec_continue"), refused);
    let context = client_for(HostCheck::Asked);
    let set = context.set_verify_extension([b"lsec_continue".as_slice()]);
    assert_eq!(set, refused);
    let (side, _server) = connect(&context, &server("wrong-name"), Some("localhost"));
    assert_eq!(why(side), "certificate verify failed");
}

#[test]
fn verifying_the_host_includes_verifying_the_certificate() {
    let mut it = builder(Mode::Client);
    it.verify_host(HostCheck::Asked)
        .expect("nothing speaks against it");
    let (client, _server) = connect(&it.finish(), &server("server"), Some("localhost"));
    assert_eq!(why(client), "certificate verify failed");
}
