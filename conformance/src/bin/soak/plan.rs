//! What the clients of a run may do, and the choices among it.

use std::time::Duration;

use crate::request::{Service, Spec};
use crate::rng::Rng;

/// Fixed for a run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) connections: usize,
    /// Mean pause between the rounds of one connection.
    pub(crate) pace: Duration,
    /// Longest time for which a client stops reading, or writing within a request.
    pub(crate) stall: Duration,
    /// Bytes of the largest request.
    pub(crate) largest: usize,
    /// Whether clients may stop reading while they ask for much.
    pub(crate) deaf: bool,
    /// More of everything than usual.
    pub(crate) haste: bool,
    /// Percentage of the clients that read in sips.
    pub(crate) sipping: usize,
    /// How long a server may take for its next byte.
    pub(crate) patience: Duration,
}

/// How a round of requests is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// One request in one piece.
    Plain,
    /// Several requests without waiting for answers.
    Burst,
    /// A small request, one byte per write.
    Dribble,
    /// A request with a pause somewhere inside.
    Pause,
    /// Large requests, while nothing is read for a while.
    Deaf,
    /// Nothing at all for some time.
    Idle,
    /// The last round: requests, perhaps the last one cut, then a half-close.
    HalfClose,
    /// The last round: garbage that the service must refuse.
    Garbage,
}

/// How a connection ends without a last round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Everything is answered; close.
    Close,
    /// Close at any moment, whatever is on its way.
    Abrupt,
    /// Reset at any moment.
    Reset,
}

/// What a connection does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Round(Act),
    End(Cut),
}

impl Plan {
    /// Chooses the next step of a connection, the last one if it is `last`; it may go `deaf`.
    pub(crate) fn step(&self, rng: &mut Rng, service: Service, last: bool, deaf: bool) -> Step {
        const ENDING_PERCENT: usize = 6;
        if last || rng.percent(ENDING_PERCENT) {
            return match rng.within(0..=9) {
                0..=2 => Step::End(Cut::Reset),
                3 => Step::End(Cut::Abrupt),
                4..=5 => Step::End(Cut::Close),
                6 if service == Service::Count => Step::Round(Act::Garbage),
                _ => Step::Round(Act::HalfClose),
            };
        }
        Step::Round(match rng.within(0..=99) {
            0..=44 => Act::Plain,
            45..=59 => Act::Burst,
            60..=69 => Act::Dribble,
            70..=84 => Act::Pause,
            85..=91 => Act::Idle,
            _ if deaf => Act::Deaf,
            _ => Act::Plain,
        })
    }

    /// Clients that may be deaf at a time: each can fill the kernel's buffers on both sides.
    pub(crate) fn most_deaf(&self) -> usize {
        let usual = if self.deaf {
            (self.connections / 250).max(2)
        } else {
            0
        };
        if self.haste { usual * 4 } else { usual }
    }

    /// A request for `act`; most are short, few are as large as allowed.
    pub(crate) fn spec(&self, rng: &mut Rng, act: Act) -> Spec {
        let size = match (act, rng.within(0..=99)) {
            (Act::Dribble, _) => rng.within(1..=40),
            (Act::Deaf, _) => rng.within(1..=self.largest.max(1)),
            (_, 0..=69) => rng.within(1..=100),
            (_, 70..=89) => rng.within(1..=2 * 1024),
            (_, 90..=97) => rng.within(1..=16 * 1024),
            _ => rng.within(1..=self.largest.max(1)),
        };
        Spec {
            size: size.min(self.largest),
            binary: rng.percent(25),
        }
    }

    /// A pause between rounds: within half and one and a half of the pace.
    pub(crate) fn think(&self, rng: &mut Rng) -> Duration {
        let pace = if self.haste { self.pace / 2 } else { self.pace };
        pace * rng.within(50..=150) as u32 / 100
    }

    /// The length of a stall: from a tenth of the longest.
    pub(crate) fn stall(&self, rng: &mut Rng) -> Duration {
        self.stall * rng.within(10..=100) as u32 / 100
    }
}

/// A time between `from` and `to` milliseconds.
pub(crate) fn millis(rng: &mut Rng, from: usize, to: usize) -> Duration {
    Duration::from_millis(rng.within(from..=to) as u64)
}
