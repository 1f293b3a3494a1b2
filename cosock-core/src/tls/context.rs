//! What connections have in common: LuaSec's configuration table as an OpenSSL context.

use std::rc::Rc;

use openssl::ssl::SslContext;

/// Which side of the handshake a context is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Begins the handshake.
    Client,
    /// Answers it.
    Server,
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
}

/// A context as its Lua object and its connections share it.
pub type SharedContext = Rc<Context>;
