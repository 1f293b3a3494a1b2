//! The one place that reads the clock.

use std::num::NonZeroU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::process;

/// A monotonic point in time: nanoseconds since the clock was made, and one, so that a time which there
/// may be takes no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(NonZeroU64);

impl Time {
    /// When the clock was made.
    pub(crate) const START: Time = Time(NonZeroU64::MIN);

    /// As a number.
    #[inline]
    pub(crate) fn nanoseconds(self) -> u64 {
        self.0.get()
    }

    /// Turns a relative timeout in seconds into a deadline.
    ///
    /// Negative, infinite and unrepresentably large timeouts have none. NaN is refused where
    /// timeouts enter, so it counts as none here.
    #[must_use]
    pub fn after(self, seconds: f64) -> Option<Time> {
        let length = Duration::try_from_secs_f64(seconds).ok()?;
        let nanoseconds = u64::try_from(length.as_nanos()).ok()?;
        self.0.checked_add(nanoseconds).map(Time)
    }

    /// How long this moment comes after an `earlier` one; zero if it comes before.
    #[must_use]
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.get().saturating_sub(earlier.0.get()))
    }
}

/// A monotonic clock that can also date its readings.
#[derive(Debug)]
pub struct Clock {
    /// The system's monotonic clock at the start, in nanoseconds.
    start: u64,
    start_wall: f64,
}

impl Clock {
    /// Starts a clock; its first reading is near zero.
    #[must_use]
    pub fn new() -> Clock {
        Clock {
            start: process::monotonic_nanoseconds(),
            start_wall: wall_seconds(),
        }
    }

    /// Reads the monotonic clock.
    #[must_use]
    pub fn now(&self) -> Time {
        self.time(process::monotonic_nanoseconds())
    }

    /// Reads it to within some milliseconds, never ahead: for dates, not for deadlines.
    #[must_use]
    pub(crate) fn about_now(&self) -> Time {
        self.time(process::about_monotonic_nanoseconds())
    }

    /// The point in time at which the system's clock shows so many nanoseconds.
    fn time(&self, nanoseconds: u64) -> Time {
        Time(NonZeroU64::MIN.saturating_add(nanoseconds.saturating_sub(self.start)))
    }

    /// The wall-clock date of a reading, in seconds since 1970, as it was when the clock started.
    #[must_use]
    pub fn date(&self, time: Time) -> f64 {
        self.start_wall + time.0.get() as f64 / 1e9
    }
}

impl Default for Clock {
    fn default() -> Self {
        Clock::new()
    }
}

/// The wall clock in seconds since 1970, with microsecond resolution, as `socket.gettime` reports.
#[must_use]
pub fn wall_seconds() -> f64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(length) => length.as_micros() as f64 / 1e6,
        Err(before) => -(before.duration().as_micros() as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_without_a_representable_end_have_no_deadline() {
        let now = Clock::new().now();
        for seconds in [-1.0, f64::NEG_INFINITY, f64::INFINITY, 1e300, f64::NAN] {
            assert_eq!(now.after(seconds), None, "{seconds}");
        }
    }

    #[test]
    fn no_time_takes_no_room() {
        assert_eq!(size_of::<Option<Time>>(), size_of::<u64>());
    }

    #[test]
    fn a_deadline_lies_its_length_ahead() {
        let now = Clock::new().now();
        let deadline = now.after(1.5).expect("representable");
        assert_eq!(deadline.since(now), Duration::from_millis(1500));
        assert_eq!(now.since(deadline), Duration::ZERO);
    }
}
