//! What connections have in common: LuaSec's configuration table as an OpenSSL context.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslContext, SslRef};

use super::error::{ConfigError, text};
use super::ffi;
use super::resumption::{self, Sessions};
use super::verify::{self, Extension, HostCheck};

/// Which side of the handshake a context is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Begins the handshake.
    Client,
    /// Answers it.
    Server,
}

impl Mode {
    /// The mode of this name: `client` or `server`.
    ///
    /// # Errors
    ///
    /// Any other name.
    pub fn named(name: &[u8]) -> Result<Mode, ConfigError> {
        match name {
            b"client" => Ok(Mode::Client),
            b"server" => Ok(Mode::Server),
            _ => Err(ConfigError::Mode(text(name))),
        }
    }
}

/// A finished configuration, shared by the connections made from it.
#[derive(Clone)]
pub struct Context {
    /// OpenSSL's own.
    pub(crate) ssl: SslContext,
    /// Which side.
    pub(crate) mode: Mode,
    /// How a server chooses a protocol; `hello::install` gets it when the context is built.
    pub(crate) alpn: Option<super::ServerAlpn>,
    /// What `verifyext` has set, for new connections.
    pub(super) extension: Cell<Extension>,
    /// How a client verifies the name of its server.
    pub(super) verify_host: Option<HostCheck>,
    /// What a client remembers.
    pub(super) sessions: Option<Sessions>,
}

impl Context {
    /// Whether it answers handshakes.
    #[must_use]
    pub fn is_server(&self) -> bool {
        self.mode == Mode::Server
    }

    /// The context as one of a server's, chosen by name.
    #[must_use]
    pub fn named(&self) -> super::NamedContext {
        super::NamedContext {
            ssl: self.ssl.clone(),
            asks: self.asks(),
        }
    }

    /// Whether a function of the user's chooses the protocol.
    pub(crate) fn asks(&self) -> bool {
        matches!(self.alpn, Some(super::ServerAlpn::Ask))
    }

    /// Changes how the certificates of later connections' peers are verified: `lsec_continue`,
    /// `lsec_ignore_purpose`, `crl_check`, `crl_check_chain`. What was set before and is not named ends,
    /// but for the last two.
    ///
    /// # Errors
    ///
    /// A name that is none of these, and `lsec_continue` where the server's name is verified; then
    /// nothing changes.
    pub fn set_verify_extension<'a>(
        &self,
        names: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(), ConfigError> {
        let mut extension = self.extension.get().successor();
        for name in names {
            extension.add(name)?;
        }
        verify::check_consequence(extension, self.verify_host.as_ref())?;
        self.extension.set(extension);
        Ok(())
    }

    /// A new connection's state, which verifies its peer as this context says.
    pub(super) fn connection(&self) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&self.ssl)?;
        let extension = self.extension.get();
        extension.apply(&mut ssl)?;
        if self.is_server() && extension != Extension::default() {
            // Its session, which may not stand before another extension, is for no other connection.
            let mut name = [0; 16];
            openssl::rand::rand_bytes(&mut name)?;
            ffi::set_session_id_context(&mut ssl, &name)?;
        }
        if self.sessions.is_some() {
            resumption::will_be_verified(&mut ssl, extension);
        }
        Ok(ssl)
    }

    /// What is left to do when a handshake is about to begin: until then a client may be told the name
    /// of its server. `peer` is the address it is connected to.
    ///
    /// # Errors
    ///
    /// If the server's name shall be verified and is not known.
    pub(super) fn begin(
        &self,
        ssl: &mut SslRef,
        peer: Option<SocketAddr>,
    ) -> Result<(), ConfigError> {
        if let Some(check) = &self.verify_host {
            check.apply(ssl)?;
        }
        if let (Some(sessions), Some(peer)) = (&self.sessions, peer) {
            sessions.resume(ssl, peer);
        }
        Ok(())
    }
}

/// A context as its Lua object and its connections share it.
pub type SharedContext = Rc<Context>;
