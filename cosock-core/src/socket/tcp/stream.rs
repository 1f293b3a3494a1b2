//! The byte stream: receiving by patterns, and sending.

use rustix::io::Errno;

use super::{TcpSocket, counted};
use crate::buffer::{Chunk, Pattern, Small, Taken, Unread};
use crate::error::SocketError;
use crate::reactor::{Reactor, SCRATCH_SIZE, ScratchRead};
use crate::socket::{MOST_AT_ONCE, Progress, SEND, Step, receive};

/// A line went beyond what [`TcpSocket::set_longest_line`] has set.
pub(super) const LINE_TOO_LONG: SocketError = SocketError::Text("line too long");

/// Whether there is room to keep a read of the shared buffer beside what has come of a line; short ones get by without.
pub(super) fn has_room_for_line(unread: &mut Unread) -> bool {
    unread.len() < SCRATCH_SIZE || unread.make_room(usize::MAX, SCRATCH_SIZE)
}

impl TcpSocket {
    /// Reads until the pattern is satisfied: `recv(2)`.
    ///
    /// A failure leaves the bytes so far to [`TcpSocket::partial`].
    #[inline]
    pub fn receive(
        &mut self,
        pattern: Pattern,
        reactor: &mut Reactor,
    ) -> Step<Result<Chunk, SocketError>> {
        debug_assert!(!self.is_lent());
        if let Some(chunk) = self.unread.take(pattern) {
            return Step::Done(Ok(chunk));
        }
        self.read(pattern, None, reactor)
    }

    /// Receives a line that comes whole and alone with one read, as nearly every question and answer does: it
    /// is cut from the shared buffer, and nothing is left to be kept.
    ///
    /// # Errors
    ///
    /// What that read has come to, if there was one: [`TcpSocket::read`] goes on with it.
    #[inline]
    pub(crate) fn receive_lone_line(
        &mut self,
        place: &mut Small,
        reactor: &mut Reactor,
    ) -> Result<Taken, Option<ScratchRead>> {
        if self.encrypted || self.ended || self.has_unread() {
            return Err(None);
        }
        let (Some(socket), Some(source)) = (self.endpoint.socket(), self.endpoint.source) else {
            return Err(None);
        };
        let read = reactor.read_line(source, place, |scratch| receive(socket, scratch))?;
        self.received += counted(read.length);
        Ok(read.line)
    }

    /// Reads until the pattern is satisfied, which it is not by what is there. The first read may have been made
    /// already, where the pattern is a line.
    pub(crate) fn read(
        &mut self,
        pattern: Pattern,
        mut first: Option<ScratchRead>,
        reactor: &mut Reactor,
    ) -> Step<Result<Chunk, SocketError>> {
        #[cfg(feature = "tls")]
        if self.encrypted {
            return self.receive_encrypted(pattern, reactor);
        }
        let mut moved = 0;
        loop {
            if self.ended {
                return Step::Done(self.at_end(pattern));
            }
            let Some(socket) = self.endpoint.socket() else {
                return Step::Done(Err(SocketError::Closed));
            };
            if !reactor.maybe_readable(self.endpoint.source) {
                return Step::until_readable(Progress::of(moved));
            }
            // What is large is read to where it grows, and no further than it goes; what is small is cut
            // from reads of many.
            let missing = match pattern {
                Pattern::All => Some(usize::MAX),
                Pattern::Count(count) if count >= SCRATCH_SIZE => Some(count - self.unread.len()),
                Pattern::Line | Pattern::Count(_) => None,
            };
            let large = missing.is_some();
            let has_room = match missing {
                Some(missing) => self.unread.make_room(missing, SCRATCH_SIZE),
                None => has_room_for_line(&mut self.unread),
            };
            if !has_room {
                return Step::Done(Err(SocketError::no_memory()));
            }
            let (result, room) = if large {
                let storage = self.unread.storage();
                let room = storage.capacity() - storage.len();
                (
                    receive(socket, rustix::buffer::spare_capacity(storage)),
                    room,
                )
            } else {
                let read = first
                    .take()
                    .unwrap_or_else(|| receive(socket, reactor.scratch()));
                (read, SCRATCH_SIZE)
            };
            match result {
                Ok(0) => self.ended = true,
                Ok(length) => {
                    moved += length;
                    let taken = self.take_read(length, large, pattern, reactor);
                    let left = !self.unread.is_empty();
                    reactor.has_read(self.endpoint.source, length < room, left);
                    if let Some(chunk) = taken {
                        return Step::Done(Ok(chunk));
                    }
                    if self.is_line_too_long(pattern) {
                        return Step::Done(Err(LINE_TOO_LONG));
                    }
                    if moved >= MOST_AT_ONCE {
                        return Step::until_readable(Progress::Pause);
                    }
                }
                Err(Errno::WOULDBLOCK) => {
                    reactor.drained(self.endpoint.source);
                    return Step::until_readable(Progress::of(moved));
                }
                Err(Errno::INTR) => {}
                // As in the rock: a peer that closes before it has read all resets what it has answered in full.
                Err(Errno::CONNRESET | Errno::CONNABORTED) if pattern == Pattern::All => {
                    self.ended = true;
                }
                Err(errno) => return Step::Done(Err(errno.into())),
            }
        }
    }

    /// Takes what satisfies the pattern after a read of `length` bytes. What is `large` was read to the end of the
    /// unread bytes, everything else into the shared buffer.
    #[inline]
    pub(super) fn take_read(
        &mut self,
        length: usize,
        large: bool,
        pattern: Pattern,
        reactor: &Reactor,
    ) -> Option<Chunk> {
        self.received += counted(length);
        self.forget_loan();
        self.endpoint.look_for_source(reactor);
        if large {
            self.unread.take(pattern)
        } else {
            self.unread
                .take_fresh(reactor.scratch_bytes(), length, pattern)
        }
    }

    /// Whether a line without an end has grown beyond what may be.
    pub(super) fn is_line_too_long(&self, pattern: Pattern) -> bool {
        pattern == Pattern::Line
            && (self.limits.as_ref())
                .and_then(|limits| limits.longest_line)
                .is_some_and(|longest| self.unread.len() > longest)
    }

    /// The first `"*a"` to meet the end gets what there is, be it nothing: HTTP bodies end so.
    pub(super) fn at_end(&mut self, pattern: Pattern) -> Result<Chunk, SocketError> {
        if std::mem::replace(&mut self.end_told, true) || pattern != Pattern::All {
            return Err(SocketError::Closed);
        }
        Ok(self.unread.take_rest(pattern))
    }

    /// Takes the bytes that an unfinished receive has read so far.
    pub fn partial(&mut self, pattern: Pattern) -> Chunk {
        debug_assert!(!self.is_lent());
        self.unread.take_rest(pattern)
    }

    /// Sends `data[*next..]`: `send(2)`; `next` moves past what the system took.
    #[inline(always)]
    pub fn send(
        &mut self,
        data: &[u8],
        next: &mut usize,
        reactor: &mut Reactor,
    ) -> Step<Result<(), SocketError>> {
        let left = &data[*next..];
        let first = self.send_once(left, reactor);
        // Nearly always.
        if let Some(Ok(length)) = first
            && length == left.len()
        {
            self.sent += counted(length);
            *next += length;
            return Step::Done(Ok(()));
        }
        self.send_on(first, data, next, reactor)
    }

    /// One `send(2)`, if there is something to send, a plain stream, and room as far as is known.
    #[inline(always)]
    fn send_once(&self, data: &[u8], reactor: &Reactor) -> Option<rustix::io::Result<usize>> {
        if self.encrypted || data.is_empty() {
            return None;
        }
        let socket = self.endpoint.socket()?;
        if !reactor.maybe_writable(self.endpoint.source) {
            return None;
        }
        Some(rustix::net::send(socket, data, SEND))
    }

    /// [`TcpSocket::send`], after a first `send(2)` that has come to `first`.
    #[inline(never)]
    fn send_on(
        &mut self,
        mut first: Option<rustix::io::Result<usize>>,
        data: &[u8],
        next: &mut usize,
        reactor: &mut Reactor,
    ) -> Step<Result<(), SocketError>> {
        #[cfg(feature = "tls")]
        if self.encrypted {
            return self.send_encrypted(data, next, reactor);
        }
        let start = *next;
        while *next < data.len() {
            if self.endpoint.socket().is_none() {
                return Step::Done(Err(SocketError::Closed));
            }
            let sent = first.take();
            let Some(result) = sent.or_else(|| self.send_once(&data[*next..], reactor)) else {
                return Step::until_writable(Progress::of(*next - start));
            };
            match result {
                Ok(length) => {
                    // The first send fills the system's buffer; when there is room again for the next,
                    // the peer is as fast as we are.
                    let first = *next == start;
                    *next += length;
                    self.sent += counted(length);
                    if !first && *next - start >= MOST_AT_ONCE && *next < data.len() {
                        return Step::until_writable(Progress::Pause);
                    }
                }
                Err(Errno::WOULDBLOCK) => {
                    reactor.filled(self.endpoint.source);
                    return Step::until_writable(Progress::of(*next - start));
                }
                Err(Errno::INTR) => {}
                Err(Errno::PIPE) => return Step::Done(Err(SocketError::Closed)),
                Err(errno) => return Step::Done(Err(errno.into())),
            }
        }
        Step::Done(Ok(()))
    }
}
