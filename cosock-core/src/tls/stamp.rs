//! Whether what a context was made of is still the same.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds after which a change shows in a file's times, however coarse the clock of its file system.
const SETTLED: i64 = 2;

/// A text that is another one when the file has changed, or, of a directory, when its list has. `None`
/// where that cannot be told: there is none, it has changed so recently that the next change might not show,
/// or it is a pipe.
#[must_use]
pub fn stamp(path: &[u8]) -> Option<String> {
    let file = fs::metadata(OsStr::from_bytes(path)).ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let age = i64::try_from(now.as_secs()).ok()? - file.ctime().max(file.mtime());
    (age >= SETTLED && !file.file_type().is_fifo()).then(|| {
        format!(
            "{} {} {} {}.{} {}.{}",
            file.dev(),
            file.ino(),
            file.size(),
            file.mtime(),
            file.mtime_nsec(),
            file.ctime(),
            file.ctime_nsec()
        )
    })
}

/// What stands for a text that may hold a password, to compare it with others: nothing tells the password of
/// it. `None` where there is no OpenSSL.
#[must_use]
pub fn fingerprint(text: &[u8]) -> Option<[u8; 32]> {
    super::load().ok()?;
    Some(openssl::sha::sha256(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_texts_apart() {
        assert!(fingerprint(b"one").is_some());
        assert_eq!(fingerprint(b"one"), fingerprint(b"one"));
        assert_ne!(fingerprint(b"one"), fingerprint(b"other"));
    }

    #[test]
    fn only_what_has_settled_has_a_stamp_and_keeps_it() {
        let program = std::env::current_exe().expect("a process knows its program");
        let path = program.with_file_name(format!("stamped-{}", std::process::id()));
        let name = path.as_os_str().as_bytes();
        assert_eq!(stamp(name), None, "not there");
        fs::write(&path, "first").expect("written");
        assert_eq!(stamp(name), None, "too young");
        fs::remove_file(&path).expect("removed");
        assert!(stamp(b"/bin/sh").is_some());
        assert_eq!(stamp(b"/bin/sh"), stamp(b"/bin/sh"));
        assert_ne!(stamp(b"/bin/sh"), stamp(b"/"));
    }
}
