//! Tasks that wait for an operation: parked on it, woken to try it again, parked once more.

use super::{Phase, Scheduler, TaskKey, Timeout, Tried, Wait};
use crate::operation::{Operation, Outcome, Terms};
use crate::reactor::{Company, Interest, Role, SourceId, Waiter};
use crate::socket::{Progress, Step};

impl Scheduler {
    /// Parks a running task on an operation that would block; each wait of it may last for `timeout`
    /// seconds.
    ///
    /// `object` identifies the socket object for the rule of one waiter for each direction.
    pub fn park_operation(
        &mut self,
        key: TaskKey,
        operation: Operation,
        interest: Interest,
        timeout: Option<f64>,
        object: usize,
    ) {
        self.withdraw(key);
        if let Operation::Lookup(lookup) = &operation {
            self.lookups.insert(lookup.id, key);
        }
        let terms = operation.terms(&mut self.reactor);
        if let Ok(Some(source)) = terms.source {
            let waiter = Waiter {
                task: key,
                serial: self.serials + 1,
                role: Role::Operation,
                object,
            };
            self.reactor.watch(source, interest, waiter);
        }
        self.park_on(key, operation, terms, interest, timeout, object);
    }

    /// Does so unless the object is waited on already in this direction, or somebody else waits for the
    /// descriptor and the system was not `asked`: then the next try asks it, for what was noted of the
    /// descriptor's readiness serves only who waits alone. Tells who waited before.
    #[inline]
    pub fn park_in_company(
        &mut self,
        key: TaskKey,
        operation: Operation,
        interest: Interest,
        timeout: Option<f64>,
        object: usize,
        asked: bool,
    ) -> Company {
        self.withdraw(key);
        let terms = operation.terms(&mut self.reactor);
        let waiter = Waiter {
            task: key,
            // That of the wait which is about to begin.
            serial: self.serials + 1,
            role: Role::Operation,
            object,
        };
        let company = match terms.source {
            Ok(Some(source)) => self.reactor.join(source, interest, waiter, !asked),
            // What cannot be registered is told by the operation itself.
            _ => Company::Nobody,
        };
        if company == Company::Nobody || (asked && company == Company::Others) {
            self.park_on(key, operation, terms, interest, timeout, object);
        } else if !asked {
            operation.doubt(&mut self.reactor);
        }
        company
    }

    /// Has a task that has just been parked on an operation go on in the next turn.
    pub fn pause(&mut self, key: TaskKey) {
        self.make_ready(key);
    }

    /// Parks on an operation whose waiter, if it has a source to wait on, is there already.
    #[inline]
    fn park_on(
        &mut self,
        key: TaskKey,
        operation: Operation,
        terms: Terms,
        interest: Interest,
        timeout: Option<f64>,
        object: usize,
    ) {
        let first = match (timeout, terms.total_timeout) {
            (each, None) => each,
            (Some(each), Some(total)) => Some(each.min(total)),
            (None, total) => total,
        };
        self.park(key, Wait::Operation(operation), first);
        let task = &mut self.tasks[key.index as usize];
        task.object = object;
        task.epoch = terms.epoch;
        task.timeout = Timeout::new(timeout);
        task.limit = match terms.total_timeout {
            Some(total) => self.clock.now().after(total),
            None => None,
        };
        match terms.source {
            Ok(None) => {}
            Ok(Some(source)) if task.phase == Phase::Parked => {
                task.watched = Some((source, interest));
            }
            // Its time is over before it began.
            Ok(Some(source)) => self.reactor.unwatch(source, interest, key),
            // The next try reports what is wrong with the descriptor.
            Err(_) => self.make_ready(key),
        }
    }

    /// Has a task wait for its operation's descriptor, unless it is ready already.
    #[inline]
    fn watch_source(&mut self, key: TaskKey, source: SourceId, interest: Interest) {
        let task = &mut self.tasks[key.index as usize];
        if task.phase != Phase::Parked {
            return;
        }
        task.watched = Some((source, interest));
        let waiter = Waiter {
            task: key,
            serial: task.serial,
            role: Role::Operation,
            object: task.object,
        };
        self.reactor.watch(source, interest, waiter);
    }

    /// Has the task try its operation again, whose waiter has fired, if `serial` is still its wait.
    #[inline]
    pub(super) fn wake_operation(&mut self, key: TaskKey, serial: u64) {
        let Some(task) = self.tasks.get_mut(key.index as usize) else {
            return;
        };
        if task.serial != serial || task.generation != key.generation {
            return;
        }
        // Firing has taken it off the source.
        task.watched = None;
        if task.phase == Phase::Parked {
            task.phase = Phase::Ready;
            self.ready.push_back(key);
            if task.deadline.is_some() {
                self.disarm(key);
            }
        }
    }

    /// Wakes the tasks that look up names for sockets which were closed meanwhile.
    pub fn wake_closed_lookups(&mut self) {
        if self.lookups.is_empty() {
            return;
        }
        let closed: Vec<TaskKey> = (self.lookups.values().copied())
            .filter(|key| {
                self.look(*key).is_some_and(|task| match &task.wait {
                    Wait::Operation(operation) => operation.epoch() != task.epoch,
                    _ => false,
                })
            })
            .collect();
        for key in closed {
            self.make_ready(key);
        }
    }

    /// Tries the operation of a running task; parks it once more when it would block.
    ///
    /// `data` is what a send sends.
    pub fn try_operation(&mut self, key: TaskKey, data: &[u8]) -> Tried {
        let task = &mut self.tasks[key.index as usize];
        let Wait::Operation(operation) = &mut task.wait else {
            return Tried::Complete(Outcome::Done);
        };
        if task.timed_out {
            operation.doubt(&mut self.reactor);
        }
        let outcome = if operation.epoch() != task.epoch {
            operation.closed()
        } else {
            match operation.step(data, &mut self.reactor) {
                Step::Done(outcome) => outcome,
                Step::Wait { interest, progress } => {
                    match self.park_again(key, interest, progress) {
                        None => return Tried::Parked,
                        Some(outcome) => outcome,
                    }
                }
            }
        };
        let task = &mut self.tasks[key.index as usize];
        task.serial = 0;
        if let Wait::Operation(operation) = std::mem::take(&mut task.wait) {
            self.drop_lookup(&operation);
        }
        Tried::Complete(outcome)
    }

    /// Parks a task on its operation once more, unless that is over in another way.
    fn park_again(
        &mut self,
        key: TaskKey,
        interest: Interest,
        progress: Progress,
    ) -> Option<Outcome> {
        let task = &mut self.tasks[key.index as usize];
        let Wait::Operation(operation) = &mut task.wait else {
            return None;
        };
        if progress == Progress::Pause {
            if task.limit.is_some_and(|limit| limit <= self.clock.now()) {
                return Some(operation.time_out());
            }
            task.deadline = task.next_deadline(&self.clock);
            task.timed_out = task.timeout.get().is_some_and(|timeout| timeout <= 0.0);
            task.phase = Phase::Ready;
            self.ready.push_back(key);
            return None;
        }
        if task.timed_out {
            return Some(operation.time_out());
        }
        let source = match operation.source(&mut self.reactor) {
            Ok(source) => source,
            Err(error) => return Some(operation.fail(error)),
        };
        self.serials += 1;
        task.phase = Phase::Parked;
        task.serial = self.serials;
        let deadline = match progress {
            Progress::None => task.deadline,
            _ => task.next_deadline(&self.clock),
        };
        if let Some(deadline) = deadline {
            self.arm(key, deadline);
        }
        if let Some(source) = source {
            self.watch_source(key, source, interest);
        }
        None
    }
}
