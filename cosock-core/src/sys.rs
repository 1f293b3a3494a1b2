//! Calls into the C library that no safe crate offers, each wrapped so that its callers need no
//! unsafe code: raw socket options, the signal mask of new threads, what forking does to threads,
//! and the old host table functions.

mod fork;
mod host_table;

#[cfg(test)]
pub(crate) use fork::in_forked_child;
pub(crate) use fork::{during_lookup, fork_count};
pub(crate) use host_table::{host_by_address, host_by_name};

use std::ffi::{CStr, c_char, c_int};
use std::io;
use std::mem::{self, MaybeUninit};
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

/// A type that `getsockopt` and `setsockopt` exchange with the kernel byte by byte.
///
/// # Safety
///
/// The type must be plain C data without padding for which every bit pattern is valid.
pub(crate) unsafe trait RawOption: Copy {}

// SAFETY: an integer.
unsafe impl RawOption for c_int {}
// SAFETY: a C structure of two ints, with nothing between them.
unsafe impl RawOption for libc::linger {}

/// Sets a socket option (`setsockopt`).
pub(crate) fn set_option<T: RawOption>(
    fd: BorrowedFd<'_>,
    level: c_int,
    name: c_int,
    value: T,
) -> io::Result<()> {
    // SAFETY: the kernel only reads `size_of::<T>()` bytes of `value`, which is alive and, being a
    // `RawOption`, initialised throughout; the descriptor is borrowed, hence open.
    let status = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            mem::size_of::<T>() as libc::socklen_t,
        )
    };
    if status == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Reads a socket option (`getsockopt`).
pub(crate) fn get_option<T: RawOption>(
    fd: BorrowedFd<'_>,
    level: c_int,
    name: c_int,
) -> io::Result<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    let mut length = mem::size_of::<T>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, the size of `value`, and its real count
    // into `length`; both are alive and exclusively ours; the descriptor is borrowed, hence open.
    let status = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            level,
            name,
            value.as_mut_ptr().cast(),
            &mut length,
        )
    };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroed before the call, so initialised even if the kernel wrote less; every bit
    // pattern of a `RawOption` is valid.
    Ok(unsafe { value.assume_init() })
}

/// Runs `start` with every signal blocked in the calling thread, so that threads started by it are
/// born deaf: the interpreter's handlers (Ctrl-C) must only ever run on its own thread.
pub(crate) fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    /// Puts the caller's mask back, also when `start` unwinds.
    struct Restore(libc::sigset_t);
    impl Drop for Restore {
        fn drop(&mut self) {
            // SAFETY: the set was filled in by `pthread_sigmask`; null says that the mask being
            // replaced is not wanted.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, ptr::null_mut()) };
        }
    }

    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: `sigfillset` initialises `all` before `pthread_sigmask` reads it, and both write to
    // live local memory of the right type. The only error, an unknown `how`, cannot occur, so
    // `before` holds the old mask afterwards.
    let _restore = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        Restore(before.assume_init())
    };
    start()
}

/// What the C library calls a `getaddrinfo` error code (`gai_strerror`).
pub(crate) fn resolver_text(code: c_int) -> String {
    // SAFETY: returns a pointer to a constant, NUL-terminated text for every code.
    let text = unsafe { CStr::from_ptr(libc::gai_strerror(code)) };
    text.to_string_lossy().into_owned()
}

/// Reads an IPv4 address as the C library does (`inet_aton`): also `127.1`, hexadecimal and octal
/// parts, and trailing text after white space.
pub(crate) fn ipv4_from_text(text: &CStr) -> Option<Ipv4Addr> {
    unsafe extern "C" {
        fn inet_aton(text: *const c_char, address: *mut libc::in_addr) -> c_int;
    }
    let mut address = libc::in_addr { s_addr: 0 };
    // SAFETY: reads a NUL-terminated text and writes one `in_addr`; both outlive the call.
    let accepted = unsafe { inet_aton(text.as_ptr(), &mut address) } != 0;
    accepted.then(|| Ipv4Addr::from(address.s_addr.to_ne_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// The signals that the calling thread blocks, signal 1 in the lowest bit.
    #[cfg(target_os = "linux")]
    fn blocked_signals() -> u64 {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("SigBlk:"))
            .unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn threads_started_inside_block_signals_and_the_starter_does_not() {
        let handled = [
            libc::SIGINT,
            libc::SIGTERM,
            libc::SIGALRM,
            libc::SIGCHLD,
            libc::SIGUSR1,
        ];
        let wanted = handled
            .iter()
            .fold(0_u64, |mask, signal| mask | 1 << (signal - 1));
        let before = blocked_signals();
        let started = with_signals_blocked(|| std::thread::spawn(blocked_signals));
        assert_eq!(blocked_signals(), before);
        assert_ne!(before & wanted, wanted);
        assert_eq!(started.join().unwrap() & wanted, wanted);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_mask_is_restored_when_the_closure_panics() {
        let before = blocked_signals();
        let mut inside = before;
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            with_signals_blocked(|| {
                inside = blocked_signals();
                std::panic::resume_unwind(Box::new(()))
            })
        }));
        assert!(result.is_err());
        assert_ne!(inside, before);
        assert_eq!(blocked_signals(), before);
    }

    #[rstest]
    #[case(c"127.0.0.1", Some([127, 0, 0, 1]))]
    #[case(c"127.1", Some([127, 0, 0, 1]))]
    #[case(c"0x7f.1", Some([127, 0, 0, 1]))]
    #[case(c"010.0.0.1", Some([8, 0, 0, 1]))]
    #[case(c"5", Some([0, 0, 0, 5]))]
    #[cfg_attr(not(target_env = "musl"), case(c"127.0.0.1 and more", Some([127, 0, 0, 1])))]
    #[case(c"127.0.0.1x", None)]
    #[case(c"256.0.0.1", None)]
    #[case(c"", None)]
    #[case(c"::1", None)]
    fn ipv4_texts_read_as_inet_aton_reads_them(
        #[case] text: &CStr,
        #[case] expected: Option<[u8; 4]>,
    ) {
        assert_eq!(ipv4_from_text(text), expected.map(Ipv4Addr::from));
    }
}
