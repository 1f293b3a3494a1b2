//! Sessions that a client remembers, so that its next handshake with the same server is a short one.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use openssl::ex_data::Index;
use openssl::ssl::{
    NameType, Ssl, SslContextBuilder, SslRef, SslSession, SslSessionCacheMode, SslVerifyMode,
    SslVersion,
};
use openssl::x509::X509VerifyResult;

use super::verify::Extension;

/// How many servers are remembered; then the one that was heard of longest ago is forgotten.
const SERVERS: usize = 128;

/// Which server a session is with: the name that it was asked for, its address, and how its certificates
/// were verified. A resumed session is not verified again, so one that was verified in another way does
/// not count.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Server {
    name: Option<Vec<u8>>,
    address: SocketAddr,
    extension: Extension,
}

static SERVER: LazyLock<Index<Ssl, Server>> =
    LazyLock::new(|| Ssl::new_ex_index().expect("room for one more index"));

static EXTENSION: LazyLock<Index<Ssl, Extension>> =
    LazyLock::new(|| Ssl::new_ex_index().expect("room for one more index"));

/// Notes how a new connection's peer is verified: by the time that its handshake begins, its context may
/// have another way for later ones.
pub(super) fn will_be_verified(ssl: &mut SslRef, extension: Extension) {
    ssl.set_ex_data(*EXTENSION, extension);
}

/// The last session with each server, those heard of last at the end.
#[derive(Clone, Default)]
pub(super) struct Sessions(Arc<Mutex<Vec<(Server, SslSession)>>>);

impl Sessions {
    /// Has a client's context remember the sessions of its connections.
    pub(super) fn install(builder: &mut SslContextBuilder) -> Sessions {
        let sessions = Sessions::default();
        let remembered = sessions.clone();
        // OpenSSL's own memory of a client's sessions is never searched.
        let mode = SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL;
        builder.set_session_cache_mode(mode);
        builder.set_new_session_callback(move |ssl, session| remembered.remember(ssl, session));
        sessions
    }

    /// Has a connection that is about to begin resume the last session with its server.
    pub(super) fn resume(&self, ssl: &mut SslRef, address: SocketAddr) {
        let name = ssl.servername_raw(NameType::HOST_NAME);
        let server = Server {
            name: name.map(<[u8]>::to_vec),
            address,
            extension: ssl.ex_data(*EXTENSION).copied().unwrap_or_default(),
        };
        if let Some(session) = self.find(&server) {
            // SAFETY: every session here is of a connection of this context, whose callback alone
            // brings them.
            let set = unsafe { ssl.set_session(&session) };
            // Without it the handshake is a full one.
            drop(set);
        }
        ssl.set_ex_data(*SERVER, server);
    }

    fn remember(&self, ssl: &SslRef, session: SslSession) {
        let Some(server) = ssl.ex_data(*SERVER) else {
            return;
        };
        // A resumed session is not verified again: one that did not pass must not pass that way.
        let must_pass = ssl.verify_mode().contains(SslVerifyMode::PEER);
        if must_pass && ssl.verify_result() != X509VerifyResult::OK {
            return;
        }
        let mut all = self.all();
        all.retain(|(known, _)| known != server);
        if all.len() == SERVERS {
            all.remove(0);
        }
        all.push((server.clone(), session));
    }

    fn find(&self, server: &Server) -> Option<SslSession> {
        let mut all = self.all();
        let place = all.iter().position(|(known, _)| known == server)?;
        if all[place].1.protocol_version() == SslVersion::TLS1_3 {
            // A ticket is for one use, or connections could be seen to be of one client (RFC 8446,
            // appendix C.4). The server sends new ones.
            return Some(all.remove(place).1);
        }
        Some(all[place].1.clone())
    }

    fn all(&self) -> MutexGuard<'_, Vec<(Server, SslSession)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
