//! Makes a context, one field of LuaSec's configuration table after the other.
//!
//! The steps are taken in the order of the methods here, as LuaSec does, so that of several mistakes
//! the same one is reported.

use std::cell::Cell;

use openssl::ssl::{
    SslContext, SslContextBuilder, SslMethod, SslMode, SslSessionCacheMode, SslVerifyMode,
    SslVersion,
};

use super::context::{Context, Mode};
use super::error::{ConfigError, attempt, text};
use super::hello::{self, ServerAlpn};
use super::resumption::Sessions;
use super::verify::{self, Extension, HostCheck};
use super::{curves, ffi, keys, options, trust};

/// Which versions of the protocol may be spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// All that the library has.
    Any,
    /// This one alone.
    Only(SslVersion),
}

/// The names of single versions, as `ssl.config.protocols` lists them.
pub const PROTOCOLS: [(&str, SslVersion); 4] = [
    ("tlsv1", SslVersion::TLS1),
    ("tlsv1_1", SslVersion::TLS1_1),
    ("tlsv1_2", SslVersion::TLS1_2),
    ("tlsv1_3", SslVersion::TLS1_3),
];

impl Protocol {
    /// The protocol of this name: one of [`PROTOCOLS`], `any`, or `sslv23`, which means the same.
    ///
    /// # Errors
    ///
    /// Any other name.
    pub fn named(name: &[u8]) -> Result<Protocol, ConfigError> {
        if matches!(name, b"any" | b"sslv23") {
            return Ok(Protocol::Any);
        }
        let known = PROTOCOLS.iter().find(|(known, _)| known.as_bytes() == name);
        known
            .map(|(_, version)| Protocol::Only(*version))
            .ok_or_else(|| ConfigError::Protocol(text(name)))
    }
}

/// A context in the making.
pub struct Builder {
    ssl: SslContextBuilder,
    mode: Mode,
    verify: Option<SslVerifyMode>,
    extension: Extension,
    alpn: Option<ServerAlpn>,
    dane: bool,
    verify_host: Option<HostCheck>,
    remembers: bool,
}

impl Builder {
    /// A context without any certificates, that verifies nothing.
    ///
    /// # Errors
    ///
    /// If OpenSSL cannot be used at all.
    pub fn new(protocol: Protocol, mode: Mode) -> Result<Builder, ConfigError> {
        super::load().map_err(|why| ConfigError::Library(why.into()))?;
        let ssl = attempt(|| plain_context(protocol, mode)).map_err(ConfigError::Library)?;
        Ok(Builder {
            ssl,
            mode,
            verify: None,
            extension: Extension::default(),
            alpn: None,
            dane: false,
            verify_host: None,
            remembers: false,
        })
    }

    /// Which side the context is for.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Uses the private key in a PEM file.
    ///
    /// # Errors
    ///
    /// If it cannot; [`ConfigError::PasswordNeeded`] asks to try again with a password.
    pub fn load_key(&mut self, path: &[u8], password: Option<&[u8]>) -> Result<(), ConfigError> {
        keys::load_key(&mut self.ssl, path, password)
    }

    /// Presents the first certificate in a PEM file, and those that follow it as its chain. A context
    /// has room for one of each kind of key.
    ///
    /// # Errors
    ///
    /// If it cannot.
    pub fn load_certificate(&mut self, path: &[u8]) -> Result<(), ConfigError> {
        keys::load_certificate(&mut self.ssl, path)
    }

    /// Asks whether the certificate and the key that were loaded last, from these files, belong together.
    ///
    /// # Errors
    ///
    /// If they do not.
    pub fn check_key(&self, key: &[u8], certificate: &[u8]) -> Result<(), ConfigError> {
        attempt(|| self.ssl.check_private_key()).map_err(|_| {
            ConfigError::KeyMismatch(format!("'{}' and '{}'", text(key), text(certificate)))
        })
    }

    /// Trusts the certificates in a PEM file, or with the name `system` what the system trusts.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or has no certificates.
    pub fn trust_file(&mut self, file: &[u8]) -> Result<(), ConfigError> {
        trust::file(&mut self.ssl, file).map_err(ConfigError::Locations)
    }

    /// Trusts the certificates in a directory, where they lie under names made of hashes.
    ///
    /// # Errors
    ///
    /// If this is no name of a directory; that there is none is no error.
    pub fn trust_directory(&mut self, directory: &[u8]) -> Result<(), ConfigError> {
        trust::directory(&mut self.ssl, directory).map_err(ConfigError::Locations)
    }

    /// Sets the ciphers for TLS 1.2 and before, in OpenSSL's syntax.
    ///
    /// # Errors
    ///
    /// If none of them can be used.
    pub fn set_ciphers(&mut self, list: &[u8]) -> Result<(), ConfigError> {
        plain_text(list)
            .and_then(|list| attempt(|| self.ssl.set_cipher_list(list)))
            .map_err(|why| ConfigError::Ciphers(why, "ciphers"))
    }

    /// Sets the cipher suites for TLS 1.3, joined by colons.
    ///
    /// # Errors
    ///
    /// If one of them is unknown.
    pub fn set_ciphersuites(&mut self, list: &[u8]) -> Result<(), ConfigError> {
        plain_text(list)
            .and_then(|list| attempt(|| self.ssl.set_ciphersuites(list)))
            .map_err(|why| ConfigError::Ciphers(why, "ciphersuites"))
    }

    /// Adds to how certificates are verified: `none`, `peer`, `client_once`, `fail_if_no_peer_cert`.
    ///
    /// # Errors
    ///
    /// Any other name.
    pub fn add_verify(&mut self, name: &[u8]) -> Result<(), ConfigError> {
        let more = verify::mode_named(name)?;
        let mode = self.verify.get_or_insert(SslVerifyMode::NONE);
        *mode |= more;
        Ok(())
    }

    /// Sets one of OpenSSL's [options](options::TABLE).
    ///
    /// # Errors
    ///
    /// An unknown name.
    pub fn add_option(&mut self, name: &[u8]) -> Result<(), ConfigError> {
        let option = options::named(name).ok_or_else(|| ConfigError::Option(text(name)))?;
        self.ssl.set_options(option);
        Ok(())
    }

    /// Limits how many certificates may lie between the peer's own and the trusted one.
    pub fn set_depth(&mut self, depth: i32) {
        // The crate has it unsigned, OpenSSL signed: a negative number arrives as it was.
        self.ssl.set_verify_depth(depth.cast_unsigned());
    }

    /// Uses parameters for Diffie-Hellman, from PEM, where ciphers need them.
    ///
    /// # Errors
    ///
    /// If there are none in it.
    pub fn set_dh_parameters(&mut self, pem: &[u8]) -> Result<(), ConfigError> {
        keys::set_dh_parameters(&mut self.ssl, pem)
    }

    /// Lets only the curves of a list be used, joined by colons.
    ///
    /// # Errors
    ///
    /// An unknown name.
    pub fn set_curves_list(&mut self, list: &[u8]) -> Result<(), ConfigError> {
        curves::set_list(&mut self.ssl, list)
    }

    /// Lets only one curve be used.
    ///
    /// # Errors
    ///
    /// An unknown name, or a curve that has no keys of the classic kind.
    pub fn set_curve(&mut self, name: &[u8]) -> Result<(), ConfigError> {
        curves::set_one(&mut self.ssl, name)
    }

    /// Adds to what is special in verifying; see [`Context::set_verify_extension`].
    ///
    /// # Errors
    ///
    /// An unknown name, and `lsec_continue` with [`Builder::verify_host`].
    pub fn add_verify_extension(&mut self, name: &[u8]) -> Result<(), ConfigError> {
        self.extension.add(name)?;
        verify::check_consequence(self.extension, self.verify_host.as_ref())
    }

    /// The protocols (ALPN), best first, that a client offers or a server chooses from.
    ///
    /// # Errors
    ///
    /// If there are none, or more than 32 KiB, or a name is empty or longer than 255 bytes.
    pub fn set_protocols<'a>(
        &mut self,
        names: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(), ConfigError> {
        let list = wire_format(names)?;
        match self.mode {
            Mode::Client => {
                attempt(|| self.ssl.set_alpn_protos(&list)).map_err(ConfigError::Library)?;
            }
            Mode::Server => self.alpn = Some(ServerAlpn::List(list)),
        }
        Ok(())
    }

    /// Has the owner of each connection asked for its protocol.
    ///
    /// # Errors
    ///
    /// For clients, who offer and do not choose.
    pub fn ask_for_protocol(&mut self) -> Result<(), ConfigError> {
        match self.mode {
            Mode::Client => Err(ConfigError::AlpnParameter),
            Mode::Server => {
                self.alpn = Some(ServerAlpn::Ask);
                Ok(())
            }
        }
    }

    /// Lets connections be verified by DANE; the flag leaves out the check of names where a record pins
    /// the certificate itself.
    ///
    /// # Errors
    ///
    /// For lack of memory.
    pub fn enable_dane(&mut self, no_ee_namechecks: bool) -> Result<(), ConfigError> {
        attempt(|| ffi::enable_dane(&mut self.ssl, no_ee_namechecks))
            .map_err(ConfigError::Library)?;
        self.dane = true;
        Ok(())
    }

    /// Has a client verify that the server's certificate is for a name. That includes verifying the
    /// certificate: without [`Builder::add_verify`] it is as with `peer`.
    ///
    /// # Errors
    ///
    /// For servers; for an empty name or one that begins with a dot; if verifying was turned off, or
    /// `lsec_continue` lets everything pass.
    pub fn verify_host(&mut self, check: HostCheck) -> Result<(), ConfigError> {
        let refused = if self.mode == Mode::Server {
            Some("it is for clients")
        } else if self
            .verify
            .is_some_and(|mode| !mode.contains(SslVerifyMode::PEER))
        {
            Some("it needs verify = \"peer\"")
        } else {
            None
        };
        if let Some(why) = refused {
            return Err(ConfigError::VerifyHost(why));
        }
        check.check()?;
        verify::check_consequence(self.extension, Some(&check))?;
        self.verify.get_or_insert(SslVerifyMode::PEER);
        self.verify_host = Some(check);
        Ok(())
    }

    /// Has a client remember its sessions, to resume them with the same server; with DANE it does not,
    /// for a resumed session is not verified again. For a server it does nothing: OpenSSL hands out
    /// tickets unless the option `no_ticket` is set.
    pub fn remember_sessions(&mut self) {
        self.remembers = true;
    }

    /// The finished context.
    #[must_use]
    pub fn finish(mut self) -> Context {
        if let Some(mode) = self.verify {
            self.ssl.set_verify(mode);
        }
        let mut sessions = None;
        match self.mode {
            Mode::Server => hello::install(&mut self.ssl, self.alpn.clone()),
            Mode::Client if self.remembers && !self.dane => {
                sessions = Some(Sessions::install(&mut self.ssl));
            }
            Mode::Client => {}
        }
        // Nothing of what was dealt with here may explain a failure later.
        ffi::clear_errors();
        Context {
            ssl: self.ssl.build(),
            mode: self.mode,
            alpn: self.alpn,
            extension: Cell::new(self.extension),
            verify_host: self.verify_host,
            sessions,
        }
    }
}

fn plain_context(
    protocol: Protocol,
    mode: Mode,
) -> Result<SslContextBuilder, openssl::error::ErrorStack> {
    let mut ssl = SslContext::builder(SslMethod::tls())?;
    if let Protocol::Only(version) = protocol {
        ssl.set_min_proto_version(Some(version))?;
        ssl.set_max_proto_version(Some(version))?;
    }
    ssl.set_mode(
        SslMode::ENABLE_PARTIAL_WRITE
            | SslMode::ACCEPT_MOVING_WRITE_BUFFER
            | SslMode::RELEASE_BUFFERS,
    );
    ssl.set_read_ahead(true);
    // A server's sessions are in the tickets that clients keep. They name their context, for those that
    // are chosen by name share their keys.
    ssl.set_session_cache_mode(SslSessionCacheMode::OFF);
    if mode == Mode::Server {
        let mut name = [0; 16];
        openssl::rand::rand_bytes(&mut name)?;
        ssl.set_session_id_context(&name)?;
    }
    Ok(ssl)
}

/// A list for OpenSSL, none of whose names has other than plain characters.
fn plain_text(list: &[u8]) -> Result<&str, String> {
    let list = std::str::from_utf8(list).ok();
    list.filter(|list| !list.contains('\0'))
        .ok_or_else(|| "no cipher match".to_owned())
}

/// How long a list of protocols may be in bytes: half of what a client's extensions may be together.
const MOST_PROTOCOLS: usize = 32767;

/// Names of protocols, each after its length.
fn wire_format<'a>(names: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, ConfigError> {
    let mut list = Vec::new();
    for name in names {
        match u8::try_from(name.len()) {
            Ok(0) => return Err(ConfigError::AlpnEmptyName),
            Ok(length) => list.push(length),
            Err(_) => return Err(ConfigError::AlpnLongName),
        }
        list.extend_from_slice(name);
    }
    match list.len() {
        0 => Err(ConfigError::AlpnEmptyList),
        1..=MOST_PROTOCOLS => Ok(list),
        _ => Err(ConfigError::AlpnLongList),
    }
}

#[cfg(test)]
mod tests;
