//! How a peer's certificates are verified, and what that came to.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::ssl::{NameType, Ssl, SslRef, SslVerifyMode};
use openssl::x509::verify::{X509CheckFlags, X509VerifyFlags};
use openssl::x509::{X509PurposeId, X509StoreContextRef, X509VerifyResult};

use super::error::{ConfigError, reason, text};
use super::peer::Verification;
use super::words;

/// The options of `verify`, which add up.
pub(super) fn mode_named(name: &[u8]) -> Result<SslVerifyMode, ConfigError> {
    Ok(match name {
        b"none" => SslVerifyMode::NONE,
        b"peer" => SslVerifyMode::PEER,
        b"client_once" => SslVerifyMode::from_bits_retain(openssl_sys::SSL_VERIFY_CLIENT_ONCE),
        b"fail_if_no_peer_cert" => SslVerifyMode::FAIL_IF_NO_PEER_CERT,
        _ => return Err(ConfigError::VerifyOption(text(name))),
    })
}

/// What `verifyext` changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extension {
    /// Errors are recorded, and the handshake goes on.
    goes_on: bool,
    /// A client's certificate may be one for servers, and has to be. Errors are recorded as well.
    ignores_purpose: bool,
    /// The leaf has to be looked up in a revocation list.
    checks_leaf: bool,
    /// The whole chain has to be.
    checks_chain: bool,
}

impl Extension {
    /// Adds the option of this name.
    pub(super) fn add(&mut self, name: &[u8]) -> Result<(), ConfigError> {
        let option = match name {
            b"lsec_continue" => &mut self.goes_on,
            b"lsec_ignore_purpose" => &mut self.ignores_purpose,
            b"crl_check" => &mut self.checks_leaf,
            b"crl_check_chain" => &mut self.checks_chain,
            _ => return Err(ConfigError::VerifyOption(text(name))),
        };
        *option = true;
        Ok(())
    }

    /// Has a new connection's peer verified this way.
    pub(super) fn apply(self, ssl: &mut SslRef) -> Result<(), ErrorStack> {
        let parameters = ssl.param_mut();
        if self.checks_leaf || self.checks_chain {
            parameters.set_flags(X509VerifyFlags::CRL_CHECK)?;
        }
        if self.checks_chain {
            parameters.set_flags(X509VerifyFlags::CRL_CHECK_ALL)?;
        }
        if self.ignores_purpose {
            parameters.set_purpose(X509PurposeId::SSL_SERVER)?;
        }
        if self.goes_on || self.ignores_purpose {
            record_errors(ssl, self.goes_on);
        }
        Ok(())
    }

    /// What replaces this when it is set anew: once revocation is checked, it stays so.
    pub(super) fn successor(self) -> Extension {
        Extension {
            goes_on: false,
            ignores_purpose: false,
            ..self
        }
    }
}

/// Reasons by depth, the leaf's first.
type Recorded = Arc<Mutex<Vec<Vec<&'static str>>>>;

static RECORDED: LazyLock<Index<Ssl, Recorded>> =
    LazyLock::new(|| Ssl::new_ex_index().expect("room for one more index"));

fn record_errors(ssl: &mut SslRef, goes_on: bool) {
    let recorded = Recorded::default();
    ssl.set_ex_data(*RECORDED, Arc::clone(&recorded));
    ssl.set_verify_callback(ssl.verify_mode(), move |is_good, certificates| {
        if !is_good {
            record(&recorded, certificates);
        }
        is_good || goes_on
    });
}

fn record(recorded: &Recorded, certificates: &X509StoreContextRef) {
    let depth = usize::try_from(certificates.error_depth()).unwrap_or_default();
    let why = words::verification(certificates.error());
    let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
    if recorded.len() <= depth {
        recorded.resize_with(depth + 1, Vec::new);
    }
    // A second handshake on the connection would find the same.
    if !recorded[depth].contains(&why) {
        recorded[depth].push(why);
    }
}

/// What verifying the peer's certificates came to, whether or not the context asks for it.
pub(super) fn outcome(ssl: &SslRef) -> Verification {
    let recorded = ssl.ex_data(*RECORDED).map(|recorded| {
        let recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.clone()
    });
    match (recorded, ssl.verify_result()) {
        (Some(recorded), _) if !recorded.is_empty() => Verification::Listed(recorded),
        (_, X509VerifyResult::OK) => Verification::Passed,
        // A resumed session knows only the last reason.
        (Some(_), result) => Verification::Listed(vec![vec![words::verification(result)]]),
        (None, result) => Verification::Failed(words::verification(result)),
    }
}

/// Why something is not verified as a name.
const NO_NAME: &str = "this is no name";

/// Why a name is not verified where every certificate passes.
const LETS_ALL_PASS: &str = "lsec_continue lets any other name pass, too";

/// Refuses to verify a name where that would have no consequence.
pub(super) fn check_consequence(
    extension: Extension,
    check: Option<&HostCheck>,
) -> Result<(), ConfigError> {
    if extension.goes_on && check.is_some() {
        return Err(ConfigError::VerifyHost(LETS_ALL_PASS));
    }
    Ok(())
}

/// To OpenSSL, a name with a dot in front stands for all below it.
fn is_pattern(name: &str) -> bool {
    name.starts_with('.')
}

/// Which name a server's certificate has to be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostCheck {
    /// The one that the client asks for in the handshake (SNI).
    Asked,
    /// This one, or this internet address.
    Name(String),
}

impl HostCheck {
    /// Refuses what cannot be a name.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match self {
            HostCheck::Name(name) if name.is_empty() || name.contains('\0') || is_pattern(name) => {
                Err(ConfigError::VerifyHost(NO_NAME))
            }
            _ => Ok(()),
        }
    }

    /// Has the certificate of the server verified to be for the name.
    ///
    /// # Errors
    ///
    /// If there is no such name: then nothing could be verified, and there must be no handshake.
    pub(super) fn apply(&self, ssl: &mut SslRef) -> Result<(), ConfigError> {
        let name = match self {
            HostCheck::Name(name) => name.clone(),
            HostCheck::Asked => ssl
                .servername(NameType::HOST_NAME)
                .unwrap_or_default()
                .to_owned(),
        };
        // OpenSSL takes an empty name for leave to accept every one.
        if name.is_empty() {
            return Err(ConfigError::VerifyHost("there is no name: sni() sets it"));
        }
        if is_pattern(&name) {
            return Err(ConfigError::VerifyHost(NO_NAME));
        }
        let parameters = ssl.param_mut();
        let set = match name.parse::<IpAddr>() {
            Ok(address) => parameters.set_ip(address),
            Err(_) => {
                // The subject's common name need not be a host's (RFC 9525, section 2).
                parameters.set_hostflags(
                    X509CheckFlags::NO_PARTIAL_WILDCARDS | X509CheckFlags::NEVER_CHECK_SUBJECT,
                );
                parameters.set_host(&name)
            }
        };
        set.map_err(|stack| ConfigError::Library(reason(&stack)))
    }
}

#[cfg(test)]
mod tests;
