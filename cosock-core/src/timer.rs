//! Deadlines, most of which are moved or taken back before they come.
//!
//! A timer belongs to one owner for life. Moving a deadline further away, or cancelling it, touches only the timer: its
//! entry in the queue stays and is put right when it comes up. So a socket whose every read has a 30 s timeout costs a
//! store per read. Entries left behind are bounded by the number of timers, and [`Timers::next_deadline`] never reports
//! one.

mod radix_heap;

use std::cmp::Reverse;
use std::collections::TryReserveError;
use std::num::NonZeroU32;

use crate::clock::Time;
use crate::places::Places;
use crate::room::reserve;
use radix_heap::{Entry, RadixHeap, Revise, Sequence};

/// Names one timer; valid until [`Timers::remove`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerId(NonZeroU32);

impl TimerId {
    /// That of the timer at `place`: one more, so that an `Option` of it takes no more room.
    fn at(place: u32) -> TimerId {
        TimerId(NonZeroU32::MIN.saturating_add(place))
    }

    fn place(self) -> u32 {
        self.0.get() - 1
    }
}

#[derive(Debug)]
struct Timer<K> {
    deadline: Option<Time>,
    /// The time under which its entry is queued, never later than the deadline. Entries of it under other times are
    /// left behind.
    queued: Option<Time>,
    sequence: Sequence,
    owner: K,
}

/// How many entries may be left behind, however few timers there are.
const MOST_LEFT: usize = 64;

/// All timers of one scheduler, each owned by a `K`.
#[derive(Debug)]
pub struct Timers<K> {
    queue: RadixHeap,
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
            queue: RadixHeap::new(),
            timers: Vec::new(),
            free: Places::new(),
            armed: 0,
            sequence: Sequence(0),
        }
    }

    /// Makes room for so many timers in all, but not for their entries, which move from one list to another.
    ///
    /// # Errors
    ///
    /// There is no memory for that.
    pub fn try_reserve(&mut self, timers: usize) -> Result<(), TryReserveError> {
        reserve(&mut self.timers, timers)?;
        self.free.try_reserve(timers)
    }

    /// Makes room for the entry of a deadline, where it is the next to be set.
    ///
    /// # Errors
    ///
    /// There is no memory for that.
    pub(crate) fn try_reserve_entry(&mut self, deadline: Time) -> Result<(), TryReserveError> {
        self.queue.try_reserve(deadline)
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
            self.queue.push(Entry {
                time: deadline,
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
    pub(crate) fn next_look(&self) -> Option<Time> {
        if self.queue.is_lossy() {
            return self.first().map(|(deadline, ..)| deadline);
        }
        self.queue.next_look()
    }

    /// The earliest deadline of all.
    pub fn next_deadline(&mut self) -> Option<Time> {
        let earliest = self.queue.earliest(self.timers.as_mut_slice());
        if self.queue.is_lossy() {
            return self.first().map(|(deadline, ..)| deadline);
        }
        earliest
    }

    /// Takes the earliest timer that is due at `now`, with its owner, and disarms it.
    pub fn expire(&mut self, now: Time) -> Option<(TimerId, K)> {
        if self.queue.is_lossy() {
            self.queue_anew();
        }
        let timers = self.timers.as_mut_slice();
        let entry = self.queue.pop(now, self.sequence, timers);
        if self.queue.is_lossy() {
            // An earlier one may have been dropped. This one's timer is still armed.
            return self.expire_first(now);
        }
        let entry = entry?;
        self.armed -= 1;
        let timer = &mut timers[entry.timer as usize];
        timer.deadline = None;
        timer.queued = None;
        Some((TimerId::at(entry.timer), timer.owner))
    }

    /// Makes all entries anew after some were dropped, as far as there is memory for them now.
    #[cold]
    fn queue_anew(&mut self) {
        self.queue.clear();
        for (place, timer) in self.timers.iter_mut().enumerate() {
            timer.queued = timer.deadline;
            if let Some(deadline) = timer.deadline {
                self.queue.push(Entry {
                    time: deadline,
                    sequence: timer.sequence,
                    timer: place as u32,
                });
            }
            if self.queue.is_lossy() {
                return;
            }
        }
    }

    /// [`Timers::expire`] without the queue, some of whose entries were dropped.
    #[cold]
    fn expire_first(&mut self, now: Time) -> Option<(TimerId, K)> {
        let (deadline, _, place) = self.first()?;
        if deadline > now {
            return None;
        }
        self.armed -= 1;
        let timer = &mut self.timers[place];
        timer.deadline = None;
        Some((TimerId::at(place as u32), timer.owner))
    }

    /// The timer that comes first: its deadline, what comes before others of the same one, and its place.
    fn first(&self) -> Option<(Time, Reverse<u32>, usize)> {
        let timers = self.timers.iter().enumerate();
        timers
            .filter_map(|(place, timer)| {
                let age = timer.sequence.age(self.sequence);
                Some((timer.deadline?, Reverse(age), place))
            })
            .min()
    }

    /// Drops what is left behind when it is as much as the rest.
    #[inline]
    fn limit_left(&mut self) {
        let living = self.timers.len() - self.free.len();
        if self.queue.len() > 2 * living + MOST_LEFT {
            self.queue.revise_all(self.timers.as_mut_slice());
        }
    }
}

impl<K> Revise for [Timer<K>] {
    /// An entry that comes up gets the deadline that its timer has now. There is none if the timer was cancelled, or
    /// has another entry since.
    #[inline]
    fn revise(&mut self, entry: Entry) -> Option<Entry> {
        let timer = &mut self[entry.timer as usize];
        if timer.queued != Some(entry.time) {
            return None;
        }
        timer.queued = timer.deadline;
        Some(Entry {
            time: timer.deadline?,
            sequence: timer.sequence,
            timer: entry.timer,
        })
    }
}

impl<K: Copy> Default for Timers<K> {
    fn default() -> Self {
        Timers::new()
    }
}

#[cfg(test)]
mod tests;
