//! Certificates, read as LuaSec presents them.

use openssl::x509::X509;

/// One certificate of a peer, or read from PEM.
#[derive(Clone)]
pub struct Certificate {
    pub(crate) x509: X509,
}
