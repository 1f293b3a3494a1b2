//! The files that tests find. Each identity `NAME` is two: `NAME.pem`, its certificate and what else a
//! peer needs to build the chain, and `NAME.key`.
//!
//! | file | what it is |
//! | --- | --- |
//! | `ca.pem` | the authority that signed everything of which nothing else is said |
//! | `capath/` | a directory with `ca.pem` under the name by which OpenSSL looks for it |
//! | `server` | for localhost, 127.0.0.1 and ::1; a key of RSA |
//! | `server-ec` | the same with an elliptic curve |
//! | `client` | for clients only, `Client` by name |
//! | `wrong-name` | a server's, for other.example and `*.wild.example` |
//! | `no-names` | a server's, for nothing: `common.example` is in its subject alone |
//! | `expired`, `early` | a server's, not valid any more, not yet |
//! | `chain` | a server's, signed by an intermediate authority, whose certificate follows |
//! | `chain-leaf` | the same without the intermediate's |
//! | `self-signed` | a server's, signed by nobody else |
//! | `other-ca.pem` | an authority that nobody has reason to trust |
//! | `other` | for localhost, signed by that one; for servers and clients |
//! | `encrypted.key`, `encrypted-old.key` | `server.key` with the password `secret`, as PKCS #8 and as older programs write it |
//! | `dh.pem` | parameters for Diffie-Hellman, 2048 bits |
//! | `empty.pem`, `noise.pem` | nothing at all, and no PEM |

use std::fs;
use std::path::Path;

use openssl::bn::BigNum;
use openssl::dh::Dh;
use openssl::symm::Cipher;

use crate::{Authority, Identity, KeyType, Request, Usage, Validity};

/// What decrypts `encrypted.key`.
pub const PASSWORD: &str = "secret";

/// Writes all files into `directory`, which it makes.
///
/// # Panics
///
/// If that fails, naming the file.
pub fn write(directory: &Path) {
    let to = Writer { directory };
    make_directory(directory);
    let ca = Authority::root("Authority");
    write_authority(to, &ca);
    let request = Request::default();
    let server = ca.issue(&Request {
        key: KeyType::Rsa,
        ..request
    });
    to.identity("server", &server);
    write_encrypted(to, &server);
    to.identity("server-ec", &ca.issue(&request));
    let client = Request {
        name: "Client",
        hosts: &[],
        addresses: &[],
        usage: Usage::Client,
        ..request
    };
    to.identity("client", &ca.issue(&client));
    let no_names = Request {
        name: "common.example",
        hosts: &[],
        addresses: &[],
        ..request
    };
    to.identity("no-names", &ca.issue(&no_names));
    let wrong_name = Request {
        name: "other.example",
        hosts: &["other.example", "*.wild.example"],
        addresses: &[],
        ..request
    };
    to.identity("wrong-name", &ca.issue(&wrong_name));
    for (name, validity) in [("expired", Validity::Past), ("early", Validity::Future)] {
        let request = Request {
            validity,
            ..request
        };
        to.identity(name, &ca.issue(&request));
    }
    write_chain(to, &ca.intermediate("Intermediate"));
    let both = Request {
        usage: Usage::Both,
        ..request
    };
    to.identity("self-signed", &both.self_signed());
    let other = Authority::root("Other authority");
    to.pem("other-ca.pem", other.identity.certificate.to_pem());
    to.identity("other", &other.issue(&both));
    write_parameters(to);
    to.file("empty.pem", b"");
    to.file("noise.pem", b"This is neither a certificate nor a key.\n");
}

fn write_authority(to: Writer<'_>, ca: &Authority) {
    let certificate = &ca.identity.certificate;
    to.pem("ca.pem", certificate.to_pem());
    make_directory(&to.directory.join("capath"));
    let hashed = format!("capath/{:08x}.0", certificate.subject_name_hash());
    to.pem(&hashed, certificate.to_pem());
}

fn write_encrypted(to: Writer<'_>, server: &Identity) {
    let (cipher, password) = (Cipher::aes_256_cbc(), PASSWORD.as_bytes());
    let key = &server.key;
    let pem = key.private_key_to_pem_pkcs8_passphrase(cipher, password);
    to.pem("encrypted.key", pem);
    let rsa = key.rsa().expect("the server's key is of RSA");
    let pem = rsa.private_key_to_pem_passphrase(cipher, password);
    to.pem("encrypted-old.key", pem);
}

fn write_chain(to: Writer<'_>, intermediate: &Authority) {
    let leaf = intermediate.issue(&Request::default());
    to.identity("chain-leaf", &leaf);
    to.identity("chain", &leaf);
    let certificates = [&leaf.certificate, &intermediate.identity.certificate];
    let pem: Result<Vec<_>, _> = certificates.iter().map(|each| each.to_pem()).collect();
    to.pem("chain.pem", pem.map(|each| each.concat()));
}

fn write_parameters(to: Writer<'_>) {
    // A prime of RFC 3526: to find one of our own would take a minute.
    let pem = BigNum::get_rfc3526_prime_2048()
        .and_then(|prime| Dh::from_pqg(prime, None, BigNum::from_u32(2)?))
        .and_then(|parameters| parameters.params_to_pem());
    to.pem("dh.pem", pem);
}

fn make_directory(path: &Path) {
    fs::create_dir_all(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

#[derive(Clone, Copy)]
struct Writer<'a> {
    directory: &'a Path,
}

impl Writer<'_> {
    fn file(self, name: &str, content: &[u8]) {
        let path = self.directory.join(name);
        fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    fn pem<E: std::fmt::Display>(self, name: &str, content: Result<Vec<u8>, E>) {
        match content {
            Ok(content) => self.file(name, &content),
            Err(error) => panic!("{name}: {error}"),
        }
    }

    fn identity(self, name: &str, identity: &Identity) {
        let pem = identity.certificate.to_pem();
        self.pem(&format!("{name}.pem"), pem);
        let pem = identity.key.private_key_to_pem_pkcs8();
        self.pem(&format!("{name}.key"), pem);
    }
}
