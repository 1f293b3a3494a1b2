//! TLS over a TCP stream, in LuaSec's shape, with OpenSSL underneath.
//!
//! A [`Context`] is made once from a [`Config`](context::Config); a session is one connection's state, and
//! lives in its [`TcpSocket`](crate::socket::TcpSocket), whose reads and writes go through it.

pub mod certificate;
pub mod context;
mod ffi;
mod hello;
mod peer;
pub(crate) mod session;
pub(crate) mod wire;
mod words;

pub use certificate::Certificate;
pub use context::Context;
pub use hello::{NamedContext, Question, ServerAlpn, ServerNames};
pub use peer::{CipherInfo, Verification};
pub use session::Session;
