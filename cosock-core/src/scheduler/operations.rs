//! Tasks that wait for an operation: parked on it, woken to try it again, parked once more.

use std::collections::VecDeque;
use std::rc::Rc;

use super::waits::{Waiting, waiting_at};
use super::{Kind, Lists, Owner, Phase, Scheduler, Task, TaskKey, Timeout, Tried, Wait};
use crate::operation::{Awaited, Operation, Outcome, Terms};
use crate::reactor::{Company, Interest, Reactor, Role, SourceId, Waiter};
use crate::socket::{Progress, Step, Tcp};
use crate::timer::Timers;

/// What a task can be parked on.
pub trait Parkable {
    /// Whether it is a line, for which a task starts again as [`Start::Line`](super::Start::Line).
    const IS_LINE: bool = false;
    /// What a wait for it begins with.
    fn terms(&self, reactor: &mut Reactor) -> Terms;
    /// The identity under which it waits for this direction on behalf of `object`: that object, but for some
    /// [`Operation`]s over TLS.
    #[inline(always)]
    fn waits_as(&self, object: usize, _: Interest) -> usize {
        object
    }
    /// Makes it what the task waits for.
    fn put_into(self, wait: &mut Wait);
    /// Has the next try ask the system, whatever was noted of the descriptor's readiness.
    fn doubt(&self, reactor: &mut Reactor);
}

impl Parkable for Operation {
    #[inline(always)]
    fn terms(&self, reactor: &mut Reactor) -> Terms {
        Operation::terms(self, reactor)
    }

    /// Where a handshake comes between, a receive may have to wait for room, and a send for bytes. The object may have
    /// another task that waits for just that, and only one may: so this wait has an identity that is no object's.
    #[inline(always)]
    fn waits_as(&self, object: usize, interest: Interest) -> usize {
        let own = match self {
            Operation::Receive { .. } | Operation::Line { .. } => Interest::Read,
            Operation::Send { .. } => Interest::Write,
            _ => interest,
        };
        if interest == own { object } else { !object }
    }

    #[inline(always)]
    fn put_into(self, wait: &mut Wait) {
        *wait = Wait::Operation(self);
    }

    fn doubt(&self, reactor: &mut Reactor) {
        Operation::doubt(self, reactor);
    }
}

/// Has the task try its operation again, whose waiter has fired, if it still waits for that.
#[inline]
pub(super) fn wake_operation(
    tasks: &mut [Task],
    waits: &mut [Waiting],
    ready: &mut VecDeque<TaskKey>,
    timers: &mut Timers<Owner>,
    waiter: &Waiter,
) {
    let Waiter {
        task: key, serial, ..
    } = *waiter;
    let place = key.index as usize;
    // No two waits have the same number, whatever tasks they are of.
    let Some(waiting) = (waits.get_mut(place)).filter(|waiting| waiting.serial == serial) else {
        return;
    };
    // Firing has taken it off the source.
    waiting.watching = false;
    let task = &mut tasks[place];
    if task.phase == Phase::Parked {
        task.phase = Phase::Ready;
        ready.push_back(key);
        if task.limited
            && let Some(timer) = task.timer
        {
            timers.cancel(timer);
        }
    }
}

impl Scheduler {
    /// Whether no operation works on the socket: its only other owner is Lua's object. What the running task has kept
    /// of its last wait, which is over, does not count.
    #[must_use]
    pub fn leaves_alone(&self, socket: &Tcp, running: Option<TaskKey>) -> bool {
        let kept = running
            .filter(|key| self.is_alive(*key))
            .and_then(|key| self.waits.get(key.index as usize))
            .is_some_and(|waiting| match &waiting.wait {
                Wait::Operation(Operation::Line { socket: last }) => {
                    waiting.serial == 0 && Rc::ptr_eq(last, socket)
                }
                _ => false,
            });
        Rc::strong_count(socket) == 1 + usize::from(kept)
    }

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
        if let Awaited::Source(source) = terms.source {
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

    /// [`Scheduler::park_operation`], for what is no look-up. Tells who waits for the descriptor in this direction
    /// already, and does not park the task where that is the object itself; nor where it is another object and the
    /// last try has not `asked` the system: what was noted of the descriptor's readiness holds only for who waits
    /// alone, so the next try will ask.
    #[inline(always)]
    pub fn park_in_company(
        &mut self,
        key: TaskKey,
        operation: impl Parkable,
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
            object: operation.waits_as(object, interest),
        };
        let company = match terms.source {
            Awaited::Source(source) => self.reactor.join(source, interest, waiter, !asked),
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
    #[inline(never)]
    pub fn pause(&mut self, key: TaskKey) {
        self.make_ready(key);
    }

    /// The rest of parking a task on an operation. If that has a source to wait on, its waiter is there already.
    #[inline(always)]
    fn park_on<P: Parkable>(
        &mut self,
        key: TaskKey,
        operation: P,
        terms: Terms,
        interest: Interest,
        timeout: Option<f64>,
        object: usize,
    ) {
        let (task, waiting) = self.begin_wait(key.index, Kind::Operation);
        operation.put_into(&mut waiting.wait);
        if P::IS_LINE || matches!(waiting.wait, Wait::Operation(Operation::Line { .. })) {
            task.kind = Kind::Line;
        }
        waiting.object = object as u64;
        waiting.epoch = terms.epoch;
        task.timeout = Timeout::new(timeout);
        task.lists = match terms.source {
            Awaited::Nothing => Lists::Empty,
            _ => Lists::One(interest),
        };
        waiting.watching = matches!(terms.source, Awaited::Source(_));
        self.forget_limit(key);
        if timeout.is_some() || terms.total_timeout.is_some() {
            self.limit_operation(key, timeout, terms.total_timeout);
        }
        if terms.source == Awaited::Refused {
            // The next try reports what is wrong with the descriptor.
            self.pause(key);
        }
    }

    /// Starts the timeouts of a task that has just been parked on an operation: that of its first wait, and that
    /// of the whole.
    #[inline(never)]
    fn limit_operation(&mut self, key: TaskKey, each: Option<f64>, total: Option<f64>) {
        let first = match (each, total) {
            (Some(each), Some(total)) => each.min(total),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => return,
        };
        self.limit(key, first);
        if let Some(limit) = total.and_then(|total| self.clock.now().after(total)) {
            self.limits.insert(key.index, limit);
        }
        if self.tasks[key.index as usize].phase == Phase::Ready {
            // Its time was over before it began.
            self.disarm(key);
        }
    }

    /// Forgets the limit of an operation as a whole, which few have.
    #[inline(always)]
    pub(super) fn forget_limit(&mut self, key: TaskKey) {
        if !self.limits.is_empty() {
            self.limits.remove(&key.index);
        }
    }

    /// Has a task wait for its operation's descriptor, unless it is ready already.
    #[inline]
    fn watch_source(&mut self, key: TaskKey, source: SourceId, interest: Interest, object: usize) {
        if self.tasks[key.index as usize].phase != Phase::Parked {
            return;
        }
        let waiting = waiting_at(&mut self.waits, key.index);
        waiting.watching = true;
        let waiter = Waiter {
            task: key,
            serial: waiting.serial,
            role: Role::Operation,
            object,
        };
        self.reactor.watch(source, interest, waiter);
    }

    /// Wakes the tasks that look up names for sockets which were closed meanwhile.
    pub fn wake_closed_lookups(&mut self) {
        if self.lookups.is_empty() {
            return;
        }
        let closed: Vec<TaskKey> = (self.lookups.values().copied())
            .filter(|key| {
                let waiting = self.waits.get(key.index as usize);
                self.is_alive(*key)
                    && waiting.is_some_and(|waiting| match &waiting.wait {
                        Wait::Operation(operation) => operation.epoch() != waiting.epoch,
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
    /// `data` is what a send sends a part of.
    pub fn try_operation(&mut self, key: TaskKey, data: &[u8]) -> Tried {
        let waiting = waiting_at(&mut self.waits, key.index);
        let Wait::Operation(operation) = &mut waiting.wait else {
            return Tried::Complete(Outcome::Done);
        };
        if waiting.timed_out {
            operation.doubt(&mut self.reactor);
        }
        let step = if operation.epoch() == waiting.epoch {
            operation.step(data, &mut self.reactor)
        } else {
            Step::Done(operation.closed())
        };
        self.settle(key, step)
    }

    /// Ends the operation of a running task, or parks the task once more, by what a step of the operation has come to.
    pub(super) fn settle(&mut self, key: TaskKey, step: Step<Outcome>) -> Tried {
        let outcome = match step {
            Step::Done(outcome) => outcome,
            Step::Wait { interest, progress } => match self.park_again(key, interest, progress) {
                None => return Tried::Parked,
                Some(outcome) => outcome,
            },
        };
        self.drop_wait(key.index);
        Tried::Complete(outcome)
    }

    /// Parks a task on its operation once more. Where it cannot wait any longer, gives what the operation has come to.
    fn park_again(
        &mut self,
        key: TaskKey,
        interest: Interest,
        progress: Progress,
    ) -> Option<Outcome> {
        let limit = self.limits.get(&key.index).copied();
        if progress != Progress::None {
            self.move_deadline(key.index, limit);
        }
        let task = &mut self.tasks[key.index as usize];
        let waiting = waiting_at(&mut self.waits, key.index);
        let Wait::Operation(operation) = &mut waiting.wait else {
            return None;
        };
        if progress == Progress::Pause {
            if limit.is_some_and(|limit| limit <= self.clock.now()) {
                return Some(operation.time_out());
            }
            waiting.timed_out = task.timeout.get().is_some_and(|timeout| timeout <= 0.0);
            task.phase = Phase::Ready;
            self.ready.push_back(key);
            return None;
        }
        if waiting.timed_out {
            return Some(operation.time_out());
        }
        let source = match operation.source(&mut self.reactor) {
            Ok(source) => source,
            Err(error) => return Some(operation.fail(error)),
        };
        let object = operation.waits_as(waiting.object as usize, interest);
        self.serials += 1;
        task.phase = Phase::Parked;
        waiting.serial = self.serials;
        if let Some(deadline) = waiting.deadline {
            self.arm(key, deadline);
        }
        if let Some(source) = source {
            self.watch_source(key, source, interest, object);
        }
        None
    }
}
