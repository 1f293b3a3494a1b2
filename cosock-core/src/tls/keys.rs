//! Certificates and private keys of one's own, from files.

use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;

use openssl::dh::Dh;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Params, Private};
use openssl::ssl::SslContextBuilder;

use super::error::{Cause, ConfigError, attempt, text};
use super::ffi;

/// What a wrong password leads to, which OpenSSL tells in several ways.
const BAD_PASSWORD: &str = "bad decrypt";
/// What contains no key.
const NO_KEY: &str = "unsupported";
/// More than any key needs; a device that never ends is no file of keys.
const LONGEST_KEY: u64 = 1 << 20;

/// Reads the private key in a file and uses it.
///
/// # Errors
///
/// [`ConfigError::PasswordNeeded`] if it is encrypted and there is no password.
pub(super) fn load_key(
    builder: &mut SslContextBuilder,
    path: &[u8],
    password: Option<&[u8]>,
) -> Result<(), ConfigError> {
    let unusable = |why| ConfigError::Key(Cause::unusable(path, why));
    let pem = read(path).map_err(|error| ConfigError::Key(Cause::unreadable(path, &error)))?;
    let key = decrypt(&pem, password).map_err(|failure| match failure {
        KeyFailure::PasswordNeeded => ConfigError::PasswordNeeded(text(path)),
        KeyFailure::Refused(why) => unusable(why),
    })?;
    attempt(|| builder.set_private_key(&key)).map_err(unusable)
}

enum KeyFailure {
    PasswordNeeded,
    Refused(String),
}

fn decrypt(pem: &[u8], password: Option<&[u8]>) -> Result<PKey<Private>, KeyFailure> {
    let mut asked = false;
    let key = attempt(|| {
        PKey::private_key_from_pem_callback(pem, |place| {
            asked = true;
            let password = password.unwrap_or_default();
            let room = place
                .get_mut(..password.len())
                .ok_or_else(ErrorStack::get)?;
            room.copy_from_slice(password);
            Ok(password.len())
        })
    });
    key.map_err(|why| match password {
        None if asked => KeyFailure::PasswordNeeded,
        Some(_) if asked => KeyFailure::Refused(BAD_PASSWORD.to_owned()),
        // What is not PEM, or not of a key, is reported by whichever decoder was tried first.
        _ if !has_key(pem) => KeyFailure::Refused(NO_KEY.to_owned()),
        _ => KeyFailure::Refused(why),
    })
}

fn has_key(pem: &[u8]) -> bool {
    const END: &[u8] = b"PRIVATE KEY-----";
    memchr::memmem::find(pem, END).is_some()
}

/// Reads a certificate and those that follow it, and presents them.
pub(super) fn load_certificate(
    builder: &mut SslContextBuilder,
    path: &[u8],
) -> Result<(), ConfigError> {
    let file = readable(path).map_err(ConfigError::Certificate)?;
    attempt(|| ffi::use_certificate_chain_file(builder, &file))
        .map_err(|why| ConfigError::Certificate(Cause::unusable(path, why)))
}

/// Uses parameters for Diffie-Hellman, from PEM.
///
/// Parameters that the security level forbids are left out: then no cipher that needs them is
/// chosen.
pub(super) fn set_dh_parameters(
    builder: &mut SslContextBuilder,
    pem: &[u8],
) -> Result<(), ConfigError> {
    let parameters: Dh<Params> =
        attempt(|| ffi::dh_parameters(pem)).map_err(ConfigError::DhParameters)?;
    match attempt(|| builder.set_tmp_dh(&parameters)) {
        Err(why) if why != "dh key too small" => Err(ConfigError::DhParameters(why)),
        _ => Ok(()),
    }
}

/// The name of a file that can be read, for OpenSSL, whose own reports of files say nothing.
pub(super) fn readable(path: &[u8]) -> Result<CString, Cause> {
    let look = || -> io::Result<CString> {
        // What a pipe gives can be read only once.
        if !fs::metadata(OsStr::from_bytes(path))?.file_type().is_fifo() {
            // The first read tells a directory.
            let _ = open(path)?.read(&mut [0])?;
        }
        Ok(CString::new(path)?)
    };
    look().map_err(|error| Cause::unreadable(path, &error))
}

fn open(path: &[u8]) -> io::Result<File> {
    let file = File::open(OsStr::from_bytes(path))?;
    let kind = file.metadata()?.file_type();
    if kind.is_char_device() || kind.is_block_device() {
        // OpenSSL would look for a certificate until the end, which some do not have.
        return Err(io::Error::other("Is a device"));
    }
    Ok(file)
}

fn read(path: &[u8]) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open(path)?.take(LONGEST_KEY).read_to_end(&mut content)?;
    Ok(content)
}
