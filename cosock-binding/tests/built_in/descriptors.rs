//! Counting descriptors, for tests that see whether any stays open.

use std::path::Path;
use std::sync::{Mutex, MutexGuard};

/// The open descriptors of the process.
pub(crate) fn descriptors() -> usize {
    let directory = Path::new("/proc/self/fd");
    directory.read_dir().expect("the process has them").count()
}

static ALONE: Mutex<()> = Mutex::new(());

/// Each test counts descriptors, so they run one after the other.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
