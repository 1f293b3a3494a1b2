//! What is asked of a socket once, when a task begins to wait for an operation on it.

use super::Lookup;
use crate::error::SocketError;
use crate::reactor::{Reactor, SourceId};
use crate::socket::{Tcp, Udp};

/// What a wait for an operation begins with.
#[derive(Debug)]
pub struct Terms {
    /// The [epoch](crate::socket::Endpoint::epoch) of its socket.
    pub(crate) epoch: u32,
    /// How many seconds the operation may take in all of its waits.
    pub(crate) total_timeout: Option<f64>,
    /// What is to wake the task.
    pub(crate) source: Awaited,
}

impl Terms {
    /// Those of a wait on a stream.
    #[inline(always)]
    pub(crate) fn of_stream(socket: &Tcp, reactor: &mut Reactor) -> Terms {
        let mut socket = socket.borrow_mut();
        Terms {
            epoch: socket.epoch(),
            total_timeout: socket.total_timeout(),
            source: socket.source(reactor).into(),
        }
    }

    /// Those of a wait on a socket of datagrams.
    #[inline(always)]
    pub(crate) fn of_datagrams(socket: &Udp, reactor: &mut Reactor) -> Terms {
        let mut socket = socket.borrow_mut();
        Terms {
            epoch: socket.epoch(),
            total_timeout: socket.total_timeout,
            source: socket.source(reactor).into(),
        }
    }

    /// Those of a wait for a name.
    pub(super) fn of_lookup(lookup: &Lookup) -> Terms {
        Terms {
            epoch: lookup.epoch(),
            total_timeout: lookup.total_timeout(),
            source: Awaited::Nothing,
        }
    }
}

/// What the task of an operation waits on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// A descriptor.
    Source(SourceId),
    /// None.
    Nothing,
    /// A descriptor that cannot be waited on: the operation itself tells why.
    Refused,
}

impl From<Result<SourceId, SocketError>> for Awaited {
    #[inline]
    fn from(source: Result<SourceId, SocketError>) -> Awaited {
        source.map_or(Awaited::Refused, Awaited::Source)
    }
}
