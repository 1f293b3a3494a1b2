//! Room in the tables that grow with the number of tasks: it is made before a task is, where a lack of memory can
//! still be reported.

use std::collections::TryReserveError;

use super::Scheduler;
use crate::room::reserve;

impl Scheduler {
    /// Makes room for so many tasks in all: in their table, in the queue of those that have not run yet, for what
    /// each waits for, and for a timer of each. What is left to grow later is small: the queue, when very many are
    /// woken at once, and the entries of timers.
    ///
    /// # Errors
    ///
    /// There is no memory for that.
    pub fn try_reserve(&mut self, tasks: usize) -> Result<(), TryReserveError> {
        let more = tasks.saturating_sub(self.tasks.len());
        self.tasks.try_reserve(more)?;
        self.ready.try_reserve(more)?;
        // All of them may have something to wait for, a deadline, or be over.
        let tasks = self.tasks.capacity();
        reserve(&mut self.waits, tasks)?;
        self.timers
            .try_reserve(tasks + self.callback_numbers.len())?;
        self.free.try_reserve(tasks)
    }
}

#[cfg(test)]
mod tests {
    use crate::scheduler::Scheduler;

    const TASKS: usize = 10_000;

    /// The room in each table.
    fn room(core: &Scheduler) -> [usize; 5] {
        [
            core.tasks.capacity(),
            core.waits.capacity(),
            core.timers.room(),
            core.ready.capacity(),
            core.free.capacity(),
        ]
    }

    #[test]
    fn tasks_for_which_there_is_room_need_no_more() {
        let mut core = Scheduler::new().expect("a poll");
        core.try_reserve(TASKS).expect("memory");
        let reserved = room(&core);
        let keys: Vec<_> = (0..TASKS).map(|_| core.spawn()).collect();
        core.begin();
        while let Some(started) = core.start_next() {
            core.park_message(started.key, Some(1000.0), 1);
        }
        assert_eq!(core.deadlines(), TASKS);
        for key in keys {
            core.finish(key);
        }
        assert_eq!(core.live(), 0);
        assert_eq!(room(&core), reserved);
    }

    #[test]
    fn room_that_there_cannot_be_is_an_error_and_changes_nothing() {
        let mut core = Scheduler::new().expect("a poll");
        let key = core.spawn();
        assert!(core.try_reserve(usize::MAX / 16).is_err());
        assert!(core.is_alive(key));
        assert_eq!((core.live(), core.begin().ready), (1, 1));
    }
}
