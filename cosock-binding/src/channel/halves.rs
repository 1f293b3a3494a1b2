//! The shortest way from the half of a channel to its queue.

use std::cell::Cell;
use std::ptr;

use super::Queue;

/// How many entries there are at first, and at most.
const FEWEST: usize = 64;
const MOST: usize = 1 << 16;

/// How many entries there are for each channel, at least. Two halves share one by chance, and then find
/// their queues the longer way in turn; so there are several times as many as halves.
const PER_CHANNEL: usize = 4;

/// The identity of a half's metatable, and the queue.
type Entry = Cell<(usize, *const Queue)>;

const NOTHING: (usize, *const Queue) = (0, ptr::null());

/// The queues of the halves that were used last, by the identities of the halves' metatables.
#[derive(Debug)]
pub(crate) struct Halves {
    /// `mask + 1` entries, a power of two, in a box of ours: found with one load, and no check of a bound.
    entries: Cell<*const Entry>,
    mask: Cell<usize>,
    /// How many channels there are, and how many were forgotten, wrapping.
    channels: Cell<usize>,
    forgotten: Cell<u32>,
    /// What is left when the state has closed.
    last: Entry,
}

impl Default for Halves {
    fn default() -> Self {
        let halves = Halves {
            entries: Cell::new(ptr::null()),
            mask: Cell::new(0),
            channels: Cell::new(0),
            forgotten: Cell::new(0),
            last: Cell::new(NOTHING),
        };
        halves.replace(FEWEST);
        halves
    }
}

impl Halves {
    #[inline]
    fn entry(&self, metatable: usize) -> &Entry {
        // A table takes some 64 bytes.
        let place = (metatable >> 6) & self.mask.get();
        // SAFETY: there are `mask + 1` entries, until `replace` or `close`; neither runs while one is used.
        unsafe { &*self.entries.get().add(place) }
    }

    /// The queue of the half with this metatable, if it is remembered.
    ///
    /// The reference is good while the half, its metatable or its queue is anchored.
    #[inline]
    pub(super) fn find<'a>(&self, metatable: usize) -> Option<&'a Queue> {
        let (known, queue) = self.entry(metatable).get();
        // SAFETY: an entry is there only until its queue is finalized, which is before its memory
        // ends; and until then the queue keeps the metatable, so that no other has its address.
        (known == metatable && metatable != 0).then(|| unsafe { &*queue })
    }

    /// Remembers the queue of the half with this metatable; tells whether it is that of a half.
    pub(super) fn remember(&self, metatable: usize, queue: &Queue) -> bool {
        let is_half = queue.metatables.get().contains(&metatable);
        if is_half {
            self.entry(metatable).set((metatable, queue));
        }
        is_half
    }

    /// Forgets a queue that is being finalized, and had these metatables.
    pub(super) fn forget(&self, queue: &Queue, metatables: [usize; 2]) {
        self.channels.set(self.channels.get().saturating_sub(1));
        self.forgotten.set(self.forgotten.get().wrapping_add(1));
        for metatable in metatables {
            let entry = self.entry(metatable);
            if ptr::eq(entry.get().1, queue) {
                entry.set(NOTHING);
            }
        }
    }

    /// Changes with each queue that is forgotten.
    #[inline]
    pub(super) fn forgotten(&self) -> u32 {
        self.forgotten.get()
    }

    /// Makes room for one more channel.
    pub(super) fn expect_one(&self) {
        self.channels.set(self.channels.get() + 1);
        let wanted = (self.channels.get() * PER_CHANNEL).min(MOST);
        if self.mask.get() < wanted - 1 {
            self.replace(wanted.next_power_of_two());
        }
    }

    /// So many new entries, which remember nothing.
    fn replace(&self, count: usize) {
        debug_assert!(count.is_power_of_two());
        self.free();
        let entries: Box<[Entry]> = (0..count).map(|_| Cell::new(NOTHING)).collect();
        self.entries.set(Box::into_raw(entries).cast());
        self.mask.set(count - 1);
    }

    /// Lets go of the memory; functions that are still on the stack find nothing. It does not move any more.
    pub(crate) fn close(&self) {
        self.free();
        self.entries.set(&raw const self.last);
        self.mask.set(0);
    }

    fn free(&self) {
        let entries = self.entries.replace(ptr::null()).cast_mut();
        if !entries.is_null() {
            let entries = ptr::slice_from_raw_parts_mut(entries, self.mask.get() + 1);
            // SAFETY: the box that `replace` made, for `close` runs once; the null lets nobody free it again.
            drop(unsafe { Box::from_raw(entries) });
        }
    }
}
