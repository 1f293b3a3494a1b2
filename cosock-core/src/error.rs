//! Every way a socket operation fails, and the word LuaSocket has for it.

use std::borrow::Cow;
use std::io;

use crate::netdb::LookupError;

/// Why an operation did not succeed.
#[derive(Debug)]
#[non_exhaustive]
pub enum SocketError {
    /// The peer closed or reset the connection, or the socket was closed on this side.
    Closed,
    /// The deadline passed first.
    Timeout,
    /// The system refused.
    Io(io::Error),
    /// A name could not be resolved.
    Lookup(LookupError),
    /// A fixed text of LuaSocket's that belongs to no system error.
    Text(&'static str),
    /// TLS failed, for this reason.
    Tls(Cow<'static, str>),
}

impl SocketError {
    /// The operation needs a descriptor and the socket has none.
    #[must_use]
    pub(crate) fn no_descriptor() -> SocketError {
        SocketError::Io(io::Error::from_raw_os_error(libc::EBADF))
    }

    /// There is no room for what a peer sends: Lua's words for it.
    #[must_use]
    pub fn no_memory() -> SocketError {
        SocketError::Text("not enough memory")
    }

    /// LuaSocket's word for this error.
    #[must_use]
    pub fn word(&self) -> Cow<'static, str> {
        match self {
            SocketError::Closed => "closed".into(),
            SocketError::Timeout => "timeout".into(),
            SocketError::Io(error) => io_word(error),
            SocketError::Lookup(error) => error.to_string().into(),
            SocketError::Text(text) => (*text).into(),
            SocketError::Tls(reason) => reason.clone(),
        }
    }
}

impl From<io::Error> for SocketError {
    fn from(error: io::Error) -> Self {
        SocketError::Io(error)
    }
}

impl From<rustix::io::Errno> for SocketError {
    fn from(errno: rustix::io::Errno) -> Self {
        SocketError::Io(errno.into())
    }
}

impl From<LookupError> for SocketError {
    fn from(error: LookupError) -> Self {
        SocketError::Lookup(error)
    }
}

/// LuaSocket's word for a system error: some have its own, the rest the C library's.
#[must_use]
pub fn io_word(error: &io::Error) -> Cow<'static, str> {
    let Some(code) = error.raw_os_error() else {
        return error.to_string().into();
    };
    match code {
        libc::EADDRINUSE => "address already in use".into(),
        libc::EISCONN => "already connected".into(),
        libc::EACCES => "permission denied".into(),
        libc::ECONNREFUSED => "connection refused".into(),
        libc::ECONNABORTED | libc::ECONNRESET => "closed".into(),
        libc::ETIMEDOUT => "timeout".into(),
        _ => io_text(error).into(),
    }
}

/// The C library's text for a system error.
pub(crate) fn io_text(error: &io::Error) -> String {
    // std appends " (os error N)" to it.
    let mut text = error.to_string();
    if let Some(end) = text.rfind(" (os error ") {
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(libc::EADDRINUSE, "address already in use")]
    #[case(libc::EISCONN, "already connected")]
    #[case(libc::EACCES, "permission denied")]
    #[case(libc::ECONNREFUSED, "connection refused")]
    #[case(libc::ECONNRESET, "closed")]
    #[case(libc::ECONNABORTED, "closed")]
    #[case(libc::ETIMEDOUT, "timeout")]
    #[case(libc::EBADF, "Bad file descriptor")]
    #[case(libc::EADDRNOTAVAIL, "Cannot assign requested address")]
    #[case(libc::EMFILE, "Too many open files")]
    fn system_errors_have_luasockets_words(#[case] code: i32, #[case] word: &str) {
        assert_eq!(
            SocketError::Io(io::Error::from_raw_os_error(code)).word(),
            word
        );
    }
}
