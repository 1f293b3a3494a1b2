//! The alternative names of a certificate's subject.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use openssl::nid::Nid;
use openssl::x509::X509Ref;

use super::asn1::{self, Alternative, Encoding};
use crate::netdb::numeric_host;
use crate::tls::ffi::clear_errors;

/// The object identifier of the extension.
pub const ALTERNATIVES_OID: &str = "2.5.29.17";

/// OpenSSL's name of the extension.
#[must_use]
pub fn alternatives_title() -> &'static str {
    Nid::SUBJECT_ALT_NAME
        .long_name()
        .unwrap_or(ALTERNATIVES_OID)
}

/// One alternative name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlternativeName {
    /// Its kind: RFC 5280's word, or the object identifier of an `otherName`.
    pub field: Cow<'static, str>,
    /// OpenSSL's name of that identifier.
    pub title: Option<String>,
    /// The name itself, an address as text; `None` for what is no address or has no such encoding.
    pub value: Option<Vec<u8>>,
}

/// The names in their order, without the kinds that LuaSec leaves out.
pub(super) fn read(x509: &X509Ref, encoding: Encoding) -> Option<Vec<AlternativeName>> {
    let names = asn1::general_names(x509)?;
    let named = |field, value| AlternativeName {
        field: Cow::Borrowed(field),
        title: None,
        value,
    };
    let read = names
        .iter()
        .filter_map(|name| match asn1::alternative(name) {
            Alternative::Dns(text) => Some(named("dNSName", asn1::bytes(text, encoding))),
            Alternative::Email(text) => Some(named("rfc822Name", asn1::bytes(text, encoding))),
            Alternative::Uri(text) => Some(named(
                "uniformResourceIdentifier",
                asn1::bytes(text, encoding),
            )),
            Alternative::Address(bytes) => Some(named("iPAddress", address_text(bytes.as_slice()))),
            Alternative::Other(kind, value) => Some(AlternativeName {
                field: Cow::Owned(asn1::dotted(kind)),
                title: Some(asn1::name(kind)),
                value: value.and_then(|value| asn1::bytes(value, encoding)),
            }),
            Alternative::Unlisted => None,
        });
    let read = read.collect();
    clear_errors();
    Some(read)
}

/// An address as the C library writes it.
fn address_text(bytes: &[u8]) -> Option<Vec<u8>> {
    let address = if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        IpAddr::from(Ipv4Addr::from(bytes))
    } else {
        IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?))
    };
    Some(numeric_host(&SocketAddr::new(address, 0)).into_bytes())
}
