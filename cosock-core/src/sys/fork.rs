//! What `fork` does to a process that has threads: the child has only the one that forked, and every
//! lock that another held stays locked there for ever.

use std::ffi::c_int;
#[cfg(test)]
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use crate::process::monotonic_nanoseconds as now;

/// How long after its beginning a look-up is expected to wait for a name server, with no lock held.
const SETTLED: Duration = Duration::from_millis(10);
/// How often those who wait for each other look again.
const GLANCE: Duration = Duration::from_micros(500);

static FORKS: AtomicU64 = AtomicU64::new(0);
/// Threads that are about to fork.
static FORKING: AtomicUsize = AtomicUsize::new(0);
/// Threads that are in a look-up.
static LOOKUPS: AtomicUsize = AtomicUsize::new(0);
/// When the last look-up began, in monotonic nanoseconds.
static LAST_BEGIN: AtomicU64 = AtomicU64::new(0);

unsafe extern "C" {
    fn pthread_atfork(
        prepare: Option<unsafe extern "C" fn()>,
        parent: Option<unsafe extern "C" fn()>,
        child: Option<unsafe extern "C" fn()>,
    ) -> c_int;
}

/// A number that differs between a process and the children it forks, and stays the same within
/// one: what was remembered together with another number belongs to an ancestor, whose threads do
/// not exist here. Counts from the first call on, which therefore comes before the fork that
/// matters. `vfork` and `posix_spawn` do not count.
pub(crate) fn fork_count() -> u64 {
    static WATCHED: OnceLock<bool> = OnceLock::new();
    // SAFETY: the handlers are static functions that touch atomics and the clock only and sleep,
    // all of which is allowed in the child of a process with threads, and in a signal handler that
    // forks; they stay mapped as long as this code does.
    let watched = WATCHED.get_or_init(|| unsafe {
        pthread_atfork(Some(before_fork), Some(after_fork_in_parent), Some(after_fork_in_child))
    } == 0);
    // Without memory for a handler, ask the kernel each time.
    if *watched {
        FORKS.load(SeqCst)
    } else {
        u64::from(std::process::id())
    }
}

/// Runs a look-up on a thread that is not the owner's.
///
/// glibc reads the resolver's configuration under a lock that it does not reset in a child: forked
/// at that moment, the child could never look up a name. So a fork waits until running look-ups
/// have had time to come to their waiting for the network, and a look-up begins after the fork. A
/// fork in the short moments when an answer is taken in remains a risk.
pub(crate) fn during_lookup<T>(look_up: impl FnOnce() -> T) -> T {
    loop {
        // While it waits it must not look like one that has just begun: the fork would wait for it, and it for the fork,
        // as long as any other look-up takes.
        while FORKING.load(SeqCst) > 0 {
            thread::sleep(GLANCE);
        }
        LOOKUPS.fetch_add(1, SeqCst);
        LAST_BEGIN.store(now(), SeqCst);
        // In this order: a fork that is not seen here sees this look-up.
        if FORKING.load(SeqCst) == 0 {
            break;
        }
        LOOKUPS.fetch_sub(1, SeqCst);
    }
    let answer = look_up();
    LOOKUPS.fetch_sub(1, SeqCst);
    answer
}

extern "C" fn before_fork() {
    FORKING.fetch_add(1, SeqCst);
    let settled = SETTLED.as_nanos() as u64;
    while LOOKUPS.load(SeqCst) > 0 && now().saturating_sub(LAST_BEGIN.load(SeqCst)) < settled {
        thread::sleep(GLANCE);
    }
}

extern "C" fn after_fork_in_parent() {
    FORKING.fetch_sub(1, SeqCst);
}

extern "C" fn after_fork_in_child() {
    // Whoever was looking up or forking on another thread is not here.
    FORKING.store(0, SeqCst);
    LOOKUPS.store(0, SeqCst);
    FORKS.fetch_add(1, SeqCst);
}

/// Runs `check` in a forked child and tells whether it returned true there.
///
/// Only the forking thread exists in the child; `check` must not print nor depend on others.
#[cfg(test)]
pub(crate) fn in_forked_child(check: impl FnOnce() -> bool) -> bool {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    // SAFETY: the child runs `check` alone and leaves by `_exit`, so no destructor or exit handler
    // of the parent runs twice; `alarm` ends it if it hangs; `waitpid` writes a local integer.
    unsafe {
        match libc::fork() {
            -1 => panic!("fork: {}", io::Error::last_os_error()),
            0 => {
                libc::alarm(60);
                let passed = catch_unwind(AssertUnwindSafe(check)).unwrap_or(false);
                libc::_exit(if passed { 0 } else { 1 })
            }
            child => {
                let mut status = 0;
                assert_eq!(libc::waitpid(child, &mut status, 0), child);
                libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Instant;

    #[test]
    fn fork_count_differs_in_a_child_only() {
        let before = fork_count();
        assert!(in_forked_child(|| fork_count() != before));
        assert!(in_forked_child(|| {
            let child = fork_count();
            in_forked_child(|| fork_count() != child && fork_count() != before)
        }));
        assert_eq!(fork_count(), before);
    }

    #[test]
    fn a_fork_lets_a_lookup_come_to_its_waiting_first() {
        fork_count();
        let (begun, wait_begun) = mpsc::channel();
        let (end, wait_end) = mpsc::channel::<()>();
        let before = Instant::now();
        let lookup = thread::spawn(move || {
            during_lookup(|| {
                begun.send(()).unwrap();
                wait_end.recv_timeout(Duration::from_secs(30)).unwrap();
            });
        });
        wait_begun.recv_timeout(Duration::from_secs(30)).unwrap();
        // The child sees no look-up, so another fork there does not wait for one.
        assert!(in_forked_child(
            || LOOKUPS.load(SeqCst) == 0 && FORKING.load(SeqCst) == 0
        ));
        assert!(before.elapsed() >= SETTLED);
        // Once begun, it does not hold up a fork, nor a fork it.
        assert!(in_forked_child(|| during_lookup(|| true)));
        end.send(()).unwrap();
        lookup.join().unwrap();
    }

    #[test]
    fn a_lookup_that_waits_for_a_fork_does_not_hold_it_up() {
        fork_count();
        let (begun, wait_begun) = mpsc::channel();
        let (end, wait_end) = mpsc::channel::<()>();
        let (forked, wait_forked) = mpsc::channel();
        let long = thread::spawn(move || {
            during_lookup(|| {
                begun.send(()).unwrap();
                wait_end.recv_timeout(Duration::from_secs(30)).unwrap();
            });
        });
        wait_begun.recv_timeout(Duration::from_secs(30)).unwrap();
        // A fork that takes as long as this test wants, and another.
        FORKING.fetch_add(1, SeqCst);
        let waiting = thread::spawn(|| during_lookup(|| ()));
        thread::sleep(2 * SETTLED);
        let fork = thread::spawn(move || {
            before_fork();
            forked.send(()).unwrap();
        });
        let result = wait_forked.recv_timeout(Duration::from_secs(10));
        end.send(()).unwrap();
        fork.join().unwrap();
        after_fork_in_parent();
        after_fork_in_parent();
        waiting.join().unwrap();
        long.join().unwrap();
        assert_eq!(result, Ok(()));
    }
}
