//! Why look-ups fail, in LuaSocket's words.

use std::fmt;
use std::io;

use crate::error::io_text;
use crate::sys;

/// Why a look-up failed; prints LuaSocket's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LookupError {
    /// A code of `getaddrinfo` (`EAI_...`).
    AddrInfo(i32),
    /// A code of the host table functions (`h_errno`): 1 to 4.
    HostEntry(i32),
    /// An errno value: the system failed, not the look-up.
    System(i32),
}

impl LookupError {
    /// The host or the service is unknown, or is text that cannot be a name.
    pub const NO_NAME: Self = Self::AddrInfo(libc::EAI_NONAME);
    /// The host is unknown to the host tables, or is text that cannot be a name.
    pub const NO_HOST: Self = Self::HostEntry(1);
    /// The service is unknown for this kind of socket.
    pub const NO_SERVICE: Self = Self::AddrInfo(libc::EAI_SERVICE);
    /// The look-up failed for good.
    pub const FAILED: Self = Self::AddrInfo(libc::EAI_FAIL);

    /// The C library's own words, which LuaSocket uses in `sendto`.
    pub fn resolver_text(&self) -> String {
        match self {
            Self::AddrInfo(code) => sys::resolver_text(*code),
            Self::System(_) => sys::resolver_text(libc::EAI_SYSTEM),
            Self::HostEntry(_) => self.to_string(),
        }
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match *self {
            Self::AddrInfo(libc::EAI_AGAIN) => "temporary failure in name resolution",
            Self::AddrInfo(libc::EAI_BADFLAGS) => "invalid value for ai_flags",
            Self::AddrInfo(libc::EAI_FAIL) => "non-recoverable failure in name resolution",
            Self::AddrInfo(libc::EAI_FAMILY) => "ai_family not supported",
            Self::AddrInfo(libc::EAI_MEMORY) => "memory allocation failure",
            Self::AddrInfo(libc::EAI_NONAME) => "host or service not provided, or not known",
            Self::AddrInfo(libc::EAI_OVERFLOW) => "argument buffer overflow",
            Self::AddrInfo(libc::EAI_SERVICE) => "service not supported for socket type",
            Self::AddrInfo(libc::EAI_SOCKTYPE) => "ai_socktype not supported",
            Self::AddrInfo(code) => return f.write_str(&sys::resolver_text(code)),
            Self::HostEntry(1) => "host not found",
            Self::HostEntry(2) => "Host name lookup failure",
            Self::HostEntry(3) => "Unknown server error",
            Self::HostEntry(4) => "No address associated with name",
            Self::HostEntry(_) => "Unknown resolver error",
            Self::System(errno) => {
                return f.write_str(&io_text(&io::Error::from_raw_os_error(errno)));
            }
        };
        f.write_str(words)
    }
}

impl std::error::Error for LookupError {}

impl From<dns_lookup::LookupError> for LookupError {
    fn from(error: dns_lookup::LookupError) -> Self {
        let code = error.error_num();
        if code != 0 && code != libc::EAI_SYSTEM {
            return Self::AddrInfo(code);
        }
        // No code means that the arguments or the answer were not text, unless errno says more.
        io::Error::from(error)
            .raw_os_error()
            .map_or(Self::NO_NAME, Self::System)
    }
}
