use certificates::{Authority, Request};
use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time, Asn1Type};
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::x509::{X509Builder, X509Extension, X509Name};
use rstest::rstest;

use super::*;

/// A certificate of which `change` says what is special.
fn made(change: impl FnOnce(&mut X509Builder) -> Result<(), ErrorStack>) -> Certificate {
    let key = certificates::KeyType::P256.generate();
    let make = || {
        let mut builder = X509::builder()?;
        builder.set_pubkey(&key)?;
        change(&mut builder)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok::<_, ErrorStack>(builder.build())
    };
    Certificate::new(make().expect("OpenSSL makes certificates"))
}

fn named(kind: Asn1Type, text: &str) -> Certificate {
    made(|builder| {
        let mut name = X509Name::builder()?;
        name.append_entry_by_nid_with_type(Nid::COMMONNAME, text, kind)?;
        builder.set_subject_name(&name.build())
    })
}

#[rstest]
#[case(Asn1Type::UTF8STRING, "\u{e4}", b"\xc3\xa4", Some(&b"\xc3\xa4"[..]))]
#[case(Asn1Type::UTF8STRING, "good\0bad", b"good\0bad", Some(&b"good\0bad"[..]))]
#[case(Asn1Type::T61STRING, "\u{e4}", b"\xc3\xa4", Some(&b"\xc3\x83\xc2\xa4"[..]))]
#[case(Asn1Type::BMPSTRING, "\0a\x01\x02", b"\0a\x01\x02", Some(&b"a\xc4\x82"[..]))]
#[case(Asn1Type::BIT_STRING, "bits", b"bits", None)]
fn strings_have_two_encodings(
    #[case] kind: Asn1Type,
    #[case] text: &str,
    #[case] raw: &[u8],
    #[case] utf8: Option<&[u8]>,
) {
    let certificate = named(kind, text);
    let value = |encoding| certificate.subject(encoding)[0].value.clone();
    assert_eq!(value(Encoding::Raw).as_deref(), Some(raw));
    assert_eq!(value(Encoding::Utf8).as_deref(), utf8);
}

/// A value of DER with its tag; no more than a length of one byte is needed.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("short");
    [&[tag, length][..], content].concat()
}

fn with_alternatives(names: &[Vec<u8>]) -> Certificate {
    made(|builder| {
        let content = Asn1OctetString::new_from_bytes(&tagged(0x30, &names.concat()))?;
        let oid = Asn1Object::from_str(ALTERNATIVES_OID)?;
        builder.append_extension(X509Extension::new_from_der(&oid, false, &content)?)
    })
}

const OTHER_KIND: &[u8] = &[0x06, 0x03, 0x2A, 0x03, 0x04]; // 1.2.3.4

fn other(value: &[u8]) -> Vec<u8> {
    tagged(0xA0, &[OTHER_KIND, &tagged(0xA0, value)].concat())
}

fn read_alternatives(names: &[Vec<u8>]) -> Vec<(String, Option<Vec<u8>>)> {
    let read = with_alternatives(names).alternative_names(Encoding::Raw);
    let names = read.expect("the extension is there").into_iter();
    names
        .map(|name| (name.field.into_owned(), name.value))
        .collect()
}

#[rstest]
#[case(0x82, b"host\0", "dNSName", b"host\0")]
#[case(0x81, b"me@x", "rfc822Name", b"me@x")]
#[case(0x86, b"\xe4", "uniformResourceIdentifier", b"\xe4")]
#[case(0x87, &[127, 0, 0, 1], "iPAddress", b"127.0.0.1")]
#[case(0x87, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "iPAddress", b"::1")]
fn alternative_names_have_kinds(
    #[case] tag: u8,
    #[case] content: &[u8],
    #[case] field: &str,
    #[case] value: &[u8],
) {
    let read = read_alternatives(&[tagged(tag, content)]);
    assert_eq!(read, [(field.to_owned(), Some(value.to_vec()))]);
}

#[test]
fn an_address_of_another_length_is_none() {
    for length in [0, 3, 5, 8, 15, 17, 32] {
        let read = read_alternatives(&[tagged(0x87, &vec![1; length])]);
        assert_eq!(read, [("iPAddress".to_owned(), None)]);
    }
}

/// Not every value lies in a string; of the others there is nothing to show.
#[rstest]
#[case(&[0x0C, 1, b'x'], Some(&b"x"[..]))]
#[case(&[0x04, 2, 0, 0xFF], Some(&[0, 0xFF][..]))]
#[case(&[0x30, 2, 5, 0], Some(&[0x30, 2, 5, 0][..]))]
#[case(&[0x01, 1, 0xFF], None)]
#[case(&[0x05, 0], None)]
#[case(&[0x06, 1, 0x2A], None)]
fn other_names_hold_any_value(#[case] value: &[u8], #[case] shown: Option<&[u8]>) {
    let read = read_alternatives(&[other(value)]);
    assert_eq!(read, [("1.2.3.4".to_owned(), shown.map(<[u8]>::to_vec))]);
}

#[test]
fn without_the_extension_there_is_no_list() {
    let plain = made(|_| Ok(()));
    assert_eq!(plain.alternative_names(Encoding::Raw), None);
    assert_eq!(read_alternatives(&[]), []);
}

#[test]
fn long_identifiers_are_whole() {
    let oid = format!("1.2.3{}", ".1234567".repeat(50));
    let object = Asn1Object::from_str(&oid).expect("it is one");
    assert_eq!(asn1::dotted(&object), oid);
    assert_eq!(asn1::name(&object), oid);
    let common_name = Asn1Object::from_str("2.5.4.3").expect("it is one");
    assert_eq!(asn1::name(&common_name), "commonName");
}

#[rstest]
#[case(999, false)]
#[case(1000, true)]
#[case(2000, true)]
#[case(2001, false)]
#[case(i64::MIN, false)]
#[case(i64::MAX, false)]
fn both_ends_belong_to_the_time(#[case] second: i64, #[case] valid: bool) {
    let certificate = made(|builder| {
        let from = Asn1Time::from_unix(1000)?;
        let until = Asn1Time::from_unix(2000)?;
        builder.set_not_before(&from)?;
        builder.set_not_after(&until)
    });
    assert_eq!(certificate.is_valid_at(second), valid);
    assert_eq!(certificate.not_before(), "Jan  1 00:16:40 1970 GMT");
    assert_eq!(certificate.not_after(), "Jan  1 00:33:20 1970 GMT");
}

#[rstest]
#[case("0", "0")]
#[case("7F", "7F")]
#[case("80", "80")]
#[case("-1", "-01")]
fn serials_are_hexadecimal(#[case] number: &str, #[case] serial: &str) {
    let certificate = made(|builder| {
        let number = BigNum::from_hex_str(number)?;
        let serial = Asn1Integer::from_bn(&number)?;
        builder.set_serial_number(&serial)
    });
    assert_eq!(certificate.serial().as_deref(), Some(serial));
}

#[test]
fn keys_digests_and_signatures_are_told() {
    let certificate = named(Asn1Type::UTF8STRING, "any");
    let key = certificate.public_key().expect("it has one");
    assert_eq!((key.kind, key.bits), ("EC", 256));
    assert_eq!(certificate.signature_name(), "ecdsa-with-SHA256");
    for (name, length) in [("sha1", 40), ("sha256", 64), ("sha512", 128)] {
        let digest = Digest::named(name.as_bytes()).expect("it is known");
        let text = certificate.digest(digest).expect("the library has it");
        assert_eq!(text.len(), length, "{name}");
    }
    assert_eq!(Digest::named(b"SHA1"), None);
}

fn complete_pem() -> String {
    let identity = Authority::root("any").identity;
    let certificate = Certificate::new(identity.certificate);
    certificate.pem().expect("there is memory")
}

#[test]
fn pem_goes_around() {
    let pem = complete_pem();
    let read = Certificate::from_pem(pem.as_bytes()).expect("it is one");
    assert_eq!(read.pem(), Some(pem));
}

/// What failed must not show up in the message about something else.
#[test]
fn no_error_is_left_behind() {
    let header =
        "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n";
    // OpenSSL would ask for its password on the terminal.
    let encrypted = complete_pem().replacen("-----\n", &format!("-----\n{header}"), 1);
    for text in ["", "noise", "-----BEGIN CERTIFICATE-----\n", &encrypted] {
        assert!(Certificate::from_pem(text.as_bytes()).is_none(), "{text}");
        assert!(ErrorStack::get().errors().is_empty(), "{text}");
    }
    let bits = named(Asn1Type::BIT_STRING, "bits");
    assert_eq!(bits.subject(Encoding::Utf8)[0].value, None);
    assert!(!bits.is_valid_at(i64::MAX));
    assert_eq!(bits.alternative_names(Encoding::Utf8), None);
    assert!(bits.issued(&made(|_| Ok(())), []).is_err());
    assert!(ErrorStack::get().errors().is_empty());
}

#[test]
fn issuers_vouch_for_what_they_signed() {
    let certificate = |identity: &certificates::Identity| {
        let x509 = &identity.certificate;
        Certificate::new(x509.clone())
    };
    let (root, stranger) = (Authority::root("root"), Authority::root("stranger"));
    let intermediate = root.intermediate("intermediate");
    let leaf = certificate(&intermediate.issue(&Request::default()));
    let direct = certificate(&root.issue(&Request::default()));
    let stranger = certificate(&stranger.identity);
    let intermediate = certificate(&intermediate.identity);
    let root = certificate(&root.identity);
    let unknown = Err("unable to get local issuer certificate");
    assert_eq!(root.issued(&root, []), Ok(()));
    assert_eq!(root.issued(&direct, []), Ok(()));
    assert_eq!(root.issued(&leaf, []), unknown);
    assert_eq!(root.issued(&leaf, [&intermediate]), Ok(()));
    assert_eq!(root.issued(&leaf, [&stranger, &intermediate]), Ok(()));
    assert_eq!(stranger.issued(&direct, []), unknown);
    assert!(intermediate.issued(&leaf, []).is_err());
}
