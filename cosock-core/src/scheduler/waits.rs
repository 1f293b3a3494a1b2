//! What tasks wait for beside their deadlines. Those that only sleep need no room for it.

use super::{Kind, Lists, Phase, Scheduler, TaskKey, Wait};
use crate::clock::Time;
use crate::reactor::Interest;

/// What a task waits for, where that is more than its deadline.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Its operation or its select. Nothing where it waits for a message: the queue is in `object`.
    pub(super) wait: Wait,
    /// The number of the wait, by which its wakes are told from those of older ones; 0 when it is over.
    pub(super) serial: u64,
    /// When the wait is over; the timer is set to it while the task is parked.
    pub(super) deadline: Option<Time>,
    /// Whether the deadline has passed.
    pub(super) timed_out: bool,
    /// Whether its operation has a waiter on the source of its socket. When a socket gets another source, the waiters
    /// of the old one fire.
    pub(super) watching: bool,
    /// Identity of the object that is waited on; for a select, how many there are (see [`Scheduler::set_lists`]).
    pub(super) object: u64,
    /// The epoch that the operation's socket had when the operation began.
    pub(super) epoch: u32,
}

impl Waiting {
    /// Whether something but a timer would wake the task.
    #[inline]
    pub(super) fn is_registered(&self) -> bool {
        self.watching || matches!(self.wait, Wait::Select(_))
    }
}

impl Scheduler {
    /// What the task waits for.
    #[must_use]
    pub fn wait_of(&self, key: TaskKey) -> &Wait {
        let waits = self.look(key).filter(|task| task.phase != Phase::Running);
        match waits.map(|task| task.kind) {
            None | Some(Kind::Nothing) => &Wait::Nothing,
            Some(Kind::Sleep) => &Wait::Sleep,
            Some(Kind::Message) => &Wait::Message,
            Some(Kind::Line | Kind::Operation | Kind::Select) => {
                let waiting = self.waits.get(key.index as usize);
                waiting.map_or(&Wait::Nothing, |waiting| &waiting.wait)
            }
        }
    }

    /// Lets go of what the task at a place has waited for; no wake finds it any more.
    #[inline]
    pub(super) fn drop_wait(&mut self, place: u32) {
        if let Some(waiting) = self.waits.get_mut(place as usize) {
            waiting.serial = 0;
            if let Wait::Operation(operation) = std::mem::take(&mut waiting.wait) {
                self.drop_lookup(&operation);
            }
        }
    }

    /// What a living task waits for, where it has waited for more than time.
    pub(super) fn waiting(&mut self, key: TaskKey) -> Option<&mut Waiting> {
        if self.is_alive(key) {
            self.waits.get_mut(key.index as usize)
        } else {
            None
        }
    }

    /// How many objects the task's wait is for, or its last one was: to receive from, and to send to.
    #[must_use]
    pub fn lists(&self, key: TaskKey) -> (u32, u32) {
        match self.look(key).map(|task| task.lists) {
            Some(Lists::One(Interest::Read)) => (1, 0),
            Some(Lists::One(Interest::Write)) => (0, 1),
            Some(Lists::Many) => {
                let counts =
                    (self.waits.get(key.index as usize)).map_or(0, |waiting| waiting.object);
                (counts as u32, (counts >> 32) as u32)
            }
            Some(Lists::Empty) | None => (0, 0),
        }
    }

    /// Notes how many these are, for a select, which need not have an element for each.
    pub fn set_lists(&mut self, key: TaskKey, receivers: u32, senders: u32) {
        if let Some(task) = self.task(key) {
            task.lists = Lists::Many;
            let waiting = waiting_at(&mut self.waits, key.index);
            waiting.object = u64::from(senders) << 32 | u64::from(receivers);
        }
    }
}

/// What the task at a place waits for, for which room is made if there is none.
#[inline(always)]
pub(super) fn waiting_at(waits: &mut Vec<Waiting>, place: u32) -> &mut Waiting {
    if place as usize >= waits.len() {
        make_room(waits, place);
    }
    &mut waits[place as usize]
}

#[cold]
#[inline(never)]
fn make_room(waits: &mut Vec<Waiting>, place: u32) {
    waits.resize_with(place as usize + 1, Waiting::default);
}
