//! Waits for the system and turns its events into fired waiters.
//!
//! A descriptor is registered once, edge-triggered, when something first waits for it, and stays
//! registered until it is closed. State belongs to the descriptor, waiters to whoever waits: two
//! objects that share a descriptor share its source.

mod readiness;
mod source;
#[cfg(test)]
mod tests;
mod waiters;

use std::io;
use std::num::NonZeroU32;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Poll, Token};
use rustix::event::{PollFd, PollFlags, Timespec};

use crate::{fd, sys};

pub(crate) use readiness::ScratchRead;
pub use source::{Interest, SourceId};
use source::{MOST, Source, every_interest, live, named};
pub use waiters::{Company, Role, Waiter};

/// Bytes that are read at once from a stream; also the size of the largest datagram that is received whole.
pub const SCRATCH_SIZE: usize = 64 * 1024;

const EVENTS_PER_POLL: usize = 1024;
const NOTIFY: Token = Token(usize::MAX);

/// The poll, its sources, and the read buffer that all sockets share.
#[derive(Debug)]
pub struct Reactor {
    poll: Poll,
    events: Events,
    notify: Arc<mio::Waker>,
    sources: Vec<Source>,
    free: Vec<u32>,
    /// Sources by descriptor: descriptors are small numbers, so a list will do.
    by_fd: Vec<Option<SourceId>>,
    /// How many descriptors are registered.
    registered: usize,
    /// How many waiters are registered.
    waiters: usize,
    /// Waiters that have fired, in the order of their events, until the scheduler has looked at them.
    fired: Vec<Waiter>,
    /// Whether another thread has called since the last look.
    notified: bool,
    /// The [`sys::fork_count`] under which the poll was opened.
    fork_count: u64,
    /// Whether a forked child was given a poll of its own since the last look.
    renewed: bool,
    /// The shared read buffer, empty until the first read. Chunks of it may be on their way into Lua.
    scratch: Rc<Vec<u8>>,
}

impl Reactor {
    /// Opens the system's poll.
    ///
    /// # Errors
    ///
    /// What `epoll_create1(2)` or `eventfd(2)` reports, such as a lack of descriptors.
    pub fn new() -> io::Result<Reactor> {
        let poll = Poll::new()?;
        let notify = Arc::new(mio::Waker::new(poll.registry(), NOTIFY)?);
        Ok(Reactor {
            poll,
            events: Events::with_capacity(EVENTS_PER_POLL),
            notify,
            sources: Vec::new(),
            free: Vec::new(),
            by_fd: Vec::new(),
            registered: 0,
            waiters: 0,
            fired: Vec::new(),
            notified: false,
            fork_count: sys::fork_count(),
            renewed: false,
            scratch: Rc::default(),
        })
    }

    /// The handle by which another thread ends a wait for events.
    #[must_use]
    pub(crate) fn notifier(&self) -> Arc<mio::Waker> {
        Arc::clone(&self.notify)
    }

    /// The source of a descriptor, registered with the system if it was not.
    ///
    /// # Errors
    ///
    /// What `epoll_ctl(2)` reports: `EBADF` for a descriptor closed elsewhere, `EPERM` for one that
    /// cannot be waited on; `OutOfMemory` if there is none for one more.
    pub fn source(&mut self, fd: RawFd) -> io::Result<SourceId> {
        if let Some(id) = self.known(fd) {
            return Ok(id);
        }
        self.follow_fork()?;
        self.make_room()?;
        let index = self.free.pop().unwrap_or_else(|| {
            self.sources.push(Source::new());
            (self.sources.len() - 1) as u32
        });
        let source = &mut self.sources[index as usize];
        let id = SourceId {
            index,
            generation: source.generation,
        };
        source.maybe_readable = true;
        source.maybe_writable = true;
        source.behind_short_reads = false;
        if let Err(error) = self.register(fd, id) {
            self.free.push(index);
            return Err(error);
        }
        self.by_fd[fd as usize] = Some(id);
        self.registered += 1;
        Ok(id)
    }

    /// [`Reactor::source`] of a descriptor that somebody else has opened. Its owner may have closed it since it was
    /// registered: then its number may be another's by now, for which no event would come.
    ///
    /// # Errors
    ///
    /// As there.
    pub(crate) fn source_of_another(&mut self, fd: RawFd) -> io::Result<SourceId> {
        self.follow_fork()?;
        if let Some(id) = self.known(fd) {
            match self.register(fd, id) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(id),
                // There it takes the place of the last.
                Ok(()) if !cfg!(any(target_os = "linux", target_os = "android")) => return Ok(id),
                _ => self.forget(fd),
            }
        }
        self.source(fd)
    }

    /// Registers a descriptor with the system, and only then makes room for it: a number that is no descriptor may be as
    /// large as can be.
    fn register(&mut self, fd: RawFd, id: SourceId) -> io::Result<()> {
        let registry = self.poll.registry();
        registry.register(&mut SourceFd(&fd), id.token(), every_interest())?;
        let places = fd as usize + 1;
        if places > self.by_fd.len() {
            if let Err(error) = self.by_fd.try_reserve(places - self.by_fd.len()) {
                let _ = registry.deregister(&mut SourceFd(&fd));
                return Err(error.into());
            }
            self.by_fd.resize(places, None);
        }
        Ok(())
    }

    /// Makes room for one more source.
    fn make_room(&mut self) -> io::Result<()> {
        if self.free.is_empty() {
            if self.sources.len() > MOST {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            self.sources.try_reserve(1)?;
            self.free.try_reserve(self.sources.capacity())?;
        }
        Ok(())
    }

    /// Forgets a descriptor that is about to be closed or given away; its waiters fire.
    pub fn forget(&mut self, fd: RawFd) {
        let Some(id) = self.known(fd) else { return };
        self.by_fd[fd as usize] = None;
        self.registered -= 1;
        let source = &mut self.sources[id.index as usize];
        self.waiters -= source.fire(Interest::Read, &mut self.fired);
        self.waiters -= source.fire(Interest::Write, &mut self.fired);
        // Before a forked child has a poll of its own, this one is its parent's. A descriptor closed
        // elsewhere is no longer in the poll; there is nothing left to undo.
        if self.fork_count == sys::fork_count() {
            let _ = self.poll.registry().deregister(&mut SourceFd(&fd));
        }
        source.generation = source.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        self.free.push(id.index);
    }

    /// Drops what is known of a descriptor that the system has just made: its number belonged to one
    /// that somebody else closed.
    pub fn opened(&mut self, fd: RawFd) {
        self.forget(fd);
    }

    /// Drops what is known of a descriptor that somebody handed over, if it is not what it was.
    pub(crate) fn adopted(&mut self, fd: RawFd) {
        let Some(id) = self.known(fd) else { return };
        let registry = self.poll.registry();
        if registry
            .reregister(&mut SourceFd(&fd), id.token(), every_interest())
            .is_err()
        {
            self.forget(fd);
        }
    }

    /// The source of a descriptor, if it is registered.
    #[must_use]
    pub fn known(&self, fd: RawFd) -> Option<SourceId> {
        usize::try_from(fd)
            .ok()
            .and_then(|place| self.by_fd.get(place).copied().flatten())
    }

    /// Whether the source is still registered.
    #[must_use]
    pub(crate) fn is_live(&self, id: SourceId) -> bool {
        self.noted(id).is_some()
    }

    #[inline]
    fn noted(&self, id: SourceId) -> Option<&Source> {
        self.sources
            .get(id.index as usize)
            .filter(|source| source.is(id))
    }

    fn live(&mut self, id: SourceId) -> Option<&mut Source> {
        live(&mut self.sources, id)
    }

    /// How many descriptors are registered.
    #[must_use]
    pub fn registered(&self) -> usize {
        self.registered
    }

    /// Waits for events, at most `timeout`; `None` waits without limit. [`Reactor::note_events`] has to follow. It is
    /// inlined, so that a timeout which is a constant is converted to the system's at compile time.
    ///
    /// # Errors
    ///
    /// What `epoll_wait(2)` reports; `Interrupted` when a signal came, so that the caller can look
    /// at what the signal's handler asked for.
    #[inline(always)]
    pub(crate) fn await_events(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.poll.poll(&mut self.events, timeout)
    }

    /// [`Reactor::await_events`] for less than a second, to the nanosecond. The system's poll would wait for whole
    /// milliseconds, so what is waited on is the poll itself, which is readable when it has an event.
    ///
    /// # Errors
    ///
    /// What `ppoll(2)` and `epoll_wait(2)` report.
    #[inline(never)]
    pub(crate) fn await_events_exactly(&mut self, timeout: Duration) -> io::Result<()> {
        let poll = PollFd::from_borrowed_fd(fd::borrow(self.poll.as_raw_fd()), PollFlags::IN);
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: timeout.subsec_nanos().into(),
        };
        rustix::event::poll(&mut [poll], Some(&timeout))?;
        self.await_events(Some(Duration::ZERO))
    }

    /// Fires the waiters of what has come. A source's only reader is offered to `take` first, which may deal with it at
    /// once; but not after another waiter has fired, which would then come later than it should.
    #[inline]
    pub(crate) fn note_events(&mut self, mut take: impl FnMut(&Waiter) -> bool) {
        for event in &self.events {
            if event.token() == NOTIFY {
                self.notified = true;
                continue;
            }
            let Some(source) = named(&mut self.sources, event.token()) else {
                continue;
            };
            let broken = event.is_error();
            if event.is_read_closed() || event.is_priority() || broken {
                source.behind_short_reads = true;
            }
            if event.is_readable() || event.is_read_closed() || broken {
                source.maybe_readable = true;
                let before = self.fired.len();
                self.waiters -= source.offer(&mut self.fired, &mut take);
                if event.is_priority() {
                    doubt_all(&mut self.fired[before..]);
                }
            }
            if event.is_writable() || event.is_write_closed() || broken {
                source.maybe_writable = true;
                self.waiters -= source.fire(Interest::Write, &mut self.fired);
            }
        }
    }

    /// Waits for events and fires all their waiters, for tests without a scheduler.
    #[cfg(test)]
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.await_events(timeout)?;
        self.note_events(|_| false);
        Ok(())
    }

    /// Whether another thread called since the last look.
    pub(crate) fn take_notified(&mut self) -> bool {
        std::mem::take(&mut self.notified)
    }

    /// The shared read buffer, [`SCRATCH_SIZE`] bytes. A fresh one when the last is still in use.
    #[inline]
    pub fn scratch(&mut self) -> &mut [u8] {
        unique(&mut self.scratch)
    }

    /// The shared read buffer as the last read left it.
    #[must_use]
    pub(crate) fn scratch_bytes(&self) -> &Rc<Vec<u8>> {
        &self.scratch
    }

    /// Whether a forked child was given a poll of its own since the last look.
    pub(crate) fn take_renewed(&mut self) -> bool {
        std::mem::take(&mut self.renewed)
    }

    /// Gives a forked child, which shares its parent's epoll, one of its own with the same sources.
    ///
    /// # Errors
    ///
    /// What opening the poll reports.
    #[inline]
    pub(crate) fn follow_fork(&mut self) -> io::Result<()> {
        if self.fork_count == sys::fork_count() {
            return Ok(());
        }
        self.renew_poll()
    }

    #[cold]
    fn renew_poll(&mut self) -> io::Result<()> {
        let poll = Poll::new()?;
        self.notify = Arc::new(mio::Waker::new(poll.registry(), NOTIFY)?);
        self.poll = poll;
        self.fork_count = sys::fork_count();
        self.renewed = true;
        for (fd, id) in self.by_fd.iter().enumerate() {
            let Some(id) = id else { continue };
            // One that the child has closed stays silent, as it would have in the parent.
            let fd = fd as RawFd;
            let _ = self
                .poll
                .registry()
                .register(&mut SourceFd(&fd), id.token(), every_interest());
        }
        Ok(())
    }
}

/// Notes that waiters may have fired for urgent data alone, which is nothing to read.
#[cold]
fn doubt_all(fired: &mut [Waiter]) {
    for waiter in fired {
        if let Role::Element(element) | Role::Foreign(element) = waiter.role {
            waiter.role = Role::Doubtful(element);
        }
    }
}

/// The shared read buffer, a fresh one when the last is still in use.
#[inline]
fn unique(scratch: &mut Rc<Vec<u8>>) -> &mut [u8] {
    if Rc::get_mut(scratch).is_none_or(|buffer| buffer.is_empty()) {
        *scratch = Rc::new(vec![0; SCRATCH_SIZE]);
    }
    Rc::get_mut(scratch).expect("just made unique")
}
