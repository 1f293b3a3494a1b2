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
