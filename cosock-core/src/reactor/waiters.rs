//! Who waits for a source, in each direction, and who of them has fired.

use std::os::fd::RawFd;

use super::{Interest, Reactor, SourceId};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// Nobody.
    Nobody,
    /// Other objects, which share the descriptor.
    Others,
    /// The object itself.
    Itself,
}

impl Reactor {
    /// Who waits for this direction of the source.
    #[inline]
    #[must_use]
    pub fn company(&mut self, id: SourceId, interest: Interest, object: usize) -> Company {
        match self.live(id) {
            Some(source) => company_of(source.waiters(interest), object),
            None => Company::Nobody,
        }
    }

    /// Whether `object` has a waiter on the descriptor, which need not be registered.
    #[must_use]
    pub fn is_object_waited(&mut self, fd: RawFd, interest: Interest, object: usize) -> bool {
        self.known(fd)
            .is_some_and(|id| self.company(id, interest, object) == Company::Itself)
    }

    /// Adds a waiter of an operation, unless its object waits already, or with `alone` anybody does.
    /// Tells who waited before.
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
        let waiters = source.waiters(interest);
        let company = company_of(waiters, waiter.object);
        if company == Company::Nobody || (company == Company::Others && !alone) {
            waiters.push(waiter);
            self.waiters += 1;
        }
        company
    }

    /// Adds a waiter; it fires at the next edge, or when the source is forgotten.
    #[inline]
    pub fn watch(&mut self, id: SourceId, interest: Interest, waiter: Waiter) {
        if let Some(source) = self.live(id) {
            let waiters = source.waiters(interest);
            if !waiters.contains(&waiter) {
                waiters.push(waiter);
                self.waiters += 1;
            }
        } else {
            self.fired.push(waiter);
        }
    }

    /// Takes back every waiter of this task on this source and direction.
    pub fn unwatch(&mut self, id: SourceId, interest: Interest, task: TaskKey) {
        let Some(source) = self.live(id) else { return };
        let waiters = source.waiters(interest);
        let before = waiters.len();
        waiters.retain(|waiter| waiter.task != task);
        let removed = before - waiters.len();
        self.waiters -= removed;
    }

    /// Fires the parked operations of `object` in one direction; tells whether there were any.
    pub fn fire_object(&mut self, fd: RawFd, interest: Interest, object: usize) -> bool {
        let Some(source) = self.known(fd).and_then(|id| self.live(id)) else {
            return false;
        };
        let mut fired: Vec<Waiter> = Vec::new();
        source.waiters(interest).retain(|waiter| {
            let hit = waiter.object == object;
            if hit {
                fired.push(*waiter);
            }
            !hit
        });
        source.maybe_readable = true;
        source.maybe_writable = true;
        self.waiters -= fired.len();
        let any = !fired.is_empty();
        self.fired.append(&mut fired);
        any
    }

    /// How many waiters are registered.
    #[must_use]
    pub fn waiters(&self) -> usize {
        self.waiters
    }

    /// Whether waiters have fired and were not forgotten since.
    #[must_use]
    pub fn has_fired(&self) -> bool {
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
    pub fn forget_fired(&mut self) {
        self.fired.clear();
    }
}

#[inline]
fn company_of(waiters: &[Waiter], object: usize) -> Company {
    if waiters.is_empty() {
        Company::Nobody
    } else if waiters.iter().any(|waiter| waiter.object == object) {
        Company::Itself
    } else {
        Company::Others
    }
}

/// Moves the waiters of one direction to those that fired, unless it is one alone that `take` takes; returns how
/// many there were.
#[inline(always)]
pub(super) fn fire(
    waiters: &mut Vec<Waiter>,
    fired: &mut Vec<Waiter>,
    take: &mut impl FnMut(&Waiter) -> bool,
) -> usize {
    let count = waiters.len();
    match waiters.as_slice() {
        [] => {}
        [waiter] if fired.is_empty() && take(waiter) => waiters.clear(),
        _ => fired.append(waiters),
    }
    count
}
