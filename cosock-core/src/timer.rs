//! Deadlines in order: sorted only when their time comes, and until then in buckets by how far ahead they are.
//!
//! A bucket holds the entries that first differ from the last reading of the clock in one binary digit. As time passes
//! a digit, its bucket is dealt out to those of lower ones: each entry moves a few times before it is due, and whatever
//! touches many of them goes through memory in order.
//!
//! A timer belongs to one owner for life. Moving a deadline further away, or cancelling it, touches only the timer: its
//! entry stays and is put right when it comes up. So a socket whose every read has a 30 s timeout costs a store per
//! read. Entries left behind are bounded by the number of timers, and [`Timers::next_deadline`] never reports one.

use std::cmp::Reverse;
use std::collections::TryReserveError;
use std::num::NonZeroU32;

use crate::clock::Time;
use crate::places::Places;
use crate::room::reserve;

/// Names one timer; valid until [`Timers::remove`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerId(NonZeroU32);

impl TimerId {
    /// That of the timer at `place`: one more, so that a timer which there may be takes no more room.
    fn at(place: u32) -> TimerId {
        TimerId(NonZeroU32::MIN.saturating_add(place))
    }

    fn place(self) -> u32 {
        self.0.get() - 1
    }
}

/// Counts how often timers were set. It may begin anew: those with equal deadlines were set within moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sequence(u32);

impl Sequence {
    fn next(self) -> Sequence {
        Sequence(self.0.wrapping_add(1))
    }

    /// How many were set since.
    fn age(self, last: Sequence) -> u32 {
        last.0.wrapping_sub(self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    /// Never later than the timer's deadline.
    queued: Time,
    /// Order among equal deadlines: first set, first fired.
    sequence: Sequence,
    timer: u32,
}

#[derive(Debug)]
struct Timer<K> {
    deadline: Option<Time>,
    /// The time under which its entry is queued. Entries of it under other times are left behind.
    queued: Option<Time>,
    sequence: Sequence,
    owner: K,
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
const KEPT: usize = 1 << 10;

/// For how many more entries there is to be room where there is no memory for twice as many.
const FEW: usize = 64;

/// How many entries may be left behind, however few timers there are.
const MOST_LEFT: usize = 64;

/// All timers of one scheduler, each owned by a `K`.
#[derive(Debug)]
pub struct Timers<K> {
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
    entries: usize,
    timers: Vec<Timer<K>>,
    free: Places,
    armed: usize,
    sequence: Sequence,
}

impl<K: Copy> Timers<K> {
    /// No timers.
    #[must_use]
    pub fn new() -> Self {
        Timers {
            reached: Time::START,
            due: Vec::new(),
            unsorted: false,
            buckets: std::array::from_fn(|_| Bucket::default()),
            filled: 0,
            entries: 0,
            timers: Vec::new(),
            free: Places::new(),
            armed: 0,
            sequence: Sequence(0),
        }
    }

    /// Makes room for so many timers in all, but not for their entries, which move from one bucket to another.
    ///
    /// # Errors
    ///
    /// There is no memory for that.
    pub fn try_reserve(&mut self, timers: usize) -> Result<(), TryReserveError> {
        reserve(&mut self.timers, timers)?;
        self.free.try_reserve(timers)
    }

    /// For how many timers there is room.
    #[cfg(test)]
    pub(crate) fn room(&self) -> usize {
        self.timers.capacity().min(self.free.capacity())
    }

    /// Makes a timer without a deadline.
    pub fn add(&mut self, owner: K) -> TimerId {
        let timer = Timer {
            owner,
            deadline: None,
            queued: None,
            sequence: Sequence(0),
        };
        if let Some(index) = self.free.take() {
            self.timers[index as usize] = timer;
            return TimerId::at(index);
        }
        self.timers.push(timer);
        TimerId::at((self.timers.len() - 1) as u32)
    }

    /// Sets or moves the deadline.
    pub fn set(&mut self, id: TimerId, deadline: Time) {
        self.sequence = self.sequence.next();
        let timer = &mut self.timers[id.place() as usize];
        if timer.deadline.is_none() {
            self.armed += 1;
        }
        timer.deadline = Some(deadline);
        timer.sequence = self.sequence;
        if timer.queued.is_none_or(|queued| deadline < queued) {
            timer.queued = Some(deadline);
            self.entries += 1;
            self.place(Entry {
                queued: deadline,
                sequence: self.sequence,
                timer: id.place(),
            });
            self.limit_left();
        }
    }

    /// Takes the deadline away; the timer stays usable.
    pub fn cancel(&mut self, id: TimerId) {
        if self.timers[id.place() as usize].deadline.take().is_some() {
            self.armed -= 1;
        }
    }

    /// Ends the timer.
    pub fn remove(&mut self, id: TimerId) {
        self.cancel(id);
        self.timers[id.place() as usize].queued = None;
        self.free.free(id.place());
        self.limit_left();
    }

    /// How many timers have a deadline.
    #[must_use]
    pub fn armed(&self) -> usize {
        self.armed
    }

    /// A time before which nothing is due. It may be earlier than the earliest deadline, if a timer was moved or
    /// cancelled; whoever waits until then puts that right by [`Timers::expire`].
    #[must_use]
    pub fn next_look(&self) -> Option<Time> {
        if !self.due.is_empty() {
            return Some(Time::START);
        }
        let lowest = self.buckets.get(self.filled.trailing_zeros() as usize)?;
        lowest.least
    }

    /// The earliest deadline of all.
    pub fn next_deadline(&mut self) -> Option<Time> {
        self.settle_due();
        while self.due.is_empty() && self.filled != 0 {
            let lowest = self.filled.trailing_zeros() as usize;
            self.settle(lowest);
            if self.filled & 1 << lowest != 0 {
                return self.buckets[lowest].least;
            }
        }
        self.due.iter().map(|entry| entry.queued).min()
    }

    /// Takes the earliest timer that is due at `now`, with its owner, and disarms it.
    pub fn expire(&mut self, now: Time) -> Option<(TimerId, K)> {
        loop {
            if self.due.is_empty() && !self.reach(now) {
                return None;
            }
            if self.unsorted {
                self.sort();
            }
            let entry = self.due.pop()?;
            if entry.queued > now {
                self.due.push(entry);
                return None;
            }
            match self.stand(entry) {
                // Not set again since, be it to the same deadline: that puts it behind others.
                Some(stands) if stands == entry => {
                    self.entries -= 1;
                    self.armed -= 1;
                    let timer = &mut self.timers[entry.timer as usize];
                    timer.deadline = None;
                    timer.queued = None;
                    return Some((TimerId::at(entry.timer), timer.owner));
                }
                Some(moved) => self.place(moved),
                None => {}
            }
        }
    }

    /// Gathers what is due at `now`; tells whether there may be anything.
    fn reach(&mut self, now: Time) -> bool {
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
        self.settle_due();
        true
    }

    /// Deals out a bucket.
    fn deal_out(&mut self, bucket: usize) {
        let mut entries = std::mem::take(&mut self.buckets[bucket]).entries;
        self.filled &= !(1 << bucket);
        for entry in entries.drain(..) {
            self.place(entry);
        }
        self.give_back(bucket, entries);
    }

    /// Deals out a bucket, of which nothing is left behind.
    fn settle(&mut self, bucket: usize) {
        let mut entries = std::mem::take(&mut self.buckets[bucket]).entries;
        self.filled &= !(1 << bucket);
        for entry in entries.drain(..) {
            if let Some(entry) = self.stand(entry) {
                self.place(entry);
            }
        }
        self.give_back(bucket, entries);
    }

    /// The same for what is due.
    fn settle_due(&mut self) {
        let mut kept = 0;
        for place in 0..self.due.len() {
            match self.stand(self.due[place]) {
                Some(entry) if entry.queued <= self.reached => {
                    self.unsorted |= entry != self.due[place];
                    self.due[kept] = entry;
                    kept += 1;
                }
                Some(later) => self.place(later),
                None => {}
            }
        }
        self.due.truncate(kept);
    }

    /// Keeps the room of a bucket that was dealt out, unless it is large or there is another.
    fn give_back(&mut self, bucket: usize, room: Vec<Entry>) {
        let place = &mut self.buckets[bucket].entries;
        if place.capacity() == 0 && room.capacity() <= KEPT {
            *place = room;
        }
    }

    /// What becomes of an entry that comes up: it gets the deadline that its timer has now. `None` if the timer was
    /// cancelled, or has another entry since.
    #[inline]
    fn stand(&mut self, entry: Entry) -> Option<Entry> {
        let timer = &mut self.timers[entry.timer as usize];
        if timer.queued == Some(entry.queued) {
            timer.queued = timer.deadline;
            if let Some(deadline) = timer.deadline {
                return Some(Entry {
                    queued: deadline,
                    sequence: timer.sequence,
                    timer: entry.timer,
                });
            }
        }
        self.entries -= 1;
        None
    }

    /// Puts an entry where it belongs.
    #[inline]
    fn place(&mut self, entry: Entry) {
        if entry.queued <= self.reached {
            push(&mut self.due, entry);
            self.unsorted = true;
            return;
        }
        let number = digit(self.reached, entry.queued);
        let bucket = &mut self.buckets[number];
        push(&mut bucket.entries, entry);
        bucket.least = Some(
            bucket
                .least
                .map_or(entry.queued, |least| least.min(entry.queued)),
        );
        self.filled |= 1 << number;
    }

    fn sort(&mut self) {
        let last = self.sequence;
        self.due
            .sort_unstable_by_key(|entry| (Reverse(entry.queued), entry.sequence.age(last)));
        self.unsorted = false;
    }

    /// Drops what is left behind when it is as much as the rest.
    #[inline]
    fn limit_left(&mut self) {
        let living = self.timers.len() - self.free.len();
        if self.entries > 2 * living + MOST_LEFT {
            self.drop_left();
        }
    }

    #[cold]
    fn drop_left(&mut self) {
        self.settle_due();
        let mut filled = self.filled;
        while filled != 0 {
            self.settle(filled.trailing_zeros() as usize);
            filled &= filled - 1;
        }
    }
}

/// The highest binary digit in which two times differ.
#[inline]
fn digit(one: Time, other: Time) -> usize {
    let difference = one.nanoseconds() ^ other.nanoseconds();
    (difference | 1).ilog2() as usize
}

/// Adds an entry.
#[inline]
fn push(entries: &mut Vec<Entry>, entry: Entry) {
    if entries.len() == entries.capacity() {
        make_room(entries);
    }
    entries.push(entry);
}

/// Makes room for as many entries again, or for a few: where memory is at its end, it is Lua that tells the program.
#[cold]
fn make_room(entries: &mut Vec<Entry>) {
    if entries.try_reserve(1).is_err() {
        entries.reserve_exact(FEW);
    }
}

impl<K: Copy> Default for Timers<K> {
    fn default() -> Self {
        Timers::new()
    }
}

#[cfg(test)]
mod tests;
