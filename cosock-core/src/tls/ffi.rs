//! OpenSSL's functions that the `openssl` crate does not offer, as safe ones.

use std::ffi::{CStr, c_char, c_int, c_uchar, c_uint, c_ulong, c_void};
use std::io::{Read, Write};
use std::ptr;
use std::slice;

use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::dh::Dh;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::Params;
use openssl::ssl::{Error, SslContextBuilder, SslRef, SslStream};
use openssl::stack::StackRef;
use openssl::x509::X509;
use openssl_sys::{BIO, SSL, SSL_CTX, pem_password_cb};

/// `EC_builtin_curve`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Curve {
    number: c_int,
    comment: *const c_char,
}

unsafe extern "C" {
    fn ERR_peek_error() -> c_ulong;
    fn SSL_has_pending(ssl: *const SSL) -> c_int;
    fn SSL_want(ssl: *const SSL) -> c_int;
    fn SSL_get_options(ssl: *const SSL) -> u64;
    fn SSL_set_session_id_context(ssl: *mut SSL, name: *const c_uchar, length: c_uint) -> c_int;
    fn SSL_CTX_set_default_passwd_cb(context: *mut SSL_CTX, callback: pem_password_cb);
    fn SSL_CTX_dane_enable(context: *mut SSL_CTX) -> c_int;
    fn SSL_CTX_dane_set_flags(context: *mut SSL_CTX, flags: c_ulong) -> c_ulong;
    fn SSL_dane_enable(ssl: *mut SSL, domain: *const c_char) -> c_int;
    fn SSL_dane_tlsa_add(
        ssl: *mut SSL,
        usage: u8,
        selector: u8,
        matching: u8,
        data: *const u8,
        length: usize,
    ) -> c_int;
    fn EC_get_builtin_curves(curves: *mut Curve, room: usize) -> usize;
}

/// The SSL of a stream, to change.
pub(super) fn ssl_mut<S>(stream: &mut SslStream<S>) -> &mut SslRef {
    // SAFETY: the stream owns the SSL, and is borrowed for as long as the result.
    unsafe { SslRef::from_ptr_mut(stream.ssl().as_ptr()) }
}

/// Decrypts to the end of `storage`, as much as it has room for; tells how much.
pub(super) fn read_onto<S: Read + Write>(
    stream: &mut SslStream<S>,
    storage: &mut Vec<u8>,
) -> Result<usize, Error> {
    let length = stream.ssl_read_uninit(storage.spare_capacity_mut())?;
    // SAFETY: the call has filled so many bytes of the room, as it promises.
    unsafe { storage.set_len(storage.len() + length) };
    Ok(length)
}

/// Whether the session holds received bytes, decrypted or not.
pub(super) fn has_pending(ssl: &SslRef) -> bool {
    // SAFETY: the reference is a live SSL; the call only reads it.
    unsafe { SSL_has_pending(ssl.as_ptr()) != 0 }
}

/// Names what a session of this connection may be resumed under.
pub(super) fn set_session_id_context(ssl: &mut SslRef, name: &[u8; 16]) -> Result<(), ErrorStack> {
    // SAFETY: a live SSL; OpenSSL copies the name, whose length is allowed (32 at most).
    succeeded(unsafe { SSL_set_session_id_context(ssl.as_ptr(), name.as_ptr(), 16) })
}

/// `SSL_WRITING`, `SSL_READING` and `SSL_X509_LOOKUP` of `ssl.h`, which openssl-sys lacks.
pub(super) const WRITING: c_int = 2;
pub(super) const READING: c_int = 3;
pub(super) const X509_LOOKUP: c_int = 4;

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

/// The certificates that follow this side's own.
pub(super) fn own_chain(ssl: &SslRef) -> Vec<X509> {
    const GET_CHAIN_CERTS: c_int = 115;
    let mut chain: *mut openssl_sys::stack_st_X509 = ptr::null_mut();
    let place: *mut *mut openssl_sys::stack_st_X509 = &raw mut chain;
    // SAFETY: the reference is a live SSL; the call writes a pointer to `place`: null, or a stack that
    // stays the SSL's, from which the certificates are taken at once.
    unsafe {
        openssl_sys::SSL_ctrl(ssl.as_ptr(), GET_CHAIN_CERTS, 0, place.cast());
        if chain.is_null() {
            return Vec::new();
        }
        let chain: &StackRef<X509> = StackRef::from_ptr(chain);
        chain.iter().map(ToOwned::to_owned).collect()
    }
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

/// Drops what OpenSSL has queued of errors. Mostly that is nothing, which costs less to see than to clear.
pub(super) fn clear_errors() {
    // SAFETY: it touches this thread's queue alone.
    unsafe {
        if ERR_peek_error() != 0 {
            openssl_sys::ERR_clear_error();
        }
    }
}

/// The elliptic curves that the library has.
pub(super) fn curves() -> Vec<Nid> {
    let none = Curve {
        number: 0,
        comment: ptr::null(),
    };
    // SAFETY: with no room it writes nothing and tells how many there are; then it writes at most as
    // many as there is room for.
    let curves = unsafe {
        let count = EC_get_builtin_curves(ptr::null_mut(), 0);
        let mut curves = vec![none; count];
        EC_get_builtin_curves(curves.as_mut_ptr(), count);
        curves
    };
    let numbers = curves.iter().map(|curve| curve.number);
    numbers.map(Nid::from_raw).collect()
}

/// Knows no password: in its place OpenSSL would ask on the terminal.
unsafe extern "C" fn no_password(_: *mut c_char, _: c_int, _: c_int, _: *mut c_void) -> c_int {
    -1
}

/// Presents the first certificate of a PEM file and, as its chain, those that follow it.
pub(super) fn use_certificate_chain_file(
    builder: &mut SslContextBuilder,
    file: &CStr,
) -> Result<(), ErrorStack> {
    let context = builder.as_ptr();
    // SAFETY: the builder owns the context, and the name is a string of C.
    succeeded(unsafe {
        SSL_CTX_set_default_passwd_cb(context, Some(no_password));
        openssl_sys::SSL_CTX_use_certificate_chain_file(context, file.as_ptr())
    })
}

/// Trusts the certificates in a PEM file and in a directory that is sorted by hashes.
pub(super) fn load_verify_locations(
    builder: &mut SslContextBuilder,
    file: Option<&CStr>,
    directory: Option<&CStr>,
) -> Result<(), ErrorStack> {
    let pointer = |name: Option<&CStr>| name.map_or(ptr::null(), CStr::as_ptr);
    // SAFETY: the builder owns the context; a name is a string of C or null.
    succeeded(unsafe {
        openssl_sys::SSL_CTX_load_verify_locations(
            builder.as_ptr(),
            pointer(file),
            pointer(directory),
        )
    })
}

/// Reads parameters for Diffie-Hellman.
pub(super) fn dh_parameters(pem: &[u8]) -> Result<Dh<Params>, ErrorStack> {
    // SAFETY: the function reads such parameters, which are ours.
    unsafe {
        let parameters = read_pem(pem, openssl_sys::PEM_read_bio_DHparams);
        parameters.map(|pointer| Dh::from_ptr(pointer))
    }
    .ok_or_else(ErrorStack::get)
}

/// One of OpenSSL's functions that read what is of their kind in a PEM text.
type PemReader<T> =
    unsafe extern "C" fn(*mut BIO, *mut *mut T, pem_password_cb, *mut c_void) -> *mut T;

/// What `reader` makes of a PEM text, which is the caller's to free; `None` where that is nothing.
///
/// # Safety
///
/// The reader is what its type says.
pub(super) unsafe fn read_pem<T>(pem: &[u8], reader: PemReader<T>) -> Option<*mut T> {
    let length = c_int::try_from(pem.len()).unwrap_or(c_int::MAX);
    // SAFETY: the caller's promise; the bytes outlive the source that reads them.
    let found = unsafe {
        let source = openssl_sys::BIO_new_mem_buf(pem.as_ptr().cast(), length);
        if source.is_null() {
            return None;
        }
        // Encrypted PEM may call itself whatever is asked for.
        let found = reader(source, ptr::null_mut(), Some(no_password), ptr::null_mut());
        openssl_sys::BIO_free_all(source);
        found
    };
    (!found.is_null()).then_some(found)
}

/// Lets the connections of a context be verified by DANE; the flag leaves out the check of names
/// where a record pins the certificate itself (RFC 7671, section 5.1).
pub(super) fn enable_dane(
    builder: &mut SslContextBuilder,
    no_ee_namechecks: bool,
) -> Result<(), ErrorStack> {
    const NO_EE_NAMECHECKS: c_ulong = 1;
    let context = builder.as_ptr();
    // SAFETY: the builder owns the context.
    unsafe {
        succeeded(SSL_CTX_dane_enable(context))?;
        if no_ee_namechecks {
            SSL_CTX_dane_set_flags(context, NO_EE_NAMECHECKS);
        }
    }
    Ok(())
}

/// Verifies a connection to `host` by DANE; refused unless its context allows that.
pub(super) fn set_dane(ssl: &mut SslRef, host: &CStr) -> Result<(), ErrorStack> {
    // SAFETY: the reference is a live SSL, ours to change; the name is copied.
    succeeded(unsafe { SSL_dane_enable(ssl.as_ptr(), host.as_ptr()) })
}

/// Adds the data of a TLSA record (RFC 6698) to a connection; refused if it fits no record.
pub(super) fn add_tlsa(
    ssl: &mut SslRef,
    usage: u8,
    selector: u8,
    matching: u8,
    data: &[u8],
) -> Result<(), ErrorStack> {
    let (bytes, length) = (data.as_ptr(), data.len());
    // SAFETY: as above; the data is copied.
    succeeded(unsafe { SSL_dane_tlsa_add(ssl.as_ptr(), usage, selector, matching, bytes, length) })
}

/// What most of OpenSSL's functions return: more than 0 for success.
fn succeeded(result: c_int) -> Result<(), ErrorStack> {
    if result > 0 {
        Ok(())
    } else {
        Err(ErrorStack::get())
    }
}
