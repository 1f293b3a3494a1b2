//! TLS over a TCP stream, in LuaSec's shape, with OpenSSL underneath.
//!
//! A [`Context`] is made once, by a [`Builder`]; a session is one connection's state, and lives in its
//! [`TcpSocket`](crate::socket::TcpSocket), whose reads and writes go through it.

mod builder;
pub mod certificate;
pub mod context;
pub mod curves;
mod error;
mod ffi;
mod files;
mod hello;
mod keys;
#[cfg(late_openssl)]
mod late;
pub mod options;
mod peer;
mod resumption;
pub(crate) mod session;
mod stamp;
#[cfg(test)]
mod testing;
mod trust;
mod verify;
pub(crate) mod wire;
mod words;

pub use builder::{Builder, PROTOCOLS, Protocol};
pub use certificate::Certificate;
pub use context::Context;
pub use error::{Cause, ConfigError};
pub use hello::{NamedContext, Question, ServerAlpn, ServerNames};
pub use peer::{CipherInfo, Verification};
pub use session::Session;
pub use stamp::{fingerprint, stamp};
pub use verify::HostCheck;

/// OpenSSL's name and version: of the library that is loaded, `OpenSSL 3.0.17`, or if it is loaded when it
/// is first used, of any that may be, `OpenSSL 3`.
#[must_use]
pub fn library() -> &'static str {
    #[cfg(late_openssl)]
    return concat!("OpenSSL ", env!("COSOCK_OPENSSL_MAJOR"));
    #[cfg(not(late_openssl))]
    name_and_version()
}

/// The same of the library that is used, which this loads.
///
/// # Errors
///
/// In words, if it cannot be loaded.
pub fn loaded_library() -> Result<&'static str, &'static str> {
    load()?;
    Ok(name_and_version())
}

/// Of the library that is loaded, without its date.
fn name_and_version() -> &'static str {
    let text = openssl::version::version();
    let end = text.match_indices(' ').nth(1);
    end.map_or(text, |(end, _)| &text[..end])
}

/// Loads OpenSSL where it is not yet. Nothing else here can be used but through what calls this.
fn load() -> Result<(), &'static str> {
    #[cfg(late_openssl)]
    late::load()?;
    Ok(())
}
