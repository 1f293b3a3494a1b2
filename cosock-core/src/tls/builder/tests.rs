use std::time::Duration;
#[cfg(target_os = "linux")]
use std::{ffi::OsStr, fs, io, io::Write, os::fd::AsRawFd, os::unix::ffi::OsStrExt};

use super::*;
use crate::tls::testing::{builder, client, file, identify, server};
use rstest::rstest;

/// What a step is refused with.
fn refusal<T>(result: Result<T, ConfigError>) -> String {
    match result {
        Ok(_) => "nothing".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[rstest]
#[case(b"any", Protocol::Any)]
#[case(b"sslv23", Protocol::Any)]
#[case(b"tlsv1", Protocol::Only(SslVersion::TLS1))]
#[case(b"tlsv1_1", Protocol::Only(SslVersion::TLS1_1))]
#[case(b"tlsv1_2", Protocol::Only(SslVersion::TLS1_2))]
#[case(b"tlsv1_3", Protocol::Only(SslVersion::TLS1_3))]
fn protocols_have_names(#[case] name: &[u8], #[case] protocol: Protocol) {
    assert_eq!(Protocol::named(name), Ok(protocol));
}

#[test]
fn unknown_names_are_refused_with_the_name() {
    assert_eq!(
        refusal(Protocol::named(b"sslv3")),
        "invalid protocol (sslv3)"
    );
    assert_eq!(
        refusal(Protocol::named(b"TLSv1_2")),
        "invalid protocol (TLSv1_2)"
    );
    assert_eq!(refusal(Mode::named(b"Client")), "invalid mode (Client)");
    let mut it = builder(Mode::Client);
    assert_eq!(
        refusal(it.add_verify(b"all")),
        "invalid verify option (all)"
    );
    assert_eq!(refusal(it.add_option(b"no_tls")), "invalid option (no_tls)");
    assert_eq!(
        refusal(it.add_verify_extension(b"crl")),
        "invalid verify option (crl)"
    );
    assert_eq!(refusal(it.add_option(b"\xff")), "invalid option (\u{fffd})");
}

#[rstest]
#[case("server")]
#[case("server-ec")]
#[case("chain")]
fn an_identity_is_a_key_and_its_certificate(#[case] name: &str) {
    assert_eq!(identify(&mut builder(Mode::Server), name), Ok(()));
}

#[test]
fn a_context_has_room_for_an_identity_of_each_kind() {
    let mut it = builder(Mode::Server);
    assert_eq!(identify(&mut it, "server"), Ok(()));
    assert_eq!(identify(&mut it, "server-ec"), Ok(()));
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let mut it = builder(Mode::Server);
    it.load_key(&file("other.key"), None)
        .expect("it is a good key");
    it.load_certificate(&file("server-ec.pem"))
        .expect("it is a good certificate");
    assert_eq!(
        refusal(it.check_key(b"a.key", b"b.pem")),
        "private key does not match public key ('a.key' and 'b.pem')"
    );
}

/// A refusal and the file of which it tells.
fn from(name: &str, refused: &str) -> String {
    format!("{refused} from '{}'", String::from_utf8_lossy(&file(name)))
}

#[rstest]
#[case("noise.pem")]
#[case("empty.pem")]
#[case("server.pem")]
fn what_is_no_key_is_unsupported(#[case] name: &str) {
    let mut it = builder(Mode::Server);
    let refused = refusal(it.load_key(&file(name), None));
    assert_eq!(
        refused,
        from(name, "error loading private key (unsupported)")
    );
}

#[rstest]
#[case("noise.pem")]
#[case("empty.pem")]
#[case("server.key")]
fn what_is_no_certificate_has_no_start_line(#[case] name: &str) {
    let mut it = builder(Mode::Server);
    let refused = refusal(it.load_certificate(&file(name)));
    assert_eq!(
        refused,
        from(name, "error loading certificate (no start line)")
    );
    let refused = refusal(it.trust_file(&file(name)));
    assert_eq!(
        refused,
        from(
            name,
            "error loading CA locations (no certificate or crl found)"
        )
    );
}

#[rstest]
#[case("missing.pem", "No such file or directory")]
#[case("", "Is a directory")]
#[case("ca.pem/x", "Not a directory")]
fn a_file_that_cannot_be_read_is_named(#[case] name: &str, #[case] why: &str) {
    let path = file(name);
    let cause = format!("({}: {why})", String::from_utf8_lossy(&path));
    let mut it = builder(Mode::Server);
    let key = refusal(it.load_key(&path, None));
    assert_eq!(key, format!("error loading private key {cause}"));
    let certificate = refusal(it.load_certificate(&path));
    assert_eq!(certificate, format!("error loading certificate {cause}"));
    let trusted = refusal(it.trust_file(&path));
    assert_eq!(trusted, format!("error loading CA locations {cause}"));
}

#[rstest]
#[timeout(Duration::from_secs(20))]
fn a_device_without_end_is_no_file(#[values("/dev/zero", "/dev/null")] path: &str) {
    let mut it = builder(Mode::Server);
    for refused in [
        refusal(it.load_key(path.as_bytes(), None)),
        refusal(it.load_certificate(path.as_bytes())),
        refusal(it.trust_file(path.as_bytes())),
    ] {
        assert!(
            refused.ends_with(&format!("({path}: Is a device)")),
            "{refused}"
        );
    }
}

/// A path of a pipe that holds what is in a file, as a shell makes one of `<(command)`.
#[cfg(target_os = "linux")]
fn through_pipe(name: &str) -> (io::PipeReader, Vec<u8>) {
    let path = file(name);
    let content = fs::read(OsStr::from_bytes(&path)).expect("it is there");
    let (reader, mut writer) = io::pipe().expect("a pipe");
    writer.write_all(&content).expect("it has room");
    let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
    (reader, path.into_bytes())
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_in_a_pipe_is_as_good_as_a_file() {
    let mut it = builder(Mode::Server);
    let (_key, key) = through_pipe("chain.key");
    let (_chain, chain) = through_pipe("chain.pem");
    let (_authorities, authorities) = through_pipe("ca.pem");
    assert_eq!(it.load_key(&key, None), Ok(()));
    assert_eq!(it.load_certificate(&chain), Ok(()));
    assert_eq!(it.check_key(&key, &chain), Ok(()));
    assert_eq!(it.trust_file(&authorities), Ok(()));
}

#[test]
fn a_name_with_a_nul_byte_is_no_file() {
    let mut it = builder(Mode::Server);
    for refused in [
        refusal(it.load_key(b"a\0b", None)),
        refusal(it.load_certificate(b"a\0b")),
        refusal(it.trust_file(b"a\0b")),
        refusal(it.trust_directory(b"a\0b")),
    ] {
        assert!(refused.to_lowercase().contains("nul byte"), "{refused}");
    }
}

#[rstest]
fn an_encrypted_key_needs_its_password(#[values("encrypted.key", "encrypted-old.key")] name: &str) {
    let path = file(name);
    let mut it = builder(Mode::Server);
    let needed = ConfigError::PasswordNeeded(text(&path));
    assert_eq!(it.load_key(&path, None), Err(needed));
    for wrong in [b"wrong".as_slice(), b"", &[b'x'; 5000]] {
        let refused = refusal(it.load_key(&path, Some(wrong)));
        assert_eq!(
            refused,
            from(name, "error loading private key (bad decrypt)")
        );
    }
    assert_eq!(it.load_key(&path, Some(b"secret")), Ok(()));
}

#[test]
fn a_plain_key_ignores_a_password() {
    let mut it = builder(Mode::Server);
    assert_eq!(it.load_key(&file("server.key"), Some(b"secret")), Ok(()));
}

#[test]
fn an_old_failure_does_not_explain_a_new_one() {
    let mut it = builder(Mode::Server);
    for _ in 0..2 {
        it.load_key(&file("noise.pem"), None)
            .expect_err("it is no key");
        let refused = refusal(it.set_ciphers(b"NONE-SUCH"));
        assert_eq!(
            refused,
            "error setting cipher list (no cipher match) in ciphers"
        );
        let refused = refusal(it.trust_file(&file("noise.pem")));
        assert!(
            refused.starts_with("error loading CA locations (no certificate or crl found)"),
            "{refused}"
        );
        let refused = refusal(it.load_certificate(&file("noise.pem")));
        assert!(
            refused.starts_with("error loading certificate (no start line)"),
            "{refused}"
        );
    }
}

#[test]
fn a_directory_of_authorities_may_be_missing() {
    let mut it = builder(Mode::Client);
    assert_eq!(it.trust_directory(&file("capath")), Ok(()));
    assert_eq!(it.trust_directory(&file("missing")), Ok(()));
    let refused = refusal(it.trust_directory(b""));
    assert_eq!(
        refused,
        "error loading CA locations (invalid directory) from ''"
    );
}

#[rstest]
#[case(b"NONE-SUCH")]
#[case(b"")]
#[case(b"A\0B")]
#[case(b"\xff")]
fn a_cipher_must_be_known(#[case] list: &[u8]) {
    let mut it = builder(Mode::Client);
    let refused = "error setting cipher list (no cipher match)";
    assert_eq!(
        refusal(it.set_ciphers(list)),
        format!("{refused} in ciphers")
    );
    if !list.is_empty() {
        assert_eq!(
            refusal(it.set_ciphersuites(list)),
            format!("{refused} in ciphersuites")
        );
    }
}

#[test]
fn known_ciphers_are_taken() {
    let mut it = builder(Mode::Client);
    assert_eq!(it.set_ciphers(b"ECDHE+AESGCM:!aNULL"), Ok(()));
    assert_eq!(it.set_ciphersuites(b"TLS_AES_128_GCM_SHA256"), Ok(()));
    assert_eq!(it.set_ciphersuites(b""), Ok(()));
}

#[rstest]
#[case(b"X25519")]
#[case(b"P-256:X448:secp521r1")]
fn lists_of_curves_are_taken(#[case] list: &[u8]) {
    assert_eq!(builder(Mode::Client).set_curves_list(list), Ok(()));
}

#[rstest]
#[case("")]
#[case("auto")]
#[case("x")]
#[case("P-256:")]
#[case("P-256::X25519")]
#[case("?P-256")]
#[case("*P-256")]
#[case("DEFAULT")]
#[case("P-256/X25519")]
#[case("P-256\0")]
fn a_list_of_curves_names_curves(#[case] list: &str) {
    let refused = refusal(builder(Mode::Client).set_curves_list(list.as_bytes()));
    assert_eq!(refused, format!("unknown elliptic curve in \"{list}\""));
}

#[test]
fn one_curve_is_known_and_usable() {
    let mut it = builder(Mode::Server);
    assert_eq!(it.set_curve(b"P-256"), Ok(()));
    assert_eq!(it.set_curve(b"secp384r1"), Ok(()));
    for unknown in ["x", "", "X25519", "X448", "p-256", "sect113r1", "SM2"] {
        let refused = refusal(it.set_curve(unknown.as_bytes()));
        assert_eq!(refused, format!("elliptic curve '{unknown}' not supported"));
    }
}

#[test]
fn dh_parameters_are_pem() {
    let pem = std::fs::read(certificates::directory().join("dh.pem")).expect("it is there");
    let mut it = builder(Mode::Server);
    assert_eq!(it.set_dh_parameters(&pem), Ok(()));
    for bad in [b"".as_slice(), b"noise"] {
        let refused = refusal(it.set_dh_parameters(bad));
        assert_eq!(refused, "invalid DH parameters (no start line)");
    }
}

#[test]
fn weak_dh_parameters_are_left_out() {
    // 1024 bits: the prime of RFC 2409, section 6.2.
    let prime = openssl::bn::BigNum::get_rfc2409_prime_1024().expect("a number");
    let two = openssl::bn::BigNum::from_u32(2).expect("a number");
    let weak = openssl::dh::Dh::from_pqg(prime, None, two).expect("parameters");
    let pem = weak.params_to_pem().expect("text");
    let mut it = builder(Mode::Server);
    it.ssl.set_security_level(2);
    assert_eq!(it.set_dh_parameters(&pem), Ok(()));
}

#[rstest]
fn names_of_protocols_have_1_to_255_bytes(#[values(Mode::Client, Mode::Server)] mode: Mode) {
    let set = |names: &[&[u8]]| refusal(builder(mode).set_protocols(names.iter().copied()));
    assert_eq!(set(&[b"h2", b"http/1.1"]), "nothing");
    assert_eq!(set(&[&[b'x'; 255]]), "nothing");
    assert_eq!(set(&[&[b'x'; 256]]), "invalid ALPN name (length > 255)");
    assert_eq!(set(&[b"h2", b""]), "invalid ALPN name (empty string)");
    assert_eq!(set(&[]), "invalid ALPN list (empty)");
    assert_eq!(set(&[[b'x'; 255].as_slice(); 127]), "nothing");
    assert_eq!(
        set(&[[b'x'; 255].as_slice(); 128]),
        "invalid ALPN list (too long)"
    );
}

#[test]
fn only_a_server_asks_for_a_protocol() {
    let refused = refusal(builder(Mode::Client).ask_for_protocol());
    assert_eq!(refused, "invalid ALPN parameter");
    let mut it = builder(Mode::Server);
    assert_eq!(it.ask_for_protocol(), Ok(()));
    assert!(it.finish().asks());
}

#[test]
fn a_host_is_verified_by_clients_that_verify() {
    let asked = HostCheck::Asked;
    let refused = refusal(builder(Mode::Server).verify_host(asked.clone()));
    assert_eq!(refused, "invalid verify_host (it is for clients)");
    let mut it = builder(Mode::Client);
    it.add_verify(b"none").expect("it is known");
    let refused = refusal(it.verify_host(asked.clone()));
    assert_eq!(refused, "invalid verify_host (it needs verify = \"peer\")");
    for bad in ["", "a\0b"] {
        let refused = refusal(builder(Mode::Client).verify_host(HostCheck::Name(bad.to_owned())));
        assert_eq!(refused, "invalid verify_host (this is no name)");
    }
    assert_eq!(builder(Mode::Client).verify_host(asked.clone()), Ok(()));
    assert_eq!(client().verify_host(asked), Ok(()));
}

#[test]
fn the_system_may_be_trusted() {
    // Whether this machine has a store is its own affair; with the system's library it is no error.
    let result = builder(Mode::Client).trust_file(b"system");
    if cfg!(not(feature = "tls-vendored")) {
        assert_eq!(result, Ok(()));
    }
}

#[test]
fn a_finished_context_leaves_no_errors_behind() {
    let mut it = builder(Mode::Client);
    it.set_ciphers(b"NONE-SUCH").expect_err("it is unknown");
    let _ = it.finish();
    assert!(openssl::error::ErrorStack::get().errors().is_empty());
    let _ = server("server");
    assert!(openssl::error::ErrorStack::get().errors().is_empty());
}
