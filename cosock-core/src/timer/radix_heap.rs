//! Entries in the order of their times, for a clock that only goes forward: a radix heap.
//!
//! A bucket holds the entries that first differ from the last reading of the clock in one binary digit. As time passes
//! a digit, its bucket is dealt out to those of lower ones: each entry moves a few times before it is due, and whatever
//! touches many of them goes through memory in order. Only what is due is sorted.
//!
//! An entry is not taken out before it comes up: what has become of it then, [`Revise`] tells.

use std::cmp::Reverse;
use std::collections::TryReserveError;

use crate::clock::Time;

/// Counts what is pushed, for the order among equal times. It may begin anew: those with equal times were pushed within
/// moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sequence(pub(super) u32);

impl Sequence {
    pub(super) fn next(self) -> Sequence {
        Sequence(self.0.wrapping_add(1))
    }

    /// How many came since.
    pub(super) fn age(self, last: Sequence) -> u32 {
        last.0.wrapping_sub(self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) time: Time,
    /// Order among equal times: first set, first due.
    pub(super) sequence: Sequence,
    /// The place of its timer.
    pub(super) timer: u32,
}

/// Who knows what has become of an entry since it was pushed.
pub(super) trait Revise {
    /// The entry as it is now, which may be later but not earlier; `None` if it stands for nothing any more.
    fn revise(&mut self, entry: Entry) -> Option<Entry>;
}

/// Entries in no order.
#[derive(Debug, Default)]
struct Bucket {
    entries: Vec<Entry>,
    /// The earliest of them.
    least: Option<Time>,
}

/// One for each binary digit of a time.
const BUCKETS: usize = u64::BITS as usize;

/// How many entries a bucket keeps room for when it is empty.
pub(super) const KEPT: usize = 1 << 10;

/// For how many more entries there is to be room where there is no memory for twice as many.
const FEW: usize = 64;

#[derive(Debug)]
pub(super) struct RadixHeap {
    /// The last reading of the clock. Entries in buckets are later, and are sorted by how they differ from it; those
    /// in `due` are not later.
    reached: Time,
    /// Sorted from the latest to the earliest, which is taken from its end; unless it is `unsorted`.
    due: Vec<Entry>,
    unsorted: bool,
    buckets: [Bucket; BUCKETS],
    /// Which buckets are not empty.
    filled: u64,
    /// How many entries there are.
    len: usize,
    /// Whether any was dropped for which there was no memory.
    lossy: bool,
}

impl RadixHeap {
    pub(super) fn new() -> RadixHeap {
        RadixHeap {
            reached: Time::START,
            due: Vec::new(),
            unsorted: false,
            buckets: std::array::from_fn(|_| Bucket::default()),
            filled: 0,
            len: 0,
            lossy: false,
        }
    }

    /// Whether entries were dropped for which there was no memory.
    #[inline]
    pub(super) fn is_lossy(&self) -> bool {
        self.lossy
    }

    /// Drops all entries, and gives their room back.
    pub(super) fn clear(&mut self) {
        let reached = self.reached;
        *self = RadixHeap {
            reached,
            ..RadixHeap::new()
        };
    }

    /// How many entries there are, also of those that stand for nothing any more.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Makes room for an entry of this time, where it is the next to be pushed.
    ///
    /// # Errors
    ///
    /// There is no memory for that.
    pub(super) fn try_reserve(&mut self, time: Time) -> Result<(), TryReserveError> {
        try_make_room(if time <= self.reached {
            &mut self.due
        } else {
            &mut self.buckets[digit(self.reached, time)].entries
        })
    }

    #[inline]
    pub(super) fn push(&mut self, entry: Entry) {
        self.len += 1;
        self.place(entry);
    }

    /// A time before which no entry comes up.
    pub(super) fn next_look(&self) -> Option<Time> {
        if !self.due.is_empty() {
            return Some(Time::START);
        }
        let lowest = self.buckets.get(self.filled.trailing_zeros() as usize)?;
        lowest.least
    }

    /// The earliest time of all entries as they are now.
    pub(super) fn earliest(&mut self, revise: &mut (impl Revise + ?Sized)) -> Option<Time> {
        self.revise_due(revise);
        while self.due.is_empty() && self.filled != 0 {
            let lowest = self.filled.trailing_zeros() as usize;
            self.revise_bucket(lowest, revise);
            if self.filled & 1 << lowest != 0 {
                return self.buckets[lowest].least;
            }
        }
        self.due.iter().map(|entry| entry.time).min()
    }

    /// Takes the earliest entry that is due at `now`. `last` is the last sequence that was pushed.
    pub(super) fn pop(
        &mut self,
        now: Time,
        last: Sequence,
        revise: &mut (impl Revise + ?Sized),
    ) -> Option<Entry> {
        loop {
            if self.due.is_empty() && !self.reach(now, revise) {
                return None;
            }
            if self.unsorted {
                self.sort(last);
            }
            let entry = self.due.pop()?;
            if entry.time > now {
                self.due.push(entry);
                return None;
            }
            match revise.revise(entry) {
                // Not set again since, be it to the same time: that puts it behind others.
                Some(stands) if stands == entry => {
                    self.len -= 1;
                    return Some(entry);
                }
                Some(moved) => self.place(moved),
                None => self.len -= 1,
            }
        }
    }

    /// Revises all entries, and drops those that stand for nothing any more.
    #[cold]
    pub(super) fn revise_all(&mut self, revise: &mut (impl Revise + ?Sized)) {
        self.revise_due(revise);
        let mut filled = self.filled;
        while filled != 0 {
            self.revise_bucket(filled.trailing_zeros() as usize, revise);
            filled &= filled - 1;
        }
    }

    /// Gathers what is due at `now`; tells whether there may be anything.
    fn reach(&mut self, now: Time, revise: &mut (impl Revise + ?Sized)) -> bool {
        if self.next_look().is_none_or(|least| least > now) {
            return false;
        }
        // Of the digits in which the last reading and this one differ, the highest tells what to look at: entries in
        // lower buckets are all due, some in its own are, and those in higher buckets differ from `now` in the same
        // digit as before.
        let highest = digit(self.reached, now);
        self.reached = now;
        let mut passed = self.filled & (u64::MAX >> (BUCKETS - 1 - highest));
        while passed != 0 {
            self.deal_out(passed.trailing_zeros() as usize);
            passed &= passed - 1;
        }
        self.revise_due(revise);
        true
    }

    /// Deals out a bucket.
    fn deal_out(&mut self, bucket: usize) {
        let mut entries = self.take_bucket(bucket);
        for entry in entries.drain(..) {
            self.place(entry);
        }
        self.give_back(bucket, entries);
    }

    /// Deals out a bucket, revising its entries.
    fn revise_bucket(&mut self, bucket: usize, revise: &mut (impl Revise + ?Sized)) {
        let mut entries = self.take_bucket(bucket);
        for entry in entries.drain(..) {
            match revise.revise(entry) {
                Some(entry) => self.place(entry),
                None => self.len -= 1,
            }
        }
        self.give_back(bucket, entries);
    }

    /// Revises what is due.
    fn revise_due(&mut self, revise: &mut (impl Revise + ?Sized)) {
        let mut kept = 0;
        for place in 0..self.due.len() {
            match revise.revise(self.due[place]) {
                Some(entry) if entry.time <= self.reached => {
                    self.unsorted |= entry != self.due[place];
                    self.due[kept] = entry;
                    kept += 1;
                }
                Some(later) => self.place(later),
                None => self.len -= 1,
            }
        }
        self.due.truncate(kept);
    }

    fn take_bucket(&mut self, bucket: usize) -> Vec<Entry> {
        self.filled &= !(1 << bucket);
        std::mem::take(&mut self.buckets[bucket]).entries
    }

    /// Keeps the room of a bucket that was dealt out, unless it is large or there is another.
    fn give_back(&mut self, bucket: usize, room: Vec<Entry>) {
        let place = &mut self.buckets[bucket].entries;
        if place.capacity() == 0 && room.capacity() <= KEPT {
            *place = room;
        }
    }

    /// Puts an entry where it belongs; drops it where there is no memory for that.
    #[inline]
    fn place(&mut self, entry: Entry) {
        if entry.time <= self.reached {
            self.unsorted = true;
            if !push(&mut self.due, entry) {
                self.drop_entry();
            }
            return;
        }
        let number = digit(self.reached, entry.time);
        let bucket = &mut self.buckets[number];
        if !push(&mut bucket.entries, entry) {
            return self.drop_entry();
        }
        bucket.least = Some(
            bucket
                .least
                .map_or(entry.time, |least| least.min(entry.time)),
        );
        self.filled |= 1 << number;
    }

    #[cold]
    fn drop_entry(&mut self) {
        self.len -= 1;
        self.lossy = true;
    }

    fn sort(&mut self, last: Sequence) {
        self.due
            .sort_unstable_by_key(|entry| (Reverse(entry.time), entry.sequence.age(last)));
        self.unsorted = false;
    }

    /// How many entries lie in its lists, which is what it counts.
    #[cfg(test)]
    pub(super) fn counted(&self) -> usize {
        let in_buckets = self.buckets.iter().map(|bucket| bucket.entries.len());
        self.due.len() + in_buckets.sum::<usize>()
    }

    /// How many entries the roomiest bucket has room for.
    #[cfg(test)]
    pub(super) fn most_room(&self) -> usize {
        let rooms = self.buckets.iter().map(|bucket| bucket.entries.capacity());
        rooms.max().unwrap_or_default()
    }
}

/// The highest binary digit in which two times differ.
#[inline]
fn digit(one: Time, other: Time) -> usize {
    let difference = one.nanoseconds() ^ other.nanoseconds();
    (difference | 1).ilog2() as usize
}

/// Adds an entry; tells whether there was memory for it.
#[inline]
fn push(entries: &mut Vec<Entry>, entry: Entry) -> bool {
    let fits = entries.len() < entries.capacity() || make_room(entries);
    if fits {
        entries.push(entry);
    }
    fits
}

#[cold]
fn make_room(entries: &mut Vec<Entry>) -> bool {
    try_make_room(entries).is_ok()
}

/// Makes room for as many entries again, or for a few.
fn try_make_room(entries: &mut Vec<Entry>) -> Result<(), TryReserveError> {
    #[cfg(test)]
    super::tests::lack_memory()?;
    entries
        .try_reserve(1)
        .or_else(|_| entries.try_reserve_exact(FEW))
}
