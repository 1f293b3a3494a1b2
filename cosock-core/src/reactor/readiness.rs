//! What is noted of a source's readiness, and what the system says of it at this moment.
//!
//! What is noted is as old as the last event. It is enough for a task that would park and be woken by the next event,
//! and saves it a system call that would only say "would block". Everybody else asks the system.

use std::os::fd::RawFd;
use std::rc::Rc;

use rustix::event::{PollFd, PollFlags};

use super::{Interest, Reactor, SCRATCH_SIZE, SourceId, live, unique};
use crate::buffer::{Chunk, SMALL, Small, Taken, lone_line};
use crate::fd;

/// What a read into the shared buffer has come to.
pub(crate) type ScratchRead = rustix::io::Result<usize>;

/// What one read has brought, where that is a single line and nothing else.
pub(crate) struct LoneLine {
    /// How many bytes it was with its end.
    pub(crate) length: usize,
    pub(crate) line: Taken,
}

/// `poll(2)` refuses more entries than the process may have descriptors; one is always allowed.
const POLLED_AT_ONCE: usize = 256;

impl Reactor {
    /// Whether a read may find something. True unless a read drained the source since its last edge.
    #[must_use]
    pub(crate) fn maybe_readable(&self, id: Option<SourceId>) -> bool {
        id.and_then(|id| self.noted(id))
            .is_none_or(|source| source.maybe_readable)
    }

    /// Whether a write may find room.
    #[must_use]
    pub(crate) fn maybe_writable(&self, id: Option<SourceId>) -> bool {
        id.and_then(|id| self.noted(id))
            .is_none_or(|source| source.maybe_writable)
    }

    /// Notes that a read was refused: the system has nothing more until the next edge.
    pub(crate) fn drained(&mut self, id: Option<SourceId>) {
        if let Some(source) = id.and_then(|id| self.live(id)) {
            source.maybe_readable = false;
            source.behind_short_reads = false;
        }
    }

    /// Notes that bytes of a stream were read. `short` says that the read got less than it asked for,
    /// `left` that some are now buffered by the reader.
    ///
    /// Whoever waits for these bytes meanwhile is told: no event will come for what is no longer in the
    /// system. An operation looks for itself, a select only for what is buffered.
    pub(crate) fn has_read(&mut self, id: Option<SourceId>, short: bool, left: bool) {
        if let Some(source) = id.and_then(|id| live(&mut self.sources, id)) {
            source.has_read(short);
            if source.has_readers() {
                self.waiters -= source.tell(&mut self.fired, left);
            }
        }
    }

    /// Calls `read` with the shared buffer, if the source may be readable. Where that brings a single line and nothing
    /// else, gives the line, copied to `place` when it is small, and notes what [`Reactor::has_read`] does.
    ///
    /// # Errors
    ///
    /// What the read has come to, which is noted nowhere yet; `None` where there was no read.
    #[inline(always)]
    pub(crate) fn read_line(
        &mut self,
        id: SourceId,
        place: &mut Small,
        read: impl FnOnce(&mut [u8]) -> ScratchRead,
    ) -> Result<LoneLine, Option<ScratchRead>> {
        let Some(source) = live(&mut self.sources, id).filter(|source| source.maybe_readable)
        else {
            return Err(None);
        };
        let scratch = unique(&mut self.scratch);
        let read = read(scratch);
        let Ok(length) = read else {
            return Err(Some(read));
        };
        let Some(line) = lone_line(scratch, length) else {
            return Err(Some(read));
        };
        source.has_read(length < SCRATCH_SIZE);
        if source.has_readers() {
            self.waiters -= source.tell(&mut self.fired, false);
        }
        let line = match scratch.first_chunk() {
            Some(block) if line <= SMALL => {
                *place = *block;
                Taken::Small(line)
            }
            _ => Taken::Chunk(Chunk::new(Rc::clone(&self.scratch), 0, line)),
        };
        Ok(LoneLine { length, line })
    }

    /// Forgets what was noted of a source's readiness, so that the next try asks the system.
    pub fn doubt(&mut self, id: Option<SourceId>) {
        if let Some(source) = id.and_then(|id| self.live(id)) {
            source.maybe_readable = true;
            source.maybe_writable = true;
        }
    }

    /// Notes that the system takes nothing more until the next edge.
    pub fn filled(&mut self, id: Option<SourceId>) {
        if let Some(source) = id.and_then(|id| self.live(id)) {
            source.maybe_writable = false;
        }
    }

    /// Asks the system which of these descriptors are ready at this moment.
    ///
    /// What cannot be polled counts as ready: the operation on it will say why.
    pub(crate) fn ready_now(&self, list: &[(RawFd, Interest)], ready: &mut Vec<bool>) {
        ready.clear();
        if list.is_empty() {
            return;
        }
        let mut polled: Vec<PollFd<'_>> = list
            .iter()
            .map(|(raw, interest)| {
                let flags = match interest {
                    Interest::Read => PollFlags::IN,
                    Interest::Write => PollFlags::OUT,
                };
                PollFd::from_borrowed_fd(fd::borrow(*raw), flags)
            })
            .collect();
        let none = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        for part in polled.chunks_mut(POLLED_AT_ONCE) {
            if rustix::event::poll(part, Some(&none)).is_err() {
                for one in part {
                    let _ = rustix::event::poll(std::slice::from_mut(one), Some(&none));
                }
            }
        }
        ready.extend(polled.iter().map(|entry| !entry.revents().is_empty()));
    }
}
