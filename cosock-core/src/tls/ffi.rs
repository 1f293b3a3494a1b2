//! OpenSSL's functions that the `openssl` crate does not offer, as safe ones.

use std::ffi::c_int;
use std::slice;

use foreign_types::ForeignTypeRef;
use openssl::ssl::{SslRef, SslStream};
use openssl_sys::SSL;

unsafe extern "C" {
    fn SSL_has_pending(ssl: *const SSL) -> c_int;
    fn SSL_want(ssl: *const SSL) -> c_int;
    fn SSL_get_options(ssl: *const SSL) -> u64;
}

/// The SSL of a stream, to change.
pub(super) fn ssl_mut<S>(stream: &mut SslStream<S>) -> &mut SslRef {
    // SAFETY: the stream owns the SSL, and is borrowed for as long as the result.
    unsafe { SslRef::from_ptr_mut(stream.ssl().as_ptr()) }
}

/// Whether the session holds received bytes, decrypted or not.
pub(super) fn has_pending(ssl: &SslRef) -> bool {
    // SAFETY: the reference is a live SSL; the call only reads it.
    unsafe { SSL_has_pending(ssl.as_ptr()) != 0 }
}

/// What the last operation waits for: `SSL_want(3)`'s number.
pub(super) fn want(ssl: &SslRef) -> c_int {
    // SAFETY: as above.
    unsafe { SSL_want(ssl.as_ptr()) }
}

/// The options in force.
pub(super) fn options(ssl: &SslRef) -> u64 {
    // SAFETY: as above.
    unsafe { SSL_get_options(ssl.as_ptr()) }
}

/// An extension of the client's first message; only to be asked for in the callback of that message.
pub(super) fn client_hello_extension(ssl: &SslRef, number: u32) -> Option<&[u8]> {
    let mut bytes = std::ptr::null();
    let mut length = 0;
    // SAFETY: as above. What is returned belongs to the message, which OpenSSL keeps until the
    // callback returns; the result borrows `ssl`, which the callback lends no longer than that.
    // Outside the callback OpenSSL answers that there is no message.
    unsafe {
        let found = openssl_sys::SSL_client_hello_get0_ext(
            ssl.as_ptr(),
            number,
            &raw mut bytes,
            &raw mut length,
        );
        (found == 1 && !bytes.is_null()).then(|| slice::from_raw_parts(bytes, length))
    }
}
