//! A turn: the ready tasks run, then the scheduler looks for what makes others ready.

use std::io;
use std::time::Duration;

use super::operations::wake_operation;
use super::{Call, Kind, Phase, Scheduler, Start, Started, TaskKey, Wait};
use crate::reactor::{Role, Waiter};
use crate::select::Select;

/// How a turn ended, and what the next one starts with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// How many tasks are ready: the next turn runs these and no more.
    pub ready: usize,
    /// Whether a ready task has told foreign objects, which have to be told of its end.
    pub foreign: bool,
    /// Whether [`Scheduler::take_callback`] has something.
    pub callbacks: bool,
    /// Whether [`Scheduler::take_call`] has something.
    pub calls: bool,
    /// Whether no task is left.
    pub finished: bool,
    /// Whether every task waits for something that nothing can bring any more.
    pub deadlocked: bool,
    /// Whether a signal came while waiting.
    pub interrupted: bool,
}

/// How long tasks that are ready may keep from a look at the descriptors: a task that yields in a loop should
/// not pay a system call each time.
const POLL_INTERVAL: Duration = Duration::from_micros(20);

/// How many tasks run before the clock is asked whether that time is over, give or take a turn.
const RUNS_PER_LOOK: usize = 8;

/// The queue keeps room for so many ready tasks. More than that is given back once the burst that needed it is over.
const READY_KEPT: usize = 4096;

/// How long one wait may last. A signal that comes after the last look for signals and before the system call does not
/// interrupt the wait, and is found only after it.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

impl Scheduler {
    /// Disarms every task that is about to run, before any of them runs.
    fn disarm_selects(&mut self) -> bool {
        let mut foreign = false;
        for position in 0..self.ready.len() {
            let key = self.ready[position];
            let Wait::Select(select) = self.wait_of(key) else {
                continue;
            };
            foreign |= select.has_foreign();
            self.disarm(key);
        }
        foreign
    }

    /// The ready task at `position` of the queue, if it is still alive.
    #[must_use]
    pub fn ready_at(&self, position: usize) -> Option<TaskKey> {
        self.ready
            .get(position)
            .copied()
            .filter(|key| self.is_alive(*key))
    }

    /// Takes the next ready task and counts it as running; `None` for one cancelled meanwhile.
    #[inline]
    pub fn start_next(&mut self) -> Option<Started> {
        let key = self.ready.pop_front()?;
        let task = self.tasks.get_mut(key.index as usize)?;
        if task.generation != key.generation || task.phase != Phase::Ready {
            return None;
        }
        task.phase = Phase::Running;
        task.last_run = Some(self.now);
        let owner = task.owner;
        let started = |start, object| Started {
            key,
            start,
            owner,
            object,
        };
        Some(match task.kind {
            Kind::Nothing => started(Start::First, 0),
            Kind::Sleep => started(Start::Slept, 0),
            Kind::Line => started(Start::Line, 0),
            Kind::Operation => started(Start::Operation, 0),
            Kind::Message => {
                let waiting = &self.waits[key.index as usize];
                let timed_out = waiting.timed_out;
                started(Start::Look { timed_out }, waiting.object as usize)
            }
            Kind::Select => {
                let timed_out = self.waits[key.index as usize].timed_out;
                self.ready_selects -= 1;
                started(Start::Select { timed_out }, 0)
            }
        })
    }

    /// The number by which its owner knows the task that runs after so many others.
    #[inline]
    #[must_use]
    pub fn owner_after(&self, others: usize) -> Option<usize> {
        let key = self.ready.get(others)?;
        self.tasks.get(key.index as usize).map(|task| task.owner)
    }

    /// Takes the select of a running task.
    pub fn take_select(&mut self, key: TaskKey) -> Option<Box<Select>> {
        let waiting = self.waiting(key)?;
        waiting.serial = 0;
        match std::mem::take(&mut waiting.wait) {
            Wait::Select(select) => Some(select),
            _ => None,
        }
    }

    /// What the first turn starts with.
    pub fn begin(&mut self) -> Turn {
        // The last reading may be of a run long ago.
        self.now = self.clock.now();
        let foreign = self.ready_selects > 0 && self.disarm_selects();
        Turn {
            ready: self.ready.len(),
            foreign,
            ..Turn::default()
        }
    }

    /// Ends a turn without a look at descriptors and timers, where none is due and tasks are ready; tells how many are.
    /// `None` when the turn has to be ended by [`Scheduler::end_turn`].
    #[inline]
    pub fn end_quick_turn(&mut self) -> Option<usize> {
        if self.ready.is_empty() {
            return None;
        }
        self.end_busy_turn()
    }

    #[inline(never)]
    fn end_busy_turn(&mut self) -> Option<usize> {
        let quick = self.ready_selects == 0
            && self.timers.armed() == 0
            && self.calls.is_empty()
            && self.callbacks.is_empty()
            && !self.reactor.has_fired()
            && !self.is_poll_due();
        quick.then_some(self.ready.len())
    }

    /// Ends a turn: looks at descriptors, timers and look-ups, and makes tasks ready for the next.
    ///
    /// Blocks until something happens when nothing is ready.
    ///
    /// # Errors
    ///
    /// What the poll reports.
    pub fn end_turn(&mut self) -> io::Result<Turn> {
        if self.live == 0 {
            return Ok(Turn {
                finished: true,
                ..Turn::default()
            });
        }
        if self.ready.capacity() > READY_KEPT {
            self.release_burst();
        }
        let is_busy = self.is_busy();
        if !is_busy && !self.awaits_anything() {
            return Ok(Turn {
                deadlocked: true,
                ..Turn::default()
            });
        }
        let has_timers = self.timers.armed() > 0;
        let mut interrupted = false;
        if !is_busy || self.is_poll_due() {
            interrupted = self.poll(is_busy, has_timers)?;
        } else if has_timers {
            self.expire();
        }
        self.dispatch();
        let has_more = self.ready_selects > 0
            || !self.callbacks.is_empty()
            || !self.calls.is_empty()
            || interrupted;
        if !has_more {
            return Ok(Turn {
                ready: self.ready.len(),
                ..Turn::default()
            });
        }
        let foreign = self.ready_selects > 0 && self.disarm_selects();
        Ok(Turn {
            ready: self.ready.len(),
            foreign,
            callbacks: !self.callbacks.is_empty(),
            calls: !self.calls.is_empty(),
            interrupted,
            ..Turn::default()
        })
    }

    /// Whether the descriptors are to be looked at, though there is something to do without waiting for them. Once
    /// this is so, it stays so until they were looked at.
    fn is_poll_due(&mut self) -> bool {
        self.unpolled_runs += self.ready.len().max(1);
        if self.unpolled_runs < RUNS_PER_LOOK {
            return false;
        }
        self.now = self.clock.now();
        let is_due = self.now.since(self.polled) >= POLL_INTERVAL;
        if !is_due {
            self.unpolled_runs = 0;
        }
        is_due
    }

    /// Whether there is something to do without waiting.
    fn is_busy(&self) -> bool {
        !self.ready.is_empty()
            || !self.calls.is_empty()
            || !self.callbacks.is_empty()
            || self.reactor.has_fired()
    }

    /// Whether every task waits for something that nothing can bring any more.
    #[must_use]
    pub fn is_deadlocked(&self) -> bool {
        self.live > 0 && !self.is_busy() && !self.awaits_anything()
    }

    /// Whether something can still happen by itself.
    fn awaits_anything(&self) -> bool {
        self.reactor.waiters() > 0 || self.timers.armed() > 0 || self.resolver.pending() > 0
    }

    /// Asks the system, waiting only when there is nothing else to do; tells whether a signal came.
    fn poll(&mut self, is_busy: bool, has_timers: bool) -> io::Result<bool> {
        self.reactor.follow_fork()?;
        if self.reactor.take_renewed() {
            self.resolver.renew(self.reactor.notifier());
        }
        self.unpolled_runs = 0;
        let waited = if is_busy {
            self.polled = self.now;
            self.reactor.await_events(Some(Duration::ZERO))
        } else if has_timers && let Some(time) = self.timers.next_look() {
            let timeout = time.since(self.clock.now()).min(LONGEST_WAIT);
            if time <= self.exact_until {
                self.reactor.await_events_exactly(timeout)
            } else {
                self.reactor.await_events(Some(timeout))
            }
        } else {
            self.reactor.await_events(Some(LONGEST_WAIT))
        };
        if has_timers {
            self.expire();
        } else {
            self.now = self.clock.about_now();
        }
        match waited {
            Ok(()) => {
                let Scheduler {
                    reactor,
                    tasks,
                    waits,
                    ready,
                    timers,
                    ..
                } = self;
                reactor.note_events(|waiter| {
                    let is_operation = waiter.role == Role::Operation;
                    if is_operation {
                        wake_operation(tasks, waits, ready, timers, waiter);
                    }
                    is_operation
                });
                Ok(false)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Gives back the room that a burst of ready tasks took, if it is over.
    #[cold]
    fn release_burst(&mut self) {
        if self.ready.len() < self.ready.capacity() / 8 {
            self.ready.shrink_to(READY_KEPT);
        }
    }

    /// Turns fired waiters and finished look-ups into ready tasks.
    #[inline(always)]
    fn dispatch(&mut self) {
        let mut place = 0;
        while let Some(waiter) = self.reactor.fired(place) {
            place += 1;
            match waiter.role {
                Role::Operation => {
                    let Scheduler {
                        tasks,
                        waits,
                        ready,
                        timers,
                        ..
                    } = self;
                    wake_operation(tasks, waits, ready, timers, &waiter);
                }
                Role::Element(element) => self.dispatch_element(waiter, element),
                Role::Foreign(element) => self.dispatch_foreign(waiter, element),
                Role::Doubtful(element) => self.dispatch_doubtful(waiter, element),
            }
        }
        self.reactor.forget_fired();
        if self.reactor.take_notified() {
            self.answer_lookups();
        }
    }

    #[inline(never)]
    fn dispatch_element(&mut self, Waiter { task, serial, .. }: Waiter, element: u32) {
        self.wake_element(task, serial, element);
    }

    #[inline(never)]
    fn dispatch_foreign(&mut self, Waiter { task, serial, .. }: Waiter, element: u32) {
        if self.select(task, serial).is_some() {
            self.calls.push_back(Call {
                task,
                serial,
                element,
            });
        }
    }

    #[cold]
    #[inline(never)]
    fn dispatch_doubtful(&mut self, waiter: Waiter, number: u32) {
        let Some(select) = self.select(waiter.task, waiter.serial) else {
            return;
        };
        let element = &select.elements[number as usize];
        let (fd, interest) = (element.fd, element.interest);
        let role = if element.foreign {
            Role::Foreign(number)
        } else {
            Role::Element(number)
        };
        let mut ready = Vec::new();
        self.reactor.ready_now(&[(fd, interest)], &mut ready);
        match (role, self.reactor.known(fd)) {
            (_, Some(id)) if !ready[0] => {
                self.reactor.watch(id, interest, Waiter { role, ..waiter });
            }
            (Role::Foreign(_), _) => self.dispatch_foreign(waiter, number),
            _ => self.dispatch_element(waiter, number),
        }
    }

    /// How many elements' own `_wake` is to be called.
    #[must_use]
    pub fn due_calls(&self) -> usize {
        self.calls.len()
    }

    /// The next element whose own `_wake` is to be called, in the order in which they became ready.
    pub fn take_call(&mut self) -> Option<Call> {
        self.calls.pop_front()
    }
}
