//! `cosock.ssl`: TLS in LuaSec's shape.

pub(crate) mod certificate;
pub(crate) mod context;

use cosock_core::socket::Tcp;
use cosock_core::tls::Certificate;
use cosock_core::tls::context::SharedContext;

use crate::ffi::Class;

/// The inner object of a TLS object: a TCP socket whose stream is encrypted.
// SAFETY: a number of its own, as in `runtime`.
pub(crate) const TLS: Class<Tcp> = unsafe { Class::new(3) };
/// What `newcontext` returns.
// SAFETY: as above.
pub(crate) const CONTEXT: Class<SharedContext> = unsafe { Class::new(4) };
/// A certificate.
// SAFETY: as above.
pub(crate) const CERTIFICATE: Class<Certificate> = unsafe { Class::new(5) };
