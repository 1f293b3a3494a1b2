//! What OpenSSL reads from and writes to: the descriptor, without blocking.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::RawFd;

use rustix::io::Errno;

use crate::buffer::Chunk;
use crate::fd;
use crate::socket::{SEND, receive};

/// How many bytes one call of OpenSSL's may read: as soon as there is data it returns, so more has none.
/// A peer that sends tickets or new keys without end would keep it for ever.
const MOST_IN_A_CALL: usize = 1 << 20;

/// The encrypted side of a session. It borrows the descriptor's number: its socket closes it, after
/// the session.
#[derive(Debug)]
pub(super) struct Wire {
    fd: RawFd,
    /// What was received before the session began, and belongs to it.
    early: Chunk,
    /// How much of it OpenSSL has taken.
    taken: usize,
    /// Whether a read may find something: what the reactor has noted.
    pub(super) may_read: bool,
    /// How many bytes were read since the last [`Wire::expect`].
    read_since: usize,
    /// Whether bytes were read or written since then.
    pub(super) moved: bool,
    /// What the reads since the last look have met.
    pub(super) read: Reading,
    /// Whether the system has refused a write since the last look.
    pub(super) filled: bool,
    /// The peer ended the stream.
    pub(super) ended: bool,
    /// Why the system refused otherwise.
    pub(super) failure: Option<Errno>,
}

/// What reads have met, for the reactor's notes; the later the stronger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reading {
    /// No read, or none that tells anything.
    #[default]
    Nothing,
    /// A read got all that it asked for.
    Full,
    /// A read got less than it asked for.
    Short,
    /// A read was refused.
    Drained,
}

impl Wire {
    pub(super) fn new(fd: RawFd, early: Chunk) -> Wire {
        Wire {
            fd,
            early,
            taken: 0,
            may_read: true,
            read_since: 0,
            moved: false,
            read: Reading::Nothing,
            filled: false,
            ended: false,
            failure: None,
        }
    }

    /// Begins a call of OpenSSL's, told whether a read may find something.
    pub(super) fn expect(&mut self, readable: bool) {
        self.may_read = readable;
        self.read_since = 0;
        self.moved = false;
    }

    /// The address at the other end, if it is one of the internet.
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        if self.fd < 0 {
            return None;
        }
        let address = rustix::net::getpeername(fd::borrow(self.fd)).ok()??;
        address.try_into().ok()
    }

    /// Whether bytes from before the session are left.
    pub(super) fn has_early(&self) -> bool {
        self.taken < self.early.as_slice().len()
    }

    /// Reads and drops what has come, within reason.
    pub(super) fn discard(&mut self) {
        if self.fd < 0 {
            return; // What was wrapped was not connected.
        }
        let mut buffer = [0; 4096];
        for _ in 0..8 {
            match receive(fd::borrow(self.fd), &mut buffer[..]) {
                Ok(length) if length == buffer.len() => {}
                _ => break,
            }
        }
    }

    /// Reports a failure without allocating; its reason is kept here. And in `errno`: OpenSSL forgives a
    /// peer that is gone before a server's tickets.
    fn fail(&mut self, errno: Errno) -> io::Error {
        self.failure = Some(errno);
        errno::set_errno(errno::Errno(errno.raw_os_error()));
        io::ErrorKind::Other.into()
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let early = &self.early.as_slice()[self.taken..];
        if !early.is_empty() {
            let length = early.len().min(buffer.len());
            buffer[..length].copy_from_slice(&early[..length]);
            self.taken += length;
            return Ok(length);
        }
        if !self.may_read {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.read_since > MOST_IN_A_CALL {
            return Err(self.fail(Errno::PROTO));
        }
        let asked = buffer.len();
        loop {
            return match receive(fd::borrow(self.fd), &mut *buffer) {
                Ok(0) => {
                    self.ended = true;
                    Ok(0)
                }
                Ok(length) => {
                    self.read_since += length;
                    self.moved = true;
                    self.read = if length < asked {
                        Reading::Short
                    } else {
                        Reading::Full
                    };
                    Ok(length)
                }
                Err(Errno::WOULDBLOCK) => {
                    self.read = Reading::Drained;
                    Err(io::ErrorKind::WouldBlock.into())
                }
                Err(Errno::INTR) => continue,
                Err(errno) => Err(self.fail(errno)),
            };
        }
    }
}

impl Write for Wire {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        loop {
            return match rustix::net::send(fd::borrow(self.fd), buffer, SEND) {
                Ok(length) => {
                    self.moved = true;
                    Ok(length)
                }
                Err(Errno::WOULDBLOCK) => {
                    self.filled = true;
                    Err(io::ErrorKind::WouldBlock.into())
                }
                Err(Errno::INTR) => continue,
                Err(errno) => Err(self.fail(errno)),
            };
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_call_that_reads_without_end_fails() {
        let (own, mut peer) = UnixStream::pair().expect("a pair");
        let flood = std::thread::spawn(move || while peer.write(&[0; 4096]).is_ok() {});
        let mut wire = Wire::new(own.as_raw_fd(), Chunk::default());
        let mut buffer = [0; 16384];
        for _ in 0..2 {
            wire.expect(true);
            let mut total = 0;
            while let Ok(length) = wire.read(&mut buffer) {
                total += length;
            }
            assert!(total > MOST_IN_A_CALL && total <= MOST_IN_A_CALL + buffer.len());
            assert_eq!(wire.failure.take(), Some(Errno::PROTO));
        }
        drop(own);
        flood.join().expect("it ends with the pair");
    }
}
