//! What concerns the process as a whole.

use std::mem::MaybeUninit;
use std::ptr;

/// Has writes to a closed pipe or socket fail with `EPIPE` instead of ending the process: `sigaction(2)`.
/// A handler that somebody has set stays.
pub fn ignore_sigpipe() {
    let mut known = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: the first call only writes to `known`, which is ours and valid as zeros, too. SIG_IGN runs no
    // code, and takes the place of SIG_DFL alone: `signal(2)` would put a handler back without its flags, and
    // one that expects a `siginfo_t` would be called without.
    unsafe {
        let told = libc::sigaction(libc::SIGPIPE, ptr::null(), known.as_mut_ptr());
        if told == 0 && known.assume_init().sa_sigaction == libc::SIG_DFL {
            libc::signal(libc::SIGPIPE, libc::SIG_IGN);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::in_forked_child;
    use std::ffi::{c_int, c_void};

    /// Who handles SIGPIPE, and with which flags.
    fn handling() -> (usize, c_int) {
        let mut known = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: the call writes to `known`, and changes nothing.
        let known = unsafe {
            assert_eq!(
                libc::sigaction(libc::SIGPIPE, ptr::null(), known.as_mut_ptr()),
                0
            );
            known.assume_init()
        };
        (known.sa_sigaction, known.sa_flags)
    }

    #[test]
    fn sigpipe_is_ignored_where_nobody_handles_it() {
        assert!(in_forked_child(|| {
            // SAFETY: no code runs at either.
            unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
            ignore_sigpipe();
            handling().0 == libc::SIG_IGN
        }));
    }

    #[test]
    fn a_handler_of_sigpipe_stays_as_it_was_set() {
        extern "C" fn handler(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {}
        assert!(in_forked_child(|| {
            let mut own = MaybeUninit::<libc::sigaction>::zeroed();
            // SAFETY: zeros are valid, and with these flags the handler is one of three arguments.
            unsafe {
                let own = own.assume_init_mut();
                own.sa_sigaction = handler as *const () as usize;
                own.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
                assert_eq!(libc::sigaction(libc::SIGPIPE, own, ptr::null_mut()), 0);
            }
            let before = handling();
            ignore_sigpipe();
            before.1 & libc::SA_SIGINFO != 0 && handling() == before
        }));
    }
}
