//! The words for what goes wrong in TLS: those of OpenSSL 3.0, whatever version is linked.

use std::borrow::Cow;

use openssl::error::{Error, ErrorStack};
use openssl::x509::X509VerifyResult;

/// The library number of libssl in error codes.
const LIB_SSL: i32 = 20;
/// What libssl adds to the number of an alert that the peer sent.
const ALERTS: i32 = 1000;

/// The peer ended the stream without saying goodbye.
pub(super) const UNEXPECTED_END: &str = "unexpected eof while reading";

/// The reason of the first error, which is the cause of those after it.
pub(super) fn reason(stack: &ErrorStack) -> Option<Cow<'static, str>> {
    stack.errors().first().map(of_error)
}

/// The reason of one error.
pub(super) fn of_error(error: &Error) -> Cow<'static, str> {
    if error.library_code() == LIB_SSL
        && let Some(word) = alert(error.reason_code() - ALERTS)
    {
        return word.into();
    }
    match error.reason() {
        Some(reason) => reason.into(),
        None => format!("error {:#x}", error.code()).into(),
    }
}

/// The word for an alert of this number (RFC 8446, section 6).
pub(super) fn alert(number: i32) -> Option<&'static str> {
    Some(match number {
        10 => "sslv3 alert unexpected message",
        20 => "sslv3 alert bad record mac",
        21 => "tlsv1 alert decryption failed",
        22 => "tlsv1 alert record overflow",
        30 => "sslv3 alert decompression failure",
        40 => "sslv3 alert handshake failure",
        41 => "sslv3 alert no certificate",
        42 => "sslv3 alert bad certificate",
        43 => "sslv3 alert unsupported certificate",
        44 => "sslv3 alert certificate revoked",
        45 => "sslv3 alert certificate expired",
        46 => "sslv3 alert certificate unknown",
        47 => "sslv3 alert illegal parameter",
        48 => "tlsv1 alert unknown ca",
        49 => "tlsv1 alert access denied",
        50 => "tlsv1 alert decode error",
        51 => "tlsv1 alert decrypt error",
        60 => "tlsv1 alert export restriction",
        70 => "tlsv1 alert protocol version",
        71 => "tlsv1 alert insufficient security",
        80 => "tlsv1 alert internal error",
        86 => "tlsv1 alert inappropriate fallback",
        90 => "tlsv1 alert user cancelled",
        100 => "tlsv1 alert no renegotiation",
        109 => "tlsv13 alert missing extension",
        110 => "tlsv1 unsupported extension",
        111 => "tlsv1 certificate unobtainable",
        112 => "tlsv1 unrecognized name",
        113 => "tlsv1 bad certificate status response",
        114 => "tlsv1 bad certificate hash value",
        115 => "tlsv1 alert unknown psk identity",
        116 => "tlsv13 alert certificate required",
        120 => "tlsv1 alert no application protocol",
        _ => return None,
    })
}

/// Why a certificate does not pass.
pub(super) fn verification(result: X509VerifyResult) -> &'static str {
    match result.as_raw() {
        openssl_sys::X509_V_ERR_CERT_NOT_YET_VALID => "certificate is not yet valid",
        _ => result.error_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    #[test]
    fn alerts_have_the_words_of_openssl_3_0() {
        if openssl::version::number() >> 20 != 0x300 {
            return; // Another version has other words: there is nothing to compare with.
        }
        openssl::init();
        for number in 1..=255 {
            let code = (LIB_SSL as libc::c_ulong) << 23 | (ALERTS + number) as libc::c_ulong;
            // SAFETY: the text of a reason is a constant of the library.
            let theirs = unsafe {
                let text = openssl_sys::ERR_reason_error_string(code);
                (!text.is_null()).then(|| CStr::from_ptr(text).to_str().expect("ascii"))
            };
            assert_eq!(alert(number), theirs, "alert {number}");
        }
    }
}
