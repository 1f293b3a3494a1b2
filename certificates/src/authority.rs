//! Who signs, and what is signed.

use std::cell::Cell;

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef};

/// A certificate and its key.
pub struct Identity {
    /// The certificate.
    pub certificate: X509,
    /// The private key that belongs to it.
    pub key: PKey<Private>,
}

/// An identity that signs others.
pub struct Authority {
    /// Its own certificate and key.
    pub identity: Identity,
    issued: Cell<u32>,
}

/// The kinds of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// RSA with 2048 bits.
    Rsa,
    /// ECDSA on P-256, which is made in no time.
    P256,
}

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// To be a server.
    Server,
    /// To be a client, and nothing else.
    Client,
    /// Both.
    Both,
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// From yesterday for a year.
    Now,
    /// Until yesterday.
    Past,
    /// From tomorrow.
    Future,
}

/// What is to be signed.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The subject's common name.
    pub name: &'a str,
    /// Names of hosts for which it stands.
    pub hosts: &'a [&'a str],
    /// Internet addresses for which it stands.
    pub addresses: &'a [&'a str],
    /// What it is for.
    pub usage: Usage,
    /// When it is valid.
    pub validity: Validity,
    /// What kind of key it gets.
    pub key: KeyType,
}

impl Default for Request<'_> {
    /// A server's on this machine, valid now.
    fn default() -> Self {
        Request {
            name: "localhost",
            hosts: &["localhost"],
            addresses: &["127.0.0.1", "::1"],
            usage: Usage::Server,
            validity: Validity::Now,
            key: KeyType::P256,
        }
    }
}

/// Everything here fails for lack of memory or of random numbers alone.
const MADE: &str = "OpenSSL makes certificates and keys";

impl KeyType {
    /// A new key.
    #[must_use]
    pub fn generate(self) -> PKey<Private> {
        match self {
            KeyType::Rsa => PKey::from_rsa(Rsa::generate(2048).expect(MADE)),
            KeyType::P256 => {
                let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect(MADE);
                PKey::from_ec_key(EcKey::generate(&group).expect(MADE))
            }
        }
        .expect(MADE)
    }
}

impl Authority {
    /// One that signs itself.
    #[must_use]
    pub fn root(name: &str) -> Authority {
        let key = KeyType::P256.generate();
        let subject = distinguished(name);
        let mut builder = begin(&subject, &key, 1, Validity::Now);
        append_authority(&mut builder);
        Authority::new(finish(builder, &subject, None, key))
    }

    /// One whose certificate this one signs.
    #[must_use]
    pub fn intermediate(&self, name: &str) -> Authority {
        let key = KeyType::P256.generate();
        let mut builder = begin(&distinguished(name), &key, self.serial(), Validity::Now);
        append_authority(&mut builder);
        Authority::new(self.sign(builder, key))
    }

    /// Signs what `request` describes, with a new key.
    #[must_use]
    pub fn issue(&self, request: &Request<'_>) -> Identity {
        let key = request.key.generate();
        self.sign(request.builder(&key, self.serial()), key)
    }

    fn new(identity: Identity) -> Authority {
        Authority {
            identity,
            issued: Cell::new(1),
        }
    }

    fn serial(&self) -> u32 {
        self.issued.set(self.issued.get() + 1);
        self.issued.get()
    }

    fn sign(&self, builder: X509Builder, key: PKey<Private>) -> Identity {
        let own = &self.identity;
        finish(builder, own.certificate.subject_name(), Some(own), key)
    }
}

impl Request<'_> {
    /// A certificate that is signed by its own key.
    #[must_use]
    pub fn self_signed(&self) -> Identity {
        let key = self.key.generate();
        finish(self.builder(&key, 1), &distinguished(self.name), None, key)
    }

    fn builder(&self, key: &PKey<Private>, serial: u32) -> X509Builder {
        let mut builder = begin(&distinguished(self.name), key, serial, self.validity);
        let mut usage = ExtendedKeyUsage::new();
        if self.usage != Usage::Client {
            usage.server_auth();
        }
        if self.usage != Usage::Server {
            usage.client_auth();
        }
        builder
            .append_extension(usage.build().expect(MADE))
            .expect(MADE);
        if !self.hosts.is_empty() || !self.addresses.is_empty() {
            let mut names = SubjectAlternativeName::new();
            for host in self.hosts {
                names.dns(host);
            }
            for address in self.addresses {
                names.ip(address);
            }
            let names = names.build(&builder.x509v3_context(None, None));
            builder.append_extension(names.expect(MADE)).expect(MADE);
        }
        builder
    }
}

fn distinguished(name: &str) -> X509Name {
    let mut builder = X509Name::builder().expect(MADE);
    let entries = [
        (Nid::ORGANIZATIONNAME, "Tests of cosock"),
        (Nid::COMMONNAME, name),
    ];
    for (field, text) in entries {
        builder.append_entry_by_nid(field, text).expect(MADE);
    }
    builder.build()
}

fn begin(
    subject: &X509NameRef,
    key: &PKey<Private>,
    serial: u32,
    validity: Validity,
) -> X509Builder {
    const DAY: i64 = 24 * 60 * 60;
    let (from, until) = match validity {
        Validity::Now => (-DAY, 365 * DAY),
        Validity::Past => (-10 * DAY, -DAY),
        Validity::Future => (DAY, 365 * DAY),
    };
    let now = std::time::UNIX_EPOCH.elapsed().expect("it is after 1970");
    let at = |offset| {
        let second = now.as_secs().saturating_add_signed(offset);
        Asn1Time::from_unix(second.try_into().expect("not that late")).expect(MADE)
    };
    let number = BigNum::from_u32(serial).expect(MADE);
    let number = Asn1Integer::from_bn(&number).expect(MADE);
    let mut builder = X509::builder().expect(MADE);
    builder.set_version(2).expect(MADE);
    builder.set_subject_name(subject).expect(MADE);
    builder.set_pubkey(key).expect(MADE);
    builder.set_serial_number(&number).expect(MADE);
    builder.set_not_before(&at(from)).expect(MADE);
    builder.set_not_after(&at(until)).expect(MADE);
    builder
}

fn append_authority(builder: &mut X509Builder) {
    let constraints = BasicConstraints::new().critical().ca().build();
    let usage = KeyUsage::new()
        .critical()
        .key_cert_sign()
        .crl_sign()
        .build();
    for extension in [constraints, usage] {
        builder
            .append_extension(extension.expect(MADE))
            .expect(MADE);
    }
}

/// Signs with the issuer's key, or with the subject's own.
fn finish(
    mut builder: X509Builder,
    issuer: &X509NameRef,
    signer: Option<&Identity>,
    key: PKey<Private>,
) -> Identity {
    builder.set_issuer_name(issuer).expect(MADE);
    let context = builder.x509v3_context(None, None);
    let identifier = SubjectKeyIdentifier::new().build(&context).expect(MADE);
    builder.append_extension(identifier).expect(MADE);
    if let Some(signer) = signer {
        let context = builder.x509v3_context(Some(&signer.certificate), None);
        let identifier = AuthorityKeyIdentifier::new().keyid(true).build(&context);
        builder
            .append_extension(identifier.expect(MADE))
            .expect(MADE);
    }
    let signing = signer.map_or(&key, |signer| &signer.key);
    builder.sign(signing, MessageDigest::sha256()).expect(MADE);
    Identity {
        certificate: builder.build(),
        key,
    }
}
