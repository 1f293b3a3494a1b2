//! What passes between the event loop and its connections.

use std::time::Instant;

use crate::plan::Plan;
use crate::tally::Tally;

/// What every step of a connection may use.
pub(crate) struct Context<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) tally: &'a mut Tally,
    pub(crate) scratch: &'a mut [u8],
    pub(crate) now: Instant,
    /// The run ends: each connection's next round is its last.
    pub(crate) draining: bool,
}

/// Whether a connection goes on; dropping the peer closes it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Stay,
    Ended,
    Failed(String),
}
