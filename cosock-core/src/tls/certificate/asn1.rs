//! OpenSSL's own structures, where the `openssl` crate has no function to read them, or one that
//! stops at a NUL, cuts long texts or could ask for a password.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::slice;

use foreign_types::{ForeignType, ForeignTypeRef};
use libc::time_t;
use openssl::asn1::{Asn1ObjectRef, Asn1StringRef, Asn1TimeRef};
use openssl::nid::Nid;
use openssl::stack::Stack;
use openssl::x509::{GeneralName, GeneralNameRef, X509, X509Ref};
use openssl_sys::{ASN1_OBJECT, ASN1_TIME, ASN1_TYPE};

use crate::tls::ffi::{clear_errors, read_pem};

unsafe extern "C" {
    fn X509_cmp_time(time: *const ASN1_TIME, against: *mut time_t) -> c_int;
}

/// How strings in names are handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// The bytes that the certificate has: LuaSec's `"ai5"`.
    #[default]
    Raw,
    /// As UTF-8, converted from the character set of the string's type.
    Utf8,
}

/// Reads the first certificate of a PEM text.
pub(super) fn x509_from_pem(pem: &[u8]) -> Option<X509> {
    openssl::init();
    // SAFETY: the function reads a certificate, which is ours.
    let x509 = unsafe {
        let found = read_pem(pem, openssl_sys::PEM_read_bio_X509);
        found.map(|pointer| X509::from_ptr(pointer))
    };
    clear_errors();
    x509
}

/// The bytes of a string; `None` if it is not one, or none that UTF-8 can express.
pub(super) fn bytes(string: &Asn1StringRef, encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Raw => Some(string.as_slice().to_vec()),
        Encoding::Utf8 => utf8(string),
    }
}

fn utf8(string: &Asn1StringRef) -> Option<Vec<u8>> {
    let mut converted = ptr::null_mut();
    // SAFETY: the reference is a live string. On success OpenSSL hands over so many bytes, which are
    // copied before they are freed; on failure nothing.
    unsafe {
        let length = openssl_sys::ASN1_STRING_to_UTF8(&raw mut converted, string.as_ptr());
        let length = usize::try_from(length).ok()?;
        if converted.is_null() {
            return None;
        }
        let bytes = slice::from_raw_parts(converted, length).to_vec();
        openssl_sys::OPENSSL_free(converted.cast());
        Some(bytes)
    }
}

/// An object identifier, dotted.
pub(super) fn dotted(object: &Asn1ObjectRef) -> String {
    const NO_NAME: c_int = 1;
    let write = |room: &mut [u8]| {
        let size = c_int::try_from(room.len()).unwrap_or(c_int::MAX);
        // SAFETY: the reference is a live object; at most `size` bytes are written, and the length
        // that is returned is that of the whole text.
        let length = unsafe {
            openssl_sys::OBJ_obj2txt(
                room.as_mut_ptr().cast::<c_char>(),
                size,
                object.as_ptr(),
                NO_NAME,
            )
        };
        usize::try_from(length).unwrap_or(0)
    };
    let mut text = vec![0; 64];
    let mut length = write(&mut text);
    if length >= text.len() {
        // One more for the NUL at the end.
        text.resize(length + 1, 0);
        length = write(&mut text).min(length);
    }
    text.truncate(length);
    String::from_utf8(text).unwrap_or_default()
}

/// OpenSSL's long name of an object identifier, or the identifier where it has none.
pub(super) fn name(object: &Asn1ObjectRef) -> String {
    match object.nid() {
        Nid::UNDEF => dotted(object),
        known => known
            .long_name()
            .map_or_else(|_| dotted(object), str::to_owned),
    }
}

/// The first list of alternative names, if the certificate has one that can be read.
pub(super) fn general_names(x509: &X509Ref) -> Option<Stack<GeneralName>> {
    let mut place = -1;
    // SAFETY: the reference is a live certificate; what this function returns for this extension is
    // a stack of general names, which is ours, or null.
    let names = unsafe {
        let names = openssl_sys::X509_get_ext_d2i(
            x509.as_ptr(),
            Nid::SUBJECT_ALT_NAME.as_raw(),
            ptr::null_mut(),
            &raw mut place,
        );
        (!names.is_null()).then(|| Stack::from_ptr(names.cast()))
    };
    clear_errors();
    names
}

/// A name of an alternative kind.
pub(super) enum Alternative<'a> {
    Dns(&'a Asn1StringRef),
    Email(&'a Asn1StringRef),
    Uri(&'a Asn1StringRef),
    Address(&'a Asn1StringRef),
    /// Its type, and its value if that is kept as a string.
    Other(&'a Asn1ObjectRef, Option<&'a Asn1StringRef>),
    /// A directory name, a registered identifier, or one of the two that nobody uses.
    Unlisted,
}

/// OpenSSL's `OTHERNAME`.
#[repr(C)]
struct OtherName {
    kind: *mut ASN1_OBJECT,
    value: *mut ASN1_TYPE,
}

/// What kind of name this is.
pub(super) fn alternative(name: &GeneralNameRef) -> Alternative<'_> {
    // SAFETY: the reference is a live general name, whose type tells what it points to: a string for
    // these four. The result borrows it.
    unsafe {
        let name = &*name.as_ptr();
        if name.d.is_null() {
            return Alternative::Unlisted;
        }
        let string = |text: *mut c_void| Asn1StringRef::from_ptr(text.cast());
        match name.type_ {
            openssl_sys::GEN_DNS => Alternative::Dns(string(name.d)),
            openssl_sys::GEN_EMAIL => Alternative::Email(string(name.d)),
            openssl_sys::GEN_URI => Alternative::Uri(string(name.d)),
            openssl_sys::GEN_IPADD => Alternative::Address(string(name.d)),
            openssl_sys::GEN_OTHERNAME => other(&*name.d.cast::<OtherName>()),
            _ => Alternative::Unlisted,
        }
    }
}

/// # Safety
///
/// Both parts of the name are as OpenSSL's decoder makes them, and live as long as the reference.
unsafe fn other(name: &OtherName) -> Alternative<'_> {
    if name.kind.is_null() || name.value.is_null() {
        return Alternative::Unlisted;
    }
    // SAFETY: the caller's promise. A value is kept as a string, whatever its type, unless it is one
    // of the three that `is_string` leaves out.
    unsafe {
        let value = &*name.value;
        let string = (is_string(value.type_) && !value.value.asn1_string.is_null())
            .then(|| Asn1StringRef::from_ptr(value.value.asn1_string));
        Alternative::Other(Asn1ObjectRef::from_ptr(name.kind), string)
    }
}

/// Whether a value of this type lies in an `ASN1_STRING`: all but a boolean, a null and an object
/// identifier do.
fn is_string(kind: c_int) -> bool {
    const BOOLEAN: c_int = 1;
    const NULL: c_int = 5;
    const OBJECT: c_int = 6;
    !matches!(kind, BOOLEAN | NULL | OBJECT)
}

/// Whether `time` is later than this second after the epoch; `None` for a time that is not as RFC 5280
/// asks, or a second that the calendar does not reach.
pub(super) fn is_later(time: &Asn1TimeRef, second: i64) -> Option<bool> {
    let mut second = time_t::try_from(second).ok()?;
    // SAFETY: the reference is a live time; the number is only read.
    let order = unsafe { X509_cmp_time(time.as_ptr(), &raw mut second) };
    clear_errors();
    (order != 0).then_some(order > 0)
}
