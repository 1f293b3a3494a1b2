//! Certificates and private keys of one's own, from files.

use openssl::dh::Dh;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Params, Private};
use openssl::ssl::SslContextBuilder;

use super::error::{Cause, ConfigError, attempt, text};
use super::ffi;
use super::files::{self, Readable};

/// What a wrong password leads to, which OpenSSL tells in several ways.
const BAD_PASSWORD: &str = "bad decrypt";
/// What contains no key.
const NO_KEY: &str = "unsupported";

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
    let pem =
        files::read(path).map_err(|error| ConfigError::Key(Cause::unreadable(path, &error)))?;
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
    let file = Readable::find(path).map_err(ConfigError::Certificate)?;
    attempt(|| ffi::use_certificate_chain_file(builder, file.name()))
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
