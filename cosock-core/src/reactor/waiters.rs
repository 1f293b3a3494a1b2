//! Who waits for a source, in each direction, and who of them has fired.

use std::os::fd::RawFd;

use super::{Interest, Reactor, Source, SourceId, live};
use crate::scheduler::TaskKey;

/// What a fired waiter leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The parked operation is tried again.
    Operation,
    /// The numbered element of a select is ready.
    Element(u32),
    /// The numbered element of a select is to be told through its own `_wake`.
    Foreign(u32),
    /// The same as for any element, if the system says that there is something to read; else it waits on. Only a waiter
    /// that has fired has this.
    Doubtful(u32),
}

/// One task's interest in one direction of one descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// The task that waits.
    pub task: TaskKey,
    /// The wait it belongs to; a waiter of an older wait is dropped.
    pub serial: u64,
    /// What firing it leads to.
    pub role: Role,
    /// Identity of the listed object, which may have one waiter for each direction.
    pub object: usize,
}

/// Who waits for a direction of a source already, as seen by an object that is about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Company {
    /// Nobody.
    Nobody,
    /// Other objects, which share the descriptor.
    Others,
    /// The object itself.
    Itself,
}

impl Company {
    /// That of a waiter alone.
    #[inline]
    fn of(waiter: &Waiter, object: usize) -> Company {
        if waiter.object == object {
            Company::Itself
        } else {
            Company::Others
        }
    }
}

/// Those who wait for a source. Where its only reader came while nobody else waited, that one is in
/// [`Source::reader`] instead.
#[derive(Debug, Default)]
pub(super) struct Others {
    readers: Vec<Waiter>,
    writers: Vec<Waiter>,
}

impl Others {
    fn of(&self, interest: Interest) -> &[Waiter] {
        match interest {
            Interest::Read => &self.readers,
            Interest::Write => &self.writers,
        }
    }

    fn of_mut(&mut self, interest: Interest) -> &mut Vec<Waiter> {
        match interest {
            Interest::Read => &mut self.readers,
            Interest::Write => &mut self.writers,
        }
    }
}

impl Source {
    /// Who waits for a direction, first to last.
    fn waiters(&self, interest: Interest) -> impl Iterator<Item = &Waiter> {
        let reader = self.reader.as_ref().filter(|_| interest == Interest::Read);
        let others = self.others.as_ref().map(|others| others.of(interest));
        reader.into_iter().chain(others.unwrap_or_default())
    }

    /// Whether somebody may wait to read. If not, the next reader goes to [`Source::reader`].
    #[inline]
    pub(super) fn has_readers(&self) -> bool {
        self.reader.is_some() || self.others.is_some()
    }

    fn company(&self, interest: Interest, object: usize) -> Company {
        let companies = self
            .waiters(interest)
            .map(|waiter| Company::of(waiter, object));
        companies.fold(Company::Nobody, Company::max)
    }

    fn add(&mut self, interest: Interest, waiter: Waiter) {
        if interest == Interest::Read && !self.has_readers() {
            self.reader = Some(waiter);
        } else {
            let others = self.others.get_or_insert_default();
            others.of_mut(interest).push(waiter);
        }
    }

    /// Removes those of a direction whom `goes` tells; returns how many.
    fn remove(&mut self, interest: Interest, mut goes: impl FnMut(&Waiter) -> bool) -> usize {
        let mut count = 0;
        if interest == Interest::Read && self.reader.as_ref().is_some_and(&mut goes) {
            self.reader = None;
            count += 1;
        }
        if let Some(others) = &mut self.others {
            let waiters = others.of_mut(interest);
            let before = waiters.len();
            waiters.retain(|waiter| !goes(waiter));
            count += before - waiters.len();
            if others.readers.is_empty() && others.writers.is_empty() {
                self.others = None;
            }
        }
        count
    }

    /// Moves the waiters of a direction to those that fired; returns how many they were.
    #[inline]
    pub(super) fn fire(&mut self, interest: Interest, fired: &mut Vec<Waiter>) -> usize {
        if self.others.is_none() && (interest == Interest::Write || self.reader.is_none()) {
            return 0;
        }
        self.fire_any(interest, fired)
    }

    #[inline(never)]
    fn fire_any(&mut self, interest: Interest, fired: &mut Vec<Waiter>) -> usize {
        self.remove(interest, |waiter| {
            fired.push(*waiter);
            true
        })
    }

    /// Moves the readers to those that fired, unless it is one alone that `take` takes; returns how many they were.
    #[inline(always)]
    pub(super) fn offer(
        &mut self,
        fired: &mut Vec<Waiter>,
        take: &mut impl FnMut(&Waiter) -> bool,
    ) -> usize {
        if let Some(reader) = &self.reader
            && self.others.is_none()
            && fired.is_empty()
            && take(reader)
        {
            self.reader = None;
            return 1;
        }
        self.fire(Interest::Read, fired)
    }

    /// Moves those readers to `fired` who have to know that somebody else has read bytes, of which some are `left` in
    /// the stream's buffer or none; returns how many they were.
    #[cold]
    pub(super) fn tell(&mut self, fired: &mut Vec<Waiter>, left: bool) -> usize {
        self.remove(Interest::Read, |waiter| {
            let told = left || waiter.role == Role::Operation;
            if told {
                fired.push(*waiter);
            }
            told
        })
    }
}

impl Reactor {
    /// Who waits for this direction of the source.
    #[inline]
    #[must_use]
    pub fn company(&self, id: SourceId, interest: Interest, object: usize) -> Company {
        self.noted(id)
            .map_or(Company::Nobody, |source| source.company(interest, object))
    }

    /// Whether `object` has a waiter on the descriptor, which need not be registered.
    #[must_use]
    pub fn is_object_waited(&self, fd: RawFd, interest: Interest, object: usize) -> bool {
        self.known(fd)
            .is_some_and(|id| self.company(id, interest, object) == Company::Itself)
    }

    /// Adds a waiter of an operation, unless its object waits already in this direction, or, if it has to wait
    /// `alone`, anybody does. Tells who waited before.
    #[inline]
    pub fn join(
        &mut self,
        id: SourceId,
        interest: Interest,
        waiter: Waiter,
        alone: bool,
    ) -> Company {
        let Some(source) = self.live(id) else {
            self.fired.push(waiter);
            return Company::Nobody;
        };
        if interest == Interest::Read && !source.has_readers() {
            source.reader = Some(waiter);
            self.waiters += 1;
            return Company::Nobody;
        }
        let company = source.company(interest, waiter.object);
        if company == Company::Nobody || (company == Company::Others && !alone) {
            source.add(interest, waiter);
            self.waiters += 1;
        }
        company
    }

    /// Adds a waiter; it fires at the next edge, or when the source is forgotten.
    #[inline]
    pub fn watch(&mut self, id: SourceId, interest: Interest, waiter: Waiter) {
        if let Some(source) = self.live(id) {
            if !source.waiters(interest).any(|other| *other == waiter) {
                source.add(interest, waiter);
                self.waiters += 1;
            }
        } else {
            self.fired.push(waiter);
        }
    }

    /// Takes back every waiter of this task on this source.
    pub(crate) fn unwatch(&mut self, id: SourceId, task: TaskKey) {
        let Some(source) = live(&mut self.sources, id) else {
            return;
        };
        for interest in [Interest::Read, Interest::Write] {
            self.waiters -= source.remove(interest, |waiter| waiter.task == task);
        }
    }

    /// Fires the parked operations of `object` in one direction; tells whether there were any.
    pub fn fire_object(&mut self, fd: RawFd, interest: Interest, object: usize) -> bool {
        let Some(source) = self.known(fd).and_then(|id| live(&mut self.sources, id)) else {
            return false;
        };
        let count = source.remove(interest, |waiter| {
            let hit = waiter.object == object;
            if hit {
                self.fired.push(*waiter);
            }
            hit
        });
        source.maybe_readable = true;
        source.maybe_writable = true;
        self.waiters -= count;
        count > 0
    }

    /// How many waiters are registered.
    #[must_use]
    pub fn waiters(&self) -> usize {
        self.waiters
    }

    /// Whether waiters have fired and were not forgotten since.
    #[must_use]
    pub(crate) fn has_fired(&self) -> bool {
        !self.fired.is_empty()
    }

    /// The waiter that has fired at this place in the order of events, if so many have.
    #[inline]
    #[must_use]
    pub fn fired(&self, place: usize) -> Option<Waiter> {
        self.fired.get(place).copied()
    }

    /// Forgets the waiters that have fired.
    #[inline]
    pub(crate) fn forget_fired(&mut self) {
        self.fired.clear();
    }
}
