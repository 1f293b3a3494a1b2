//! Certificates, read as LuaSec presents them.

use openssl::x509::X509;

/// One certificate of a peer, or read from PEM.
#[derive(Clone)]
pub struct Certificate {
    pub(crate) x509: X509,
}

impl Certificate {
    /// A certificate of OpenSSL's.
    pub(crate) fn new(x509: X509) -> Certificate {
        Certificate { x509 }
    }
}
