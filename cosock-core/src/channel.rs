//! Where a channel's messages stand: a ring of slots, without the messages.
//!
//! The values belong to the language above; it keeps them in slots `0..capacity` of its own and
//! asks here which slot is next. Both ends are O(1) at any depth.

const FIRST_CAPACITY: usize = 4;
/// An emptied ring larger than this, some kilobytes of values, is given back.
const KEPT_CAPACITY: usize = 256;

/// Slot arithmetic of one channel's queue.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ring {
    head: usize,
    len: usize,
    capacity: usize,
}

/// How the slots have to be laid out anew before the next push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// The slot of the oldest message in the old layout.
    pub head: usize,
    /// How many messages there are; they move to slots `0..len`.
    pub len: usize,
    /// How many slots the old layout had.
    pub old: usize,
    /// How many slots the new layout has.
    pub new: usize,
}

impl Ring {
    /// How many messages wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no message waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The growth that must be carried out, and then reported by [`Ring::grown`], before a push.
    #[must_use]
    pub fn growth(&self) -> Option<Growth> {
        (self.len == self.capacity).then(|| Growth {
            head: self.head,
            len: self.len,
            old: self.capacity,
            new: (self.capacity * 2).max(FIRST_CAPACITY),
        })
    }

    /// Takes over the new layout.
    pub fn grown(&mut self, growth: Growth) {
        self.head = 0;
        self.capacity = growth.new;
    }

    /// The slot for the next message. There must be room.
    pub fn push(&mut self) -> usize {
        debug_assert!(self.len < self.capacity, "no room");
        let slot = (self.head + self.len) & (self.capacity - 1);
        self.len += 1;
        slot
    }

    /// The slot of the oldest message, which is free from now on.
    pub fn pop(&mut self) -> Option<usize> {
        if self.len == 0 {
            return None;
        }
        let slot = self.head;
        self.head = (self.head + 1) & (self.capacity - 1);
        self.len -= 1;
        Some(slot)
    }

    /// The slot of the message at `position`, counted from the oldest at 0.
    #[must_use]
    pub fn slot(&self, position: usize) -> Option<usize> {
        (position < self.len).then(|| (self.head + position) & (self.capacity - 1))
    }

    /// How many slots there are.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many messages were taken and how many put, both less the same number: modulo the capacity they are
    /// the slots of the oldest message and of the next. Whoever counts on reports it by [`Ring::recount`].
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.head, self.head + self.len)
    }

    /// Takes over what was counted elsewhere. There are no more messages than slots, whatever the counts say.
    pub fn recount(&mut self, taken: usize, put: usize) {
        self.head = taken & self.capacity.saturating_sub(1);
        self.len = put.saturating_sub(taken).min(self.capacity);
    }

    /// Whether the ring is too large to be kept when it is empty.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.capacity > KEPT_CAPACITY
    }

    /// Whether the ring is empty, and large enough to be given back.
    #[must_use]
    pub fn is_worth_giving_back(&self) -> bool {
        self.len == 0 && self.is_large()
    }

    /// Gives the ring back if it is worth it; it then starts anew.
    pub fn give_back(&mut self) -> bool {
        let worth = self.is_worth_giving_back();
        if worth {
            *self = Ring::default();
        }
        worth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ring with its values, as the language above keeps them.
    #[derive(Default)]
    struct Queue {
        ring: Ring,
        slots: Vec<Option<u32>>,
    }

    impl Queue {
        fn push(&mut self, value: u32) {
            if let Some(growth) = self.ring.growth() {
                let mut slots = vec![None; growth.new];
                for (position, slot) in slots.iter_mut().enumerate().take(growth.len) {
                    *slot = self.slots[(growth.head + position) % growth.old];
                }
                self.slots = slots;
                self.ring.grown(growth);
            }
            let slot = self.ring.push();
            assert_eq!(self.slots[slot].replace(value), None, "slot in use");
        }

        fn pop(&mut self) -> Option<u32> {
            let slot = self.ring.pop()?;
            self.slots[slot].take()
        }
    }

    #[test]
    fn messages_leave_in_the_order_they_came_through_every_growth() {
        let mut queue = Queue::default();
        let (mut sent, mut received) = (0, 0);
        for round in 0..200 {
            for _ in 0..round % 17 {
                queue.push(sent);
                sent += 1;
            }
            for _ in 0..round % 13 {
                if let Some(value) = queue.pop() {
                    assert_eq!(value, received);
                    received += 1;
                }
            }
        }
        while let Some(value) = queue.pop() {
            assert_eq!(value, received);
            received += 1;
        }
        assert_eq!(sent, received);
    }

    #[test]
    fn counts_go_on_elsewhere() {
        let mut queue = Queue::default();
        for value in 0..6 {
            queue.push(value);
        }
        assert_eq!((queue.pop(), queue.pop()), (Some(0), Some(1)));
        let (mut taken, mut put) = queue.ring.counts();
        let mask = queue.ring.capacity() - 1;
        for value in 6..100 {
            assert_eq!(queue.slots[put & mask].replace(value), None, "slot in use");
            put += 1;
            assert_eq!(queue.slots[taken & mask].take(), Some(value - 4));
            taken += 1;
        }
        queue.ring.recount(taken, put);
        assert_eq!(queue.ring.len(), 4);
        for value in 96..100 {
            assert_eq!(queue.pop(), Some(value));
        }
    }

    #[test]
    fn counts_that_cannot_be_leave_a_ring_of_its_size() {
        let mut ring = Ring::default();
        ring.recount(7, usize::MAX);
        assert!(ring.is_empty());
        if let Some(growth) = ring.growth() {
            ring.grown(growth);
        }
        ring.recount(7, usize::MAX);
        assert_eq!(ring.len(), ring.capacity());
        ring.recount(8, 7);
        assert!(ring.is_empty());
    }

    #[test]
    fn a_large_ring_is_given_back_only_when_it_is_empty() {
        let mut queue = Queue::default();
        for value in 0..=KEPT_CAPACITY as u32 {
            queue.push(value);
        }
        assert!(!queue.ring.give_back());
        while queue.pop().is_some() {}
        assert!(queue.ring.give_back());
        assert_eq!(
            queue.ring.growth().map(|growth| growth.new),
            Some(FIRST_CAPACITY)
        );
    }
}
