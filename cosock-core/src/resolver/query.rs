//! What can be asked of the name databases, and the answers.

use std::net::SocketAddr;

use crate::netdb::{self, Hints, HostEntry, LookupError, NameInfo};

/// A question to the name databases.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// [`netdb::addresses`].
    Addresses {
        /// Host name or literal.
        host: Vec<u8>,
        /// Service name or port; empty for port 0.
        service: Vec<u8>,
        /// What kind of addresses.
        hints: Hints,
    },
    /// [`netdb::host_entry`].
    HostEntry {
        /// Host name or IPv4 literal.
        host: Vec<u8>,
    },
    /// [`netdb::name_info`].
    NameInfo {
        /// Host name or literal.
        host: Option<Vec<u8>>,
        /// Service name or port.
        service: Option<Vec<u8>>,
    },
}

/// The answer to the [`Query`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Query::Addresses`]; at least one.
    Addresses(Result<Vec<SocketAddr>, LookupError>),
    /// To [`Query::HostEntry`].
    HostEntry(Result<HostEntry, LookupError>),
    /// To [`Query::NameInfo`].
    NameInfo(Result<NameInfo, LookupError>),
}

impl Query {
    /// Looks the answer up on the calling thread; may block for as long as name servers take.
    pub fn answer_now(&self) -> Answer {
        match self {
            Self::Addresses {
                host,
                service,
                hints,
            } => Answer::Addresses(netdb::addresses(host, service, *hints)),
            Self::HostEntry { host } => Answer::HostEntry(netdb::host_entry(host)),
            Self::NameInfo { host, service } => {
                Answer::NameInfo(netdb::name_info(host.as_deref(), service.as_deref()))
            }
        }
    }

    /// The answer, if it takes no look-up ([`netdb::numeric`]).
    pub fn answer_inline(&self) -> Option<Answer> {
        match self {
            Self::Addresses {
                host,
                service,
                hints,
            } => netdb::numeric(host, service, *hints).map(Answer::Addresses),
            Self::HostEntry { .. } | Self::NameInfo { .. } => None,
        }
    }

    /// The answer where the look-up itself broke.
    pub(super) fn failed(&self) -> Answer {
        let error = LookupError::FAILED;
        match self {
            Self::Addresses { .. } => Answer::Addresses(Err(error)),
            Self::HostEntry { .. } => Answer::HostEntry(Err(error)),
            Self::NameInfo { .. } => Answer::NameInfo(Err(error)),
        }
    }
}
