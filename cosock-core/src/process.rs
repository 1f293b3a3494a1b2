//! What concerns the process as a whole.

/// Has writes to a closed pipe or socket fail with `EPIPE` instead of ending the process:
/// `signal(2)`. A handler that somebody has set stays.
pub fn ignore_sigpipe() {
    // SAFETY: both calls only read or set the disposition of one signal; SIG_IGN runs no code.
    unsafe {
        let before = libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        if before != libc::SIG_DFL && before != libc::SIG_IGN && before != libc::SIG_ERR {
            libc::signal(libc::SIGPIPE, before);
        }
    }
}

/// What [`about_monotonic_nanoseconds`] reads: on Linux the time of the last tick, at a third of the
/// cost.
#[cfg(target_os = "linux")]
const ABOUT: libc::clockid_t = libc::CLOCK_MONOTONIC_COARSE;
#[cfg(not(target_os = "linux"))]
const ABOUT: libc::clockid_t = libc::CLOCK_MONOTONIC;

/// The system's monotonic clock: `clock_gettime(2)`.
pub(crate) fn monotonic_nanoseconds() -> u64 {
    read_clock(libc::CLOCK_MONOTONIC)
}

/// The same to within some milliseconds, never ahead.
pub(crate) fn about_monotonic_nanoseconds() -> u64 {
    read_clock(ABOUT)
}

fn read_clock(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the call writes to `time`, which is ours, and fails only for an unknown clock.
    unsafe {
        libc::clock_gettime(clock, &mut time);
    }
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
