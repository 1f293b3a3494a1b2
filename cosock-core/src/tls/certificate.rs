//! Certificates, read as LuaSec presents them.

mod alternatives;
mod asn1;
mod issuing;
#[cfg(test)]
mod tests;

use openssl::asn1::Asn1TimeRef;
use openssl::hash::MessageDigest;
use openssl::pkey::Id;
use openssl::x509::{X509, X509NameRef};

pub use alternatives::{ALTERNATIVES_OID, AlternativeName, alternatives_title};
pub use asn1::Encoding;

use super::ffi::clear_errors;

/// One certificate of a peer, or read from PEM.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub(crate) x509: X509,
}

/// One attribute of a name, such as the organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its object identifier, dotted.
    pub oid: String,
    /// OpenSSL's long name of it; the identifier again where it has none.
    pub name: String,
    /// Its value, if it is a string that the encoding can express.
    pub value: Option<Vec<u8>>,
}

/// The public key that a certificate vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The key as PEM.
    pub pem: String,
    /// LuaSec's word for its kind.
    pub kind: &'static str,
    /// Its size.
    pub bits: u32,
}

/// The hash functions that a digest can be asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// SHA-1, still the usual fingerprint.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Digest {
    /// The function of this name, which is LuaSec's.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Digest> {
        match name {
            b"sha1" => Some(Digest::Sha1),
            b"sha256" => Some(Digest::Sha256),
            b"sha512" => Some(Digest::Sha512),
            _ => None,
        }
    }
}

impl Certificate {
    /// A certificate of OpenSSL's.
    pub(crate) fn new(x509: X509) -> Certificate {
        Certificate { x509 }
    }

    /// Reads the first certificate of a PEM text. There is none without OpenSSL.
    #[must_use]
    pub fn from_pem(pem: &[u8]) -> Option<Certificate> {
        super::load().ok()?;
        asn1::x509_from_pem(pem).map(Certificate::new)
    }

    /// The certificate as PEM; `None` for lack of memory.
    #[must_use]
    pub fn pem(&self) -> Option<String> {
        String::from_utf8(self.x509.to_pem().ok()?).ok()
    }

    /// Whom it is for, in the order in which it says so.
    #[must_use]
    pub fn subject(&self, encoding: Encoding) -> Vec<Attribute> {
        attributes(self.x509.subject_name(), encoding)
    }

    /// Who vouches for it.
    #[must_use]
    pub fn issuer(&self, encoding: Encoding) -> Vec<Attribute> {
        attributes(self.x509.issuer_name(), encoding)
    }

    /// The alternative names of its subject; `None` where it has no readable list of them.
    #[must_use]
    pub fn alternative_names(&self, encoding: Encoding) -> Option<Vec<AlternativeName>> {
        alternatives::read(&self.x509, encoding)
    }

    /// From when on it is valid, in OpenSSL's format.
    #[must_use]
    pub fn not_before(&self) -> String {
        time_text(self.x509.not_before())
    }

    /// Until when it is valid, in OpenSSL's format.
    #[must_use]
    pub fn not_after(&self) -> String {
        time_text(self.x509.not_after())
    }

    /// Whether it is valid at this second after the epoch. A certificate whose times are not as RFC
    /// 5280 asks is never valid.
    #[must_use]
    pub fn is_valid_at(&self, second: i64) -> bool {
        // The comparison says "not later" or "later", and both ends belong to the time.
        asn1::is_later(self.x509.not_before(), second) == Some(false)
            && asn1::is_later(self.x509.not_after(), second.saturating_sub(1)) == Some(true)
    }

    /// The digest of the whole certificate, in hexadecimal; `None` where the library refuses the
    /// function.
    #[must_use]
    pub fn digest(&self, digest: Digest) -> Option<String> {
        let function = match digest {
            Digest::Sha1 => MessageDigest::sha1(),
            Digest::Sha256 => MessageDigest::sha256(),
            Digest::Sha512 => MessageDigest::sha512(),
        };
        let bytes = self.x509.digest(function).ok()?;
        Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The key that it vouches for; `None` if it is malformed or of a kind that OpenSSL cannot read.
    #[must_use]
    pub fn public_key(&self) -> Option<PublicKey> {
        let key = self.x509.public_key().ok()?;
        let kind = match key.id() {
            Id::RSA => "RSA",
            Id::DSA => "DSA",
            Id::DH => "DH",
            Id::EC => "EC",
            _ => "Unknown",
        };
        Some(PublicKey {
            pem: String::from_utf8(key.public_key_to_pem().ok()?).ok()?,
            kind,
            bits: key.bits(),
        })
    }

    /// The serial number in hexadecimal; `None` for lack of memory.
    #[must_use]
    pub fn serial(&self) -> Option<String> {
        let number = self.x509.serial_number().to_bn().ok()?;
        Some(number.to_hex_str().ok()?.to_string())
    }

    /// OpenSSL's short name of the algorithm by which it is signed.
    #[must_use]
    pub fn signature_name(&self) -> &'static str {
        let algorithm = self.x509.signature_algorithm().object().nid();
        algorithm.short_name().unwrap_or("UNDEF")
    }

    /// OpenSSL's structure, as a number that tells certificates in memory apart.
    #[must_use]
    pub fn identity(&self) -> usize {
        use foreign_types::ForeignTypeRef;
        self.x509.as_ptr() as usize
    }
}

fn attributes(name: &X509NameRef, encoding: Encoding) -> Vec<Attribute> {
    let read = name.entries().map(|entry| Attribute {
        oid: asn1::dotted(entry.object()),
        name: asn1::name(entry.object()),
        value: asn1::bytes(entry.data(), encoding),
    });
    let attributes = read.collect();
    clear_errors();
    attributes
}

fn time_text(time: &Asn1TimeRef) -> String {
    let text = time.to_string();
    // The crate's word for a time that is none, and OpenSSL's own.
    if text == "error" {
        "Bad time value".to_owned()
    } else {
        text
    }
}
