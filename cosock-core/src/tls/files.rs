//! Files that configurations name, read so that none holds the program up for long.

use std::ffi::{CString, OsStr};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::error::Cause;

/// More than any key needs; a file that never ends is none of keys.
const LONGEST_KEY: usize = 1 << 20;
/// More than the certificates of all authorities need.
const LONGEST_PIPE: usize = 16 << 20;
/// How long whoever writes to a pipe may take. Nothing else runs meanwhile.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a file of a key holds.
pub(super) fn read(path: &[u8]) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    if is_pipe(&file)? {
        return drain(file, LONGEST_KEY, PATIENCE);
    }
    let mut content = Vec::new();
    file.take(LONGEST_KEY as u64).read_to_end(&mut content)?;
    Ok(content)
}

/// A file that OpenSSL can read, by a name that holds as long as this is there.
pub(super) struct Readable {
    name: CString,
    /// What a pipe gave.
    _content: Option<File>,
}

impl Readable {
    /// The file of this name, once it is known that it can be read: OpenSSL's own reports of files say nothing.
    pub(super) fn find(path: &[u8]) -> Result<Readable, Cause> {
        let look = || -> io::Result<Readable> {
            let mut file = open(path)?;
            if is_pipe(&file)? {
                return of_pipe(&drain(file, LONGEST_PIPE, PATIENCE)?);
            }
            // The first read tells a directory.
            let _ = file.read(&mut [0])?;
            Ok(Readable {
                name: CString::new(path)?,
                _content: None,
            })
        };
        look().map_err(|error| Cause::unreadable(path, &error))
    }

    /// By this name.
    pub(super) fn name(&self) -> &std::ffi::CStr {
        &self.name
    }
}

/// What a pipe gives can be read only once, and OpenSSL would wait for it without end: it gets a file that has
/// no other name.
#[cfg(target_os = "linux")]
fn of_pipe(content: &[u8]) -> io::Result<Readable> {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::memfd_create(c"cosock", flags)?);
    file.write_all(content)?;
    Ok(Readable {
        name: CString::new(format!("/proc/self/fd/{}", file.as_raw_fd()))?,
        _content: Some(file),
    })
}

#[cfg(not(target_os = "linux"))]
fn of_pipe(_: &[u8]) -> io::Result<Readable> {
    Err(io::Error::other("Is a pipe"))
}

fn open(path: &[u8]) -> io::Result<File> {
    // Otherwise a pipe is not open before somebody writes to it.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(OsStr::from_bytes(path))?;
    let kind = file.metadata()?.file_type();
    if kind.is_char_device() || kind.is_block_device() {
        // One would look for a certificate until the end, which some do not have.
        return Err(io::Error::other("Is a device"));
    }
    Ok(file)
}

fn is_pipe(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.file_type().is_fifo())
}

/// What is written to a pipe until its end, which has to come within some time and after so many bytes.
fn drain(mut pipe: File, most: usize, patience: Duration) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + patience;
    let mut content = Vec::new();
    let mut buffer = [0; 4096];
    while content.len() <= most {
        match pipe.read(&mut buffer) {
            Ok(0) if content.is_empty() => {
                return Err(io::Error::other("Nobody writes to this pipe"));
            }
            Ok(0) => return Ok(content),
            Ok(length) => content.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                let left = Timespec::try_from(left).map_err(io::Error::other)?;
                match poll(&mut [PollFd::new(&pipe, PollFlags::IN)], Some(&left)) {
                    Err(rustix::io::Errno::INTR) | Ok(_) => {}
                    Err(errno) => return Err(errno.into()),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("This pipe does not end"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::OwnedFd;

    /// A pipe to which somebody has written, who has it open still.
    fn pipe(content: &[u8]) -> (File, File) {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        writer.write_all(content).expect("it has room");
        let reader = File::from(OwnedFd::from(reader));
        rustix::io::ioctl_fionbio(&reader, true).expect("a descriptor");
        (reader, File::from(OwnedFd::from(writer)))
    }

    #[test]
    fn a_pipe_is_read_to_its_end() {
        let (reader, writer) = pipe(b"first ");
        let rest = std::thread::spawn(move || {
            let mut writer = writer;
            writer.write_all(&[b'x'; 100_000]).expect("it is read");
        });
        let content = drain(reader, 1 << 20, Duration::from_secs(60)).expect("it ends");
        rest.join().expect("it wrote");
        assert_eq!(content.len(), 100_006);
        assert!(content.starts_with(b"first x"));
    }

    #[test]
    fn a_pipe_that_does_not_end_is_given_up() {
        let (reader, _writer) = pipe(b"something");
        let refused = drain(reader, 100, Duration::from_millis(5)).unwrap_err();
        assert_eq!(refused.to_string(), "This pipe does not end");
        let (reader, _writer) = pipe(&[b'x'; 10_000]);
        let refused = drain(reader, 100, Duration::from_secs(60)).unwrap_err();
        assert_eq!(refused.to_string(), "This pipe does not end");
    }

    #[test]
    fn a_pipe_without_a_writer_is_no_file() {
        let (reader, writer) = pipe(b"");
        drop(writer);
        let refused = drain(reader, 100, Duration::from_secs(60)).unwrap_err();
        assert_eq!(refused.to_string(), "Nobody writes to this pipe");
    }
}
