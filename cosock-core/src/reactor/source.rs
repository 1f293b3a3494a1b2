//! What the reactor knows of one descriptor, and the name by which the system reports its events.

use std::num::NonZeroU32;

use mio::Token;

use super::waiters::{Others, Waiter};

/// What a waiter asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interest {
    /// Data, a connection to accept, or the end of the stream: cosock's `recvr`.
    Read,
    /// Room to write, or the end of a connection attempt: cosock's `sendr`.
    Write,
}

/// Names a registered descriptor; stale once the descriptor is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceId {
    pub(super) index: u32,
    /// Never zero, so that an `Option` of it takes no more room.
    pub(super) generation: NonZeroU32,
}

/// The number by which the system names a source has its place in so many bits, and its generation in the others, but
/// for the highest bit, which is the notifier's.
const PLACE_BITS: u32 = if usize::BITS < 64 { 20 } else { 32 };

/// How many sources there can be.
pub(super) const MOST: usize = usize::MAX >> (usize::BITS - PLACE_BITS);

/// The bits of a generation for which a name has room. Even a few tell a source from those that had its place since the
/// system was last asked.
const GENERATION: u32 = (usize::MAX >> (PLACE_BITS + 1)) as u32;

impl SourceId {
    /// How the system names it.
    pub(super) fn token(self) -> Token {
        Token(((self.generation.get() & GENERATION) as usize) << PLACE_BITS | self.index as usize)
    }
}

/// The source that the system names so, if it is still registered.
#[inline]
pub(super) fn named(sources: &mut [Source], token: Token) -> Option<&mut Source> {
    let generation = token.0 >> PLACE_BITS;
    (sources.get_mut(token.0 & MOST))
        .filter(|source| (source.generation.get() & GENERATION) as usize == generation)
}

/// A registered descriptor: what was noted of its readiness, and who waits for it.
#[derive(Debug)]
pub(super) struct Source {
    /// That of the name under which it is registered, or will be next.
    pub(super) generation: NonZeroU32,
    /// False only when a read drained the descriptor and no edge came since.
    pub(super) maybe_readable: bool,
    pub(super) maybe_writable: bool,
    /// The peer ended its side or sent urgent data, at which a read stops: a short read does not
    /// prove that nothing is left.
    pub(super) behind_short_reads: bool,
    /// Who waits to read, where that is one alone, as it nearly always is: it has room here.
    pub(super) reader: Option<Waiter>,
    /// Whoever else waits.
    pub(super) others: Option<Box<Others>>,
}

impl Source {
    pub(super) fn new() -> Source {
        Source {
            generation: NonZeroU32::MIN,
            maybe_readable: false,
            maybe_writable: false,
            behind_short_reads: false,
            reader: None,
            others: None,
        }
    }

    /// Whether it is the one of this name: the next that has its place has another generation.
    #[inline]
    pub(super) fn is(&self, id: SourceId) -> bool {
        self.generation == id.generation
    }

    /// Notes a read, which was `short` if it got less than it asked for.
    #[inline]
    pub(super) fn has_read(&mut self, short: bool) {
        if short {
            self.maybe_readable = self.behind_short_reads;
        }
    }
}

/// The source of this name, while it is registered.
#[inline]
pub(super) fn live(sources: &mut [Source], id: SourceId) -> Option<&mut Source> {
    sources
        .get_mut(id.index as usize)
        .filter(|source| source.is(id))
}

/// Everything that a source can become ready for; urgent data only to know of it.
pub(super) fn every_interest() -> mio::Interest {
    let interest = mio::Interest::READABLE | mio::Interest::WRITABLE;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let interest = interest | mio::Interest::PRIORITY;
    interest
}
