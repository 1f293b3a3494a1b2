//! What a session knows of its peer and of itself.

use std::ffi::CStr;

use openssl::ssl::{NameType, SslRef};
use openssl::x509::X509;

use super::context::Mode;
use super::session::{Session, failure};
use super::verify;
use super::{Certificate, ffi};
use crate::error::SocketError;

/// The cipher in use, in OpenSSL's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CipherInfo {
    /// Its name.
    pub cipher: String,
    /// How keys are exchanged.
    pub key: String,
    /// How the peers prove who they are.
    pub authentication: String,
    /// What encrypts.
    pub encryption: String,
    /// What protects the integrity.
    pub mac: String,
    /// Bits of secrecy, and of the algorithm.
    pub bits: (i32, i32),
    /// The version of the protocol.
    pub protocol: &'static str,
}

/// What verifying the peer's certificates came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// Nothing is wrong with them, or there are none.
    Passed,
    /// The reason why not.
    Failed(&'static str),
    /// The reasons at each depth, from the leaf on, where the context lets the handshake go on.
    Listed(Vec<Vec<&'static str>>),
}

/// A finished message is a hash.
const LONGEST_FINISHED: usize = 64;

impl Session {
    /// Sets the name that a client asks for.
    ///
    /// # Errors
    ///
    /// A name that OpenSSL refuses.
    pub fn set_server_name(&mut self, name: &str) -> Result<(), SocketError> {
        self.ssl_mut()
            .set_hostname(name)
            .map_err(|stack| failure(&stack))
    }

    /// Has the peer verified by DANE, as `host`, with the records that are added; tells whether the
    /// context allows that.
    pub fn set_dane(&mut self, host: &CStr) -> bool {
        ffi::set_dane(self.ssl_mut(), host).is_ok()
    }

    /// Adds the data of a TLSA record (RFC 6698); tells whether it fits one.
    pub fn add_tlsa(&mut self, usage: u8, selector: u8, matching: u8, data: &[u8]) -> bool {
        ffi::add_tlsa(self.ssl_mut(), usage, selector, matching, data).is_ok()
    }

    /// The name that the client asks for.
    #[must_use]
    pub fn server_name(&self) -> Option<Vec<u8>> {
        self.ssl()
            .servername_raw(NameType::HOST_NAME)
            .map(<[u8]>::to_vec)
    }

    /// The protocol agreed on.
    #[must_use]
    pub fn protocol(&self) -> Option<Vec<u8>> {
        self.ssl().selected_alpn_protocol().map(<[u8]>::to_vec)
    }

    /// The peer's certificates as it sent them, its own first.
    #[must_use]
    pub fn peer_chain(&self) -> Vec<Certificate> {
        chain(self.ssl(), self.context().mode)
            .into_iter()
            .map(Certificate::new)
            .collect()
    }

    /// The certificates that this side has sent, or would send.
    #[must_use]
    pub fn local_chain(&self) -> Vec<Certificate> {
        let Some(own) = self.ssl().certificate() else {
            return Vec::new();
        };
        let rest = ffi::own_chain(self.ssl());
        let all = std::iter::once(own.to_owned()).chain(rest);
        all.map(Certificate::new).collect()
    }

    /// What verifying the peer's certificates came to, whether or not the context asks for it.
    #[must_use]
    pub fn verification(&self) -> Verification {
        verify::outcome(self.ssl())
    }

    /// The cipher in use; `None` before the handshake.
    #[must_use]
    pub fn cipher(&self) -> Option<CipherInfo> {
        let ssl = self.ssl();
        let cipher = ssl.current_cipher()?;
        let description = cipher.description();
        let field = |name: &str| {
            description
                .split_whitespace()
                .find_map(|word| word.strip_prefix(name))
                .unwrap_or_default()
                .to_owned()
        };
        let bits = cipher.bits();
        Some(CipherInfo {
            cipher: cipher.name().to_owned(),
            key: field("Kx="),
            authentication: field("Au="),
            encryption: field("Enc="),
            mac: field("Mac="),
            bits: (bits.secret, bits.algorithm),
            protocol: ssl.version_str(),
        })
    }

    /// The finished message that this side has sent.
    #[must_use]
    pub fn finished(&self) -> Vec<u8> {
        let mut message = [0; LONGEST_FINISHED];
        let length = self.ssl().finished(&mut message);
        message[..length.min(LONGEST_FINISHED)].to_vec()
    }

    /// The finished message that the peer has sent.
    #[must_use]
    pub fn peer_finished(&self) -> Vec<u8> {
        let mut message = [0; LONGEST_FINISHED];
        let length = self.ssl().peer_finished(&mut message);
        message[..length.min(LONGEST_FINISHED)].to_vec()
    }

    /// Whether the handshake resumed an earlier session.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.ssl().session_reused()
    }

    /// Keying material for another protocol: RFC 5705.
    ///
    /// # Errors
    ///
    /// Before the handshake, or when OpenSSL refuses.
    pub fn export_keying_material(
        &self,
        label: &str,
        length: usize,
        context: Option<&[u8]>,
    ) -> Result<Vec<u8>, SocketError> {
        let mut material = vec![0; length];
        self.ssl()
            .export_keying_material(&mut material, label, context)
            .map_err(|stack| failure(&stack))?;
        Ok(material)
    }
}

/// Only a client finds the peer's own certificate in OpenSSL's chain.
fn chain(ssl: &SslRef, mode: Mode) -> Vec<X509> {
    let own = match mode {
        Mode::Client => None,
        Mode::Server => ssl.peer_certificate(),
    };
    if mode == Mode::Server && own.is_none() {
        return Vec::new();
    }
    let rest = ssl.peer_cert_chain().into_iter().flatten();
    own.into_iter().chain(rest.map(ToOwned::to_owned)).collect()
}
