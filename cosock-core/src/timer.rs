//! Deadlines in order: a 4-ary heap whose entries can be moved and truly removed.
//!
//! A timer belongs to one owner for life. Moving a deadline further away, or cancelling it, touches
//! only the timer: its heap entry stays and is put right when it comes up. So a socket whose every
//! read has a 30 s timeout costs a store per read, not a heap operation. Entries left behind are
//! bounded by the number of timers, and [`Timers::next_deadline`] never reports one of them.

use std::num::NonZeroU32;

use crate::clock::Time;

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

/// The four below an entry take as much as a line of the cache, in one or two of them.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Never later than the timer's deadline.
    queued: Time,
    /// Order among equal deadlines: first set, first fired.
    sequence: Sequence,
    timer: u32,
}

/// Counts how often timers were set. It may begin anew: those with equal deadlines were set within moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sequence(u32);

impl Sequence {
    fn next(self) -> Sequence {
        Sequence(self.0.wrapping_add(1))
    }

    fn before(self, other: Sequence) -> bool {
        (self.0.wrapping_sub(other.0) as i32) < 0
    }
}

impl Entry {
    fn before(&self, other: &Entry) -> bool {
        self.queued < other.queued
            || (self.queued == other.queued && self.sequence.before(other.sequence))
    }
}

const NOT_QUEUED: u32 = u32::MAX;

#[derive(Debug)]
struct Timer<K> {
    deadline: Option<Time>,
    sequence: Sequence,
    owner: K,
    position: u32,
}

/// All timers of one scheduler, each owned by a `K`.
#[derive(Debug)]
pub struct Timers<K> {
    heap: Vec<Entry>,
    timers: Vec<Timer<K>>,
    free: Vec<u32>,
    armed: usize,
    sequence: Sequence,
}

impl<K: Copy> Timers<K> {
    /// No timers.
    #[must_use]
    pub fn new() -> Self {
        Timers {
            heap: Vec::new(),
            timers: Vec::new(),
            free: Vec::new(),
            armed: 0,
            sequence: Sequence(0),
        }
    }

    /// Makes a timer without a deadline.
    pub fn add(&mut self, owner: K) -> TimerId {
        let timer = Timer {
            owner,
            deadline: None,
            sequence: Sequence(0),
            position: NOT_QUEUED,
        };
        if let Some(index) = self.free.pop() {
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
        let position = timer.position;
        if position == NOT_QUEUED {
            let entry = Entry {
                queued: deadline,
                sequence: self.sequence,
                timer: id.place(),
            };
            self.heap.push(entry);
            self.sift_up(self.heap.len() - 1);
        } else if deadline < self.heap[position as usize].queued {
            let entry = &mut self.heap[position as usize];
            entry.queued = deadline;
            entry.sequence = self.sequence;
            self.sift_up(position as usize);
        }
    }

    /// Takes the deadline away; the timer stays usable.
    pub fn cancel(&mut self, id: TimerId) {
        if self.timers[id.place() as usize].deadline.take().is_some() {
            self.armed -= 1;
        }
    }

    /// Ends the timer: nothing of it stays behind.
    pub fn remove(&mut self, id: TimerId) {
        self.cancel(id);
        let position = self.timers[id.place() as usize].position;
        if position != NOT_QUEUED {
            self.take_entry(position as usize);
        }
        self.free.push(id.place());
    }

    /// How many timers have a deadline.
    #[must_use]
    pub fn armed(&self) -> usize {
        self.armed
    }

    /// The earliest deadline of all.
    pub fn next_deadline(&mut self) -> Option<Time> {
        loop {
            let first = *self.heap.first()?;
            match self.timers[first.timer as usize].deadline {
                Some(deadline) if deadline == first.queued => return Some(deadline),
                _ => self.put_right(first),
            }
        }
    }

    /// Takes the earliest timer that is due at `now`, with its owner, and disarms it.
    pub fn expire(&mut self, now: Time) -> Option<(TimerId, K)> {
        loop {
            let first = *self.heap.first()?;
            if first.queued > now {
                return None;
            }
            let timer = &mut self.timers[first.timer as usize];
            match timer.deadline {
                // Not set again since, be it to the same deadline: that puts it behind others.
                Some(deadline) if (deadline, timer.sequence) == (first.queued, first.sequence) => {
                    timer.deadline = None;
                    let owner = timer.owner;
                    self.armed -= 1;
                    self.take_entry(0);
                    return Some((TimerId::at(first.timer), owner));
                }
                _ => self.put_right(first),
            }
        }
    }

    /// Re-queues or drops the first entry, whose timer was moved or cancelled since.
    fn put_right(&mut self, first: Entry) {
        let timer = &self.timers[first.timer as usize];
        match timer.deadline {
            Some(deadline) => {
                self.heap[0].queued = deadline;
                self.heap[0].sequence = timer.sequence;
                self.sift_down(0);
            }
            None => self.take_entry(0),
        }
    }

    fn take_entry(&mut self, position: usize) {
        let entry = self.heap.swap_remove(position);
        self.timers[entry.timer as usize].position = NOT_QUEUED;
        if position < self.heap.len() {
            self.sift_up(position);
            self.sift_down(position);
        }
    }

    fn place(&mut self, position: usize, entry: Entry) {
        self.timers[entry.timer as usize].position = position as u32;
        self.heap[position] = entry;
    }

    fn sift_up(&mut self, mut position: usize) {
        let entry = self.heap[position];
        while position > 0 {
            let parent = (position - 1) / 4;
            if !entry.before(&self.heap[parent]) {
                break;
            }
            self.place(position, self.heap[parent]);
            position = parent;
        }
        self.place(position, entry);
    }

    fn sift_down(&mut self, mut position: usize) {
        let entry = self.heap[position];
        loop {
            let first = position * 4 + 1;
            let last = (first + 4).min(self.heap.len());
            let Some(least) = (first..last).reduce(|best, child| {
                if self.heap[child].before(&self.heap[best]) {
                    child
                } else {
                    best
                }
            }) else {
                break;
            };
            if !self.heap[least].before(&entry) {
                break;
            }
            self.place(position, self.heap[least]);
            position = least;
        }
        self.place(position, entry);
    }
}

impl<K: Copy> Default for Timers<K> {
    fn default() -> Self {
        Timers::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn start() -> Time {
        Clock::new().now()
    }

    fn at(start: Time, seconds: u32) -> Time {
        start.after(f64::from(seconds)).expect("representable")
    }

    fn expired<K: Copy>(timers: &mut Timers<K>, now: Time) -> Option<K> {
        timers.expire(now).map(|(_, owner)| owner)
    }

    #[test]
    fn timers_fire_in_deadline_order_and_equal_ones_in_the_order_they_were_set() {
        let zero = start();
        let mut timers = Timers::new();
        for (owner, seconds) in [(1, 3), (2, 1), (3, 2), (4, 1), (5, 3)] {
            let id = timers.add(owner);
            timers.set(id, at(zero, seconds));
        }
        let fired: Vec<_> = std::iter::from_fn(|| expired(&mut timers, at(zero, 9))).collect();
        assert_eq!(fired, [2, 4, 3, 1, 5]);
        assert_eq!(timers.armed(), 0);
    }

    #[test]
    fn order_outlasts_the_count_of_all_that_were_set() {
        let zero = start();
        let mut timers = Timers::new();
        timers.sequence = Sequence(u32::MAX - 2);
        for owner in 1..=5 {
            let id = timers.add(owner);
            timers.set(id, at(zero, 1));
        }
        let fired: Vec<_> = std::iter::from_fn(|| expired(&mut timers, at(zero, 1))).collect();
        assert_eq!(fired, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_timer_takes_no_more_room_than_it_did() {
        assert!(size_of::<Timer<u32>>() + size_of::<Entry>() <= 40);
    }

    #[test]
    fn a_deadline_that_is_exactly_due_fires() {
        let zero = start();
        let mut timers = Timers::new();
        let id = timers.add(());
        timers.set(id, at(zero, 1));
        assert_eq!(expired(&mut timers, zero), None);
        assert_eq!(expired(&mut timers, at(zero, 1)), Some(()));
        assert_eq!(expired(&mut timers, at(zero, 1)), None);
    }

    #[test]
    fn a_moved_deadline_fires_once_at_its_last_place() {
        let zero = start();
        let mut timers = Timers::new();
        let id = timers.add('a');
        timers.set(id, at(zero, 5));
        timers.set(id, at(zero, 9));
        assert_eq!(expired(&mut timers, at(zero, 6)), None, "moved away");
        assert_eq!(timers.next_deadline(), Some(at(zero, 9)));
        timers.set(id, at(zero, 2));
        assert_eq!(expired(&mut timers, at(zero, 3)), Some('a'), "moved near");
        assert_eq!(expired(&mut timers, at(zero, 99)), None);
    }

    #[test]
    fn a_cancelled_timer_is_never_the_next_deadline() {
        let zero = start();
        let mut timers = Timers::new();
        let (first, second) = (timers.add(1), timers.add(2));
        timers.set(first, at(zero, 1));
        timers.set(second, at(zero, 2));
        timers.cancel(first);
        assert_eq!(timers.next_deadline(), Some(at(zero, 2)));
        timers.cancel(second);
        assert_eq!(timers.next_deadline(), None);
        assert_eq!(timers.armed(), 0);
    }

    #[test]
    fn a_removed_timer_leaves_nothing_and_its_place_is_used_again() {
        let zero = start();
        let mut timers = Timers::new();
        let ids: Vec<_> = (0..100).map(|owner| timers.add(owner)).collect();
        for (index, id) in ids.iter().enumerate() {
            timers.set(*id, at(zero, (index as u32 * 37) % 100));
        }
        for id in &ids {
            timers.remove(*id);
        }
        assert!(timers.heap.is_empty());
        timers.add(7);
        assert_eq!(timers.timers.len(), 100);
    }

    #[test]
    fn a_million_moves_do_not_grow_the_heap() {
        let zero = start();
        let mut timers = Timers::new();
        let id = timers.add(());
        for second in 0..1_000_000 {
            timers.set(id, at(zero, second));
            timers.cancel(id);
        }
        assert_eq!(timers.heap.len(), 1);
    }

    /// Random operations against a plain list of deadlines.
    #[test]
    fn random_operations_agree_with_a_sorted_list() {
        for seed in 1..=20 {
            compare_with_a_sorted_list(seed, 5_000);
        }
    }

    fn compare_with_a_sorted_list(seed: u32, steps: u64) {
        let zero = start();
        let mut timers = Timers::new();
        let ids: Vec<_> = (0..50usize).map(|owner| timers.add(owner)).collect();
        let mut model: Vec<Option<(Time, u64)>> = vec![None; 50];
        let mut random = seed;
        let mut next = |bound: u32| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 8) % bound
        };
        for step in 0..steps {
            let owner = next(50) as usize;
            match next(4) {
                0 => {
                    timers.cancel(ids[owner]);
                    model[owner] = None;
                }
                1 => {
                    let now = at(zero, next(100));
                    let due = model
                        .iter()
                        .enumerate()
                        .filter_map(|(index, set)| set.map(|(time, order)| (time, order, index)))
                        .filter(|(time, _, _)| *time <= now)
                        .min();
                    let expired = expired(&mut timers, now);
                    assert_eq!(expired, due.map(|(_, _, index)| index), "seed {seed}");
                    if let Some((_, _, index)) = due {
                        model[index] = None;
                    }
                }
                _ => {
                    let deadline = at(zero, next(100));
                    timers.set(ids[owner], deadline);
                    model[owner] = Some((deadline, step));
                }
            }
            assert_eq!(
                timers.next_deadline(),
                model.iter().flatten().map(|(time, _)| *time).min()
            );
        }
    }
}
