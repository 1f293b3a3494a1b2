//! What the harness does to the servers under test; every answer is compared.

pub(crate) mod crowd;
pub(crate) mod datagrams;
pub(crate) mod dialogue;
mod letters;
pub(crate) mod short;
pub(crate) mod stream;
pub(crate) mod wire;

use std::io;
use std::time::Duration;

/// How long nothing may happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A server's answer that is not what it must be.
pub(crate) fn wrong(what: impl Into<String>) -> io::Error {
    io::Error::other(what.into())
}
