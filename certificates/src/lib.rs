//! Certificates and keys for tests. They are made when a test asks for them, so that none of them
//! can run out while it lies in the repository.
//!
//! [`directory`] is how tests get all of them, as files; [`files`] says which there are. By hand:
//! `cargo run -p certificates --features tls -- DIRECTORY`.

#![cfg(feature = "tls")]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, fs, process};

mod authority;
pub mod files;

pub use authority::{Authority, Identity, KeyType, Request, Usage, Validity};

/// The variable by which scripts learn where the files are.
pub const VARIABLE: &str = "COSOCK_TEST_CERTS";

/// The directory with everything that [`files`] names: made once in each process, beside its program.
///
/// # Panics
///
/// If the files cannot be made.
pub fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let program = env::current_exe().expect("a process knows its program");
        // Not the name of this crate's own program, which cargo puts in the same place.
        let all = program.with_file_name("certificates-by-process");
        remove_abandoned(&all);
        let own = all.join(process::id().to_string());
        files::write(&own);
        own
    })
}

/// Removes what processes have left that are no more, where `/proc` tells.
fn remove_abandoned(all: &Path) {
    if !Path::new("/proc/self").exists() {
        return;
    }
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        let process = Path::new("/proc").join(entry.file_name());
        if !process.exists() {
            // Another process may be doing the same.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
