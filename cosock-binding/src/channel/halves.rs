//! Finds the queue of a half of a channel, as every send and receive has to.
//!
//! The hash table is our own: with an `FxHashMap` in a `RefCell` it takes 40 instructions more to find a queue, 3.5 % of a
//! message there and back, and as much of one that is there when it is asked for.

use std::cell::Cell;
use std::collections::TryReserveError;
use std::ptr;

use super::Queue;

/// How many entries there are at least.
const FEWEST: usize = 64;

/// The identity of a half's metatable, and the queue.
type Entry = Cell<(usize, *const Queue)>;

const NOTHING: (usize, *const Queue) = (0, ptr::null());

/// The queues of all halves, by the identities of the halves' metatables: a hash table with open addressing, at
/// most half full.
#[derive(Debug)]
pub(crate) struct Halves {
    /// `mask + 1` entries, a power of two, in a box of ours: found with one load, and no check of a bound.
    entries: Cell<*const Entry>,
    mask: Cell<usize>,
    /// How many entries are in use.
    used: Cell<usize>,
    /// How many queues were forgotten, wrapping.
    forgotten: Cell<u32>,
    /// What is left when the state has closed.
    last: Entry,
}

impl Default for Halves {
    fn default() -> Self {
        let halves = Halves {
            entries: Cell::new(ptr::null()),
            mask: Cell::new(0),
            used: Cell::new(0),
            forgotten: Cell::new(0),
            last: Cell::new(NOTHING),
        };
        halves.fill(vec![Cell::new(NOTHING); FEWEST]);
        halves
    }
}

impl Halves {
    #[inline]
    fn entry(&self, place: usize) -> &Entry {
        debug_assert!(place <= self.mask.get());
        // SAFETY: there are `mask + 1` entries, until `resize` or `close`; neither runs while one is used.
        unsafe { &*self.entries.get().add(place) }
    }

    /// Where the entry of a metatable is if no other came before. Tables lie at regular distances, so that their
    /// addresses alone would meet often.
    #[inline]
    fn home(&self, metatable: usize) -> usize {
        let spread = (metatable as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (spread >> 32) as usize & self.mask.get()
    }

    #[inline]
    fn after(&self, place: usize) -> usize {
        (place + 1) & self.mask.get()
    }

    /// The queue of the half with this metatable, until the queue is finalized.
    ///
    /// The reference is good while the half, its metatable or its queue is anchored.
    #[inline]
    pub(super) fn find<'a>(&self, metatable: usize) -> Option<&'a Queue> {
        let mut place = self.home(metatable);
        loop {
            let (known, queue) = self.entry(place).get();
            if known == 0 {
                return None;
            }
            if known == metatable {
                // SAFETY: an entry is there only until its queue is finalized, which is before its memory
                // ends; and until then the queue keeps the metatable, so that no other has its address.
                return Some(unsafe { &*queue });
            }
            place = self.after(place);
        }
    }

    /// Remembers a new queue, whose halves have these metatables, unless there is no memory for that.
    pub(super) fn remember(
        &self,
        queue: &Queue,
        metatables: [usize; 2],
    ) -> Result<(), TryReserveError> {
        if self.is_closed() {
            return Ok(());
        }
        let used = self.used.get() + metatables.len();
        let count = self.mask.get() + 1;
        if 2 * used > count {
            self.resize(2 * count)?;
        }
        self.used.set(used);
        for metatable in metatables {
            self.enter((metatable, queue));
        }
        Ok(())
    }

    fn enter(&self, entry: (usize, *const Queue)) {
        let mut place = self.home(entry.0);
        while self.entry(place).get().0 != 0 {
            place = self.after(place);
        }
        self.entry(place).set(entry);
    }

    /// Forgets a queue that is being finalized, and had these metatables.
    pub(super) fn forget(&self, metatables: [usize; 2]) {
        self.forgotten.set(self.forgotten.get().wrapping_add(1));
        // A queue that is finalized already has none.
        for metatable in metatables.into_iter().filter(|metatable| *metatable != 0) {
            self.remove(metatable);
        }
        let count = self.mask.get() + 1;
        if count > FEWEST && 8 * self.used.get() < count {
            // Without memory for it, it stays as large as it is.
            let _ = self.resize(count / 2);
        }
    }

    fn remove(&self, metatable: usize) {
        let mut place = self.home(metatable);
        while self.entry(place).get().0 != metatable {
            if self.entry(place).get().0 == 0 {
                return;
            }
            place = self.after(place);
        }
        self.used.set(self.used.get() - 1);
        self.entry(place).set(NOTHING);
        // Those behind it may have been kept from their places by it.
        loop {
            place = self.after(place);
            let entry = self.entry(place).replace(NOTHING);
            if entry.0 == 0 {
                return;
            }
            self.enter(entry);
        }
    }

    /// Changes with each queue that is forgotten.
    #[inline]
    pub(super) fn forgotten(&self) -> u32 {
        self.forgotten.get()
    }

    /// Moves what there is to so many entries.
    fn resize(&self, count: usize) -> Result<(), TryReserveError> {
        debug_assert!(count.is_power_of_two() && count >= 2 * self.used.get());
        let mut entries = Vec::new();
        entries.try_reserve_exact(count)?;
        entries.resize(count, Cell::new(NOTHING));
        let old = self.take();
        self.fill(entries);
        for entry in &old {
            if entry.get().0 != 0 {
                self.enter(entry.get());
            }
        }
        Ok(())
    }

    /// Begins anew with these entries.
    fn fill(&self, entries: Vec<Entry>) {
        self.mask.set(entries.len() - 1);
        self.entries
            .set(Box::into_raw(entries.into_boxed_slice()).cast());
    }

    /// Lets go of the memory; functions that are still on the stack find nothing. It does not grow any more.
    pub(crate) fn close(&self) {
        drop(self.take());
        self.entries.set(&raw const self.last);
        self.mask.set(0);
        self.used.set(0);
    }

    fn is_closed(&self) -> bool {
        self.mask.get() == 0
    }

    /// All entries; there are none afterwards.
    fn take(&self) -> Box<[Entry]> {
        let entries = self.entries.replace(ptr::null()).cast_mut();
        if entries.is_null() {
            return Box::default();
        }
        let entries = ptr::slice_from_raw_parts_mut(entries, self.mask.get() + 1);
        // SAFETY: the box that `fill` was given, for `close` runs once; the null lets nobody take it again.
        unsafe { Box::from_raw(entries) }
    }
}

#[cfg(test)]
mod tests {
    use super::{FEWEST, Halves};
    use crate::channel::Queue;

    #[track_caller]
    fn remember(halves: &Halves, queue: &Queue, metatables: [usize; 2]) {
        halves.remember(queue, metatables).expect("there is memory");
    }

    #[test]
    fn each_half_finds_its_queue_until_that_is_forgotten() {
        let halves = Halves::default();
        let queues: Vec<Queue> = (0..1000).map(|_| Queue::default()).collect();
        // Addresses as allocators give them: at equal distances.
        let metatables = |number: usize| [number * 512 + 64, number * 512 + 320];
        let finds = |number: usize| {
            metatables(number).map(|metatable| halves.find(metatable).map(std::ptr::from_ref))
        };
        for (number, queue) in queues.iter().enumerate() {
            remember(&halves, queue, metatables(number));
        }
        for (number, queue) in queues.iter().enumerate() {
            assert_eq!(finds(number), [Some(std::ptr::from_ref(queue)); 2]);
        }
        for number in (0..1000).filter(|number| number % 3 > 0) {
            halves.forget(metatables(number));
        }
        for (number, queue) in queues.iter().enumerate() {
            let expected = (number % 3 == 0).then_some(std::ptr::from_ref(queue));
            assert_eq!(finds(number), [expected; 2]);
        }
        for number in 0..1000 {
            halves.forget(metatables(number));
            halves.forget([0; 2]);
        }
        assert_eq!((halves.used.get(), halves.mask.get()), (0, FEWEST - 1));
    }

    #[test]
    fn nothing_is_found_once_the_state_has_closed() {
        let halves = Halves::default();
        let queue = Queue::default();
        remember(&halves, &queue, [64, 128]);
        halves.close();
        assert!(halves.find(64).is_none());
        halves.forget([64, 128]);
        remember(&halves, &queue, [64, 128]);
        assert!(halves.find(64).is_none());
    }
}
