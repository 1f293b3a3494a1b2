//! Elliptic curves: which there are, and which may be used.

use std::sync::LazyLock;

use openssl::ec::EcKey;
use openssl::nid::Nid;
use openssl::ssl::SslContextBuilder;

use super::error::{ConfigError, attempt, text};
use super::ffi;

/// Names beside those that OpenSSL lists: NIST's, and curves that do nothing but exchange keys.
const MORE: [(&str, Nid); 5] = [
    ("P-256", Nid::X9_62_PRIME256V1),
    ("P-384", Nid::SECP384R1),
    ("P-521", Nid::SECP521R1),
    ("X25519", Nid::from_raw(openssl_sys::NID_X25519)),
    ("X448", Nid::from_raw(openssl_sys::NID_X448)),
];

/// The names of all curves that the library knows.
#[must_use]
pub fn names() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
        // Without OpenSSL it knows none.
        let listed = super::load().map_or_else(|_| Vec::new(), |()| ffi::curves());
        let listed = listed.iter().filter_map(|curve| curve.short_name().ok());
        listed.chain(MORE.map(|(name, _)| name)).collect()
    });
    &NAMES
}

fn named(name: &[u8]) -> Option<Nid> {
    let more = MORE.into_iter().find(|(known, _)| known.as_bytes() == name);
    more.map(|(_, curve)| curve).or_else(|| {
        let known = |curve: &Nid| curve.short_name().is_ok_and(|it| it.as_bytes() == name);
        ffi::curves().into_iter().find(known)
    })
}

/// Lets only the curves of a list be used, whose names colons separate.
pub(super) fn set_list(builder: &mut SslContextBuilder, list: &[u8]) -> Result<(), ConfigError> {
    let refused = || ConfigError::CurvesList(text(list));
    // Newer versions give a word and some signs in this list a meaning of their own, and names in any case.
    let is_name = |name: &[u8]| {
        !name.eq_ignore_ascii_case(b"default") && named_in_lists(name) && !is_in_other_case(name)
    };
    if !list.split(|byte| *byte == b':').all(is_name) {
        return Err(refused());
    }
    let list = std::str::from_utf8(list).map_err(|_| refused())?;
    attempt(|| builder.set_groups_list(list)).map_err(|_| refused())
}

/// Whether it can be the name of a group: letters, digits, and what joins them.
fn named_in_lists(name: &[u8]) -> bool {
    let joins = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.is_empty() && name.iter().all(joins)
}

/// Whether it is a known name but for the case of its letters.
fn is_in_other_case(name: &[u8]) -> bool {
    // TLS has names of its own for some.
    let known = || names().iter().chain(&["secp256r1", "x25519", "x448"]);
    known().any(|it| it.as_bytes().eq_ignore_ascii_case(name))
        && !known().any(|it| it.as_bytes() == name)
}

/// Lets only one curve be used.
pub(super) fn set_one(builder: &mut SslContextBuilder, name: &[u8]) -> Result<(), ConfigError> {
    let unknown = || ConfigError::Curve(text(name));
    let curve = named(name).ok_or_else(unknown)?;
    let key = attempt(|| EcKey::from_curve_name(curve)).map_err(|_| unknown())?;
    attempt(|| builder.set_tmp_ecdh(&key)).map_err(|_| unknown())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_its_case() {
        for name in ["p-256", "x448X", "PRIME256V1", "Secp256r1", "secp384R1"] {
            let mut builder = crate::tls::testing::builder(crate::tls::context::Mode::Client);
            assert!(
                builder.set_curves_list(name.as_bytes()).is_err(),
                "{name} is none"
            );
        }
        for name in [
            "P-256",
            "prime256v1",
            "secp256r1",
            "X25519",
            "x25519",
            "P-521:X448",
        ] {
            let mut builder = crate::tls::testing::builder(crate::tls::context::Mode::Client);
            assert_eq!(builder.set_curves_list(name.as_bytes()), Ok(()), "{name}");
        }
    }

    #[test]
    fn every_name_is_known_once() {
        let mut all = names().to_vec();
        assert!(all.iter().all(|name| named(name.as_bytes()).is_some()));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        for name in [
            "P-256",
            "X25519",
            "prime256v1",
            "secp384r1",
            "brainpoolP256r1",
        ] {
            assert!(all.contains(&name), "{name}");
        }
    }
}
