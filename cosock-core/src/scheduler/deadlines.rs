//! What is due: deadlines of tasks, and callbacks by time.

use std::collections::TryReserveError;

use super::waits::waiting_at;
use super::{Kind, Owner, Scheduler, TaskKey};
use crate::clock::Time;
use crate::timer::TimerId;

/// Seconds; a timeout below that ends on time. Others may be up to a millisecond late, as the system's poll waits for
/// whole ones: those that end in the same are dealt with together.
pub(super) const SHORT: f64 = 0.01;

impl Scheduler {
    /// When a timeout ends that begins now; never if that is beyond time.
    #[inline]
    pub(super) fn deadline_after(&mut self, timeout: f64) -> Option<Time> {
        let deadline = self.clock.now().after(timeout)?;
        if timeout < SHORT {
            self.exact_until = self.exact_until.max(deadline);
        }
        Some(deadline)
    }

    /// Fires what is due now: tasks become ready, callbacks are there for
    /// [`Scheduler::take_callback`].
    pub fn expire(&mut self) {
        if self.timers.armed() == 0 {
            return;
        }
        self.now = self.clock.now();
        while let Some((timer, owner)) = self.timers.expire(self.now) {
            if owner == Owner::CALLBACK {
                self.callbacks.extend(self.callback_numbers.get(&timer));
                continue;
            }
            let task = &mut self.tasks[owner.0 as usize];
            if task.kind != Kind::Sleep {
                waiting_at(&mut self.waits, owner.0).timed_out = true;
            }
            let key = TaskKey {
                index: owner.0,
                generation: task.generation,
            };
            self.make_ready(key);
        }
    }

    /// Moves the deadline of a task whose operation has moved bytes: each wait has its own timeout, within the
    /// `limit` of the operation as a whole.
    #[inline]
    pub(super) fn move_deadline(&mut self, place: u32, limit: Option<Time>) {
        let Some(timeout) = self.tasks[place as usize].timeout.get() else {
            return;
        };
        let deadline = match (self.deadline_after(timeout), limit) {
            (Some(each), Some(limit)) => Some(each.min(limit)),
            (each, limit) => each.or(limit),
        };
        waiting_at(&mut self.waits, place).deadline = deadline;
    }

    /// Makes a timer that reports `callback` when it is due, `timeout` seconds from now.
    ///
    /// # Errors
    ///
    /// There is no memory for one more.
    pub fn set_callback(
        &mut self,
        callback: u64,
        timeout: f64,
    ) -> Result<TimerId, TryReserveError> {
        self.callback_numbers.try_reserve(1)?;
        self.callbacks
            .try_reserve(self.callback_numbers.len() + 1)?;
        self.timers
            .try_reserve(self.tasks.capacity() + self.callback_numbers.len() + 1)?;
        // A due timer fires in the next turn.
        let deadline = if timeout <= 0.0 {
            Some(self.clock.now())
        } else {
            self.deadline_after(timeout)
        };
        if let Some(deadline) = deadline {
            self.timers.try_reserve_entry(deadline)?;
        }
        let timer = self.timers.add(Owner::CALLBACK);
        self.callback_numbers.insert(timer, callback);
        if let Some(deadline) = deadline {
            self.timers.set(timer, deadline);
        }
        Ok(timer)
    }

    /// Ends a callback's timer.
    pub fn remove_callback(&mut self, timer: TimerId) {
        self.callback_numbers.remove(&timer);
        self.timers.remove(timer);
    }

    /// How many callbacks are due.
    #[must_use]
    pub fn due_callbacks(&self) -> usize {
        self.callbacks.len()
    }

    /// The next callback that is due, in order of deadlines.
    pub fn take_callback(&mut self) -> Option<u64> {
        self.callbacks.pop_front()
    }

    /// Seconds until the next deadline of any task or callback, zero when it has passed.
    pub fn next_timeout(&mut self) -> Option<f64> {
        let deadline = self.timers.next_deadline()?;
        Some(deadline.since(self.clock.now()).as_secs_f64())
    }

    /// How many deadlines are pending.
    #[must_use]
    pub fn deadlines(&self) -> usize {
        self.timers.armed()
    }
}
