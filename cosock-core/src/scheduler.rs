//! Tasks: which may run, which wait and for what, one turn after the other.
//!
//! A task is a number; who owns the coroutines maps it. Each wait has a serial number, and a wake
//! for an older one is dropped. Ready tasks run first in, first out.

mod deadlines;
mod lookups;
mod parking;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::time::Duration;

use crate::clock::{Clock, Time};
use crate::operation::{Operation, Outcome};
use crate::reactor::{Interest, Reactor, Role, SourceId, Waiter};
use crate::resolver::{LookupId, Resolver};
use crate::select::Select;
use crate::timer::{TimerId, Timers};

/// Names a task; stale once it has finished or was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TaskKey {
    /// Its place; reused by later tasks.
    pub index: u32,
    generation: u32,
}

/// Seconds, or none, which is what no timeout is: NaN.
#[derive(Clone, Copy, Debug)]
struct Timeout(f64);

impl Timeout {
    const NONE: Timeout = Timeout(f64::NAN);

    fn new(seconds: Option<f64>) -> Timeout {
        seconds.map_or(Timeout::NONE, Timeout)
    }

    fn get(self) -> Option<f64> {
        (!self.0.is_nan()).then_some(self.0)
    }
}

/// Who owns a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Task(TaskKey),
    Callback(u64),
}

/// What a parked task waits for.
#[derive(Debug, Default)]
pub enum Wait {
    /// Nothing: it is running, or about to run for the first time.
    #[default]
    Nothing,
    /// Its deadline.
    Sleep,
    /// A message, for which its owner looks.
    Message,
    /// An operation that the scheduler completes.
    Operation(Operation),
    /// The first ready element of two lists.
    Select(Box<Select>),
}

/// What a task runs again for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// It has not run yet.
    First,
    /// Its sleep is over.
    Slept,
    /// There may be a message; the deadline may have passed.
    Look {
        /// Whether it has.
        timed_out: bool,
    },
    /// Its operation may go on: see [`Scheduler::try_operation`].
    Operation,
    /// Its select is over: see [`Scheduler::take_select`].
    Select {
        /// Whether the deadline passed.
        timed_out: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Free,
    Ready,
    Running,
    Parked,
}

#[derive(Debug)]
struct Task {
    generation: u32,
    owner: usize,
    phase: Phase,
    timed_out: bool,
    serial: u64,
    wait: Wait,
    timer: Option<TimerId>,
    /// That of the current wait, to start its deadline again when bytes moved.
    timeout: Timeout,
    deadline: Option<Time>,
    /// When the operation as a whole has to be over.
    limit: Option<Time>,
    watched: Option<(SourceId, Interest)>,
    /// Identity of the object that is waited on.
    object: usize,
    /// The epoch of the operation's socket when it began.
    epoch: u32,
    last_run: Option<Time>,
}

impl Task {
    /// When a wait after bytes have moved has to be over: each has its own timeout, within that of the
    /// operation as a whole.
    fn next_deadline(&self, clock: &Clock) -> Option<Time> {
        let Some(timeout) = self.timeout.get() else {
            return self.deadline;
        };
        match (clock.now().after(timeout), self.limit) {
            (Some(each), Some(limit)) => Some(each.min(limit)),
            (each, limit) => each.or(limit),
        }
    }
}

/// An element of a select whose own `_wake` is to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The task that waits.
    pub task: TaskKey,
    /// The wait it belongs to.
    pub serial: u64,
    /// The element's number.
    pub element: u32,
}

/// What came out of trying a ready task's operation.
#[derive(Debug)]
pub enum Tried {
    /// The task can be resumed with this.
    Complete(Outcome),
    /// It would still block, and is parked again.
    Parked,
}

/// How a turn ended, and what the next one starts with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// How many tasks are ready: the next turn runs these and no more.
    pub ready: usize,
    /// Whether a ready task has told foreign objects, which have to be told of its end.
    pub foreign: bool,
    /// Whether [`Scheduler::take_callback`] has something.
    pub callbacks: bool,
    /// Whether [`Scheduler::take_calls`] has something.
    pub calls: bool,
    /// Whether no task is left.
    pub finished: bool,
    /// Whether every task waits for something that nothing can bring any more.
    pub deadlocked: bool,
    /// Whether a signal came while waiting.
    pub interrupted: bool,
}

/// Turns that may pass without a look at the descriptors while tasks are ready: a task that yields
/// in a loop should not pay a system call each time.
const TURNS_PER_POLL: u32 = 8;

/// How long one wait may last: a signal that comes between the last look at what it asked for and the
/// system call does not interrupt the wait, and is found after it.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// All tasks of one Lua state, with the reactor, the timers and the clock they wait by.
#[allow(missing_debug_implementations)]
pub struct Scheduler {
    /// Descriptors.
    pub reactor: Reactor,
    /// The clock.
    pub clock: Clock,
    /// Name look-ups under way.
    pub resolver: Resolver,
    timers: Timers<Owner>,
    tasks: Vec<Task>,
    free: Vec<u32>,
    ready: VecDeque<TaskKey>,
    /// How many ready tasks come from a select, whose registrations still stand.
    ready_selects: usize,
    live: usize,
    serials: u64,
    calls: Vec<Call>,
    callbacks: VecDeque<u64>,
    fired: Vec<Waiter>,
    /// Who waits for which look-up.
    lookups: HashMap<LookupId, TaskKey>,
    turns_unpolled: u32,
    /// The last reading of the clock.
    now: Time,
}

impl Scheduler {
    /// An empty scheduler.
    ///
    /// # Errors
    ///
    /// What opening the reactor reports.
    pub fn new() -> io::Result<Scheduler> {
        let reactor = Reactor::new()?;
        let resolver = Resolver::new(reactor.notifier());
        let clock = Clock::new();
        let now = clock.now();
        Ok(Scheduler {
            reactor,
            clock,
            resolver,
            timers: Timers::new(),
            tasks: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            ready_selects: 0,
            live: 0,
            serials: 0,
            calls: Vec::new(),
            callbacks: VecDeque::new(),
            fired: Vec::new(),
            lookups: HashMap::new(),
            turns_unpolled: 0,
            now,
        })
    }

    // --- tasks ---

    /// The place that the next task will get.
    #[must_use]
    pub fn next_place(&self) -> u32 {
        self.free.last().copied().unwrap_or(self.tasks.len() as u32)
    }

    /// A new task, ready to run in the next turn.
    pub fn spawn(&mut self) -> TaskKey {
        self.spawn_for(0)
    }

    /// The same, with a number by which its owner knows it.
    pub fn spawn_for(&mut self, owner: usize) -> TaskKey {
        let index = self.free.pop().unwrap_or_else(|| {
            self.tasks.push(Task {
                generation: 0,
                owner,
                phase: Phase::Free,
                timed_out: false,
                serial: 0,
                wait: Wait::Nothing,
                timer: None,
                timeout: Timeout::NONE,
                deadline: None,
                limit: None,
                watched: None,
                object: 0,
                epoch: 0,
                last_run: None,
            });
            (self.tasks.len() - 1) as u32
        });
        let task = &mut self.tasks[index as usize];
        task.phase = Phase::Ready;
        task.owner = owner;
        let key = TaskKey {
            index,
            generation: task.generation,
        };
        self.ready.push_back(key);
        self.live += 1;
        key
    }

    fn task(&mut self, key: TaskKey) -> Option<&mut Task> {
        self.tasks
            .get_mut(key.index as usize)
            .filter(|task| task.generation == key.generation && task.phase != Phase::Free)
    }

    fn look(&self, key: TaskKey) -> Option<&Task> {
        self.tasks
            .get(key.index as usize)
            .filter(|task| task.generation == key.generation && task.phase != Phase::Free)
    }

    /// Whether the task has neither finished nor been cancelled.
    #[must_use]
    pub fn is_alive(&self, key: TaskKey) -> bool {
        self.look(key).is_some()
    }

    /// The number by which a living task's owner knows it.
    #[inline]
    #[must_use]
    pub fn owner(&self, key: TaskKey) -> usize {
        self.tasks[key.index as usize].owner
    }

    /// The identity of what a living task waits on, or waited on last.
    #[inline]
    #[must_use]
    pub fn object(&self, key: TaskKey) -> usize {
        self.tasks[key.index as usize].object
    }

    /// How many tasks are alive.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live
    }

    /// The keys of all living tasks, by place.
    pub fn keys(&self) -> impl Iterator<Item = TaskKey> + '_ {
        self.tasks
            .iter()
            .enumerate()
            .filter(|(_, task)| task.phase != Phase::Free)
            .map(|(index, task)| TaskKey {
                index: index as u32,
                generation: task.generation,
            })
    }

    /// The timeout of the task's wait in seconds, or of its last one.
    #[must_use]
    pub fn timeout(&self, key: TaskKey) -> Option<f64> {
        self.look(key).and_then(|task| task.timeout.get())
    }

    /// When the task last ran, as precisely as the clock was looked at.
    #[must_use]
    pub fn last_run(&self, key: TaskKey) -> Option<Time> {
        self.look(key).and_then(|task| task.last_run)
    }

    /// What the task waits for.
    #[must_use]
    pub fn wait_of(&self, key: TaskKey) -> &Wait {
        match self.look(key) {
            Some(task) if task.phase != Phase::Running => &task.wait,
            _ => &Wait::Nothing,
        }
    }

    /// Ends a task in whatever state it is: nothing of it stays registered.
    pub fn finish(&mut self, key: TaskKey) {
        if !self.is_alive(key) {
            return;
        }
        self.disarm(key);
        let task = &mut self.tasks[key.index as usize];
        if task.phase == Phase::Ready && matches!(task.wait, Wait::Select(_)) {
            self.ready_selects -= 1;
        }
        task.phase = Phase::Free;
        task.generation = task.generation.wrapping_add(1);
        task.serial = 0;
        task.last_run = None;
        task.timeout = Timeout::NONE;
        task.timed_out = false;
        if let Some(timer) = task.timer.take() {
            self.timers.remove(timer);
        }
        if let Wait::Operation(operation) = std::mem::take(&mut task.wait) {
            self.drop_lookup(&operation);
        }
        self.free.push(key.index);
        self.live -= 1;
    }

    // --- a turn ---

    /// Disarms every task that is about to run, before any of them runs.
    fn disarm_selects(&mut self) -> bool {
        let mut foreign = false;
        for position in 0..self.ready.len() {
            let key = self.ready[position];
            let select = match self.look(key).map(|task| &task.wait) {
                Some(Wait::Select(select)) => select,
                _ => continue,
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
    pub fn start_next(&mut self) -> Option<(TaskKey, Start)> {
        let key = self.ready.pop_front()?;
        let task = self.tasks.get_mut(key.index as usize)?;
        if task.generation != key.generation || task.phase != Phase::Ready {
            return None;
        }
        task.phase = Phase::Running;
        task.last_run = Some(self.now);
        // Any later wake belongs to a wait that is over, unless the operation goes on.
        let timed_out = task.timed_out;
        let start = match &task.wait {
            Wait::Nothing => Start::First,
            Wait::Sleep => Start::Slept,
            Wait::Message => Start::Look { timed_out },
            Wait::Operation(_) => Start::Operation,
            Wait::Select(_) => {
                self.ready_selects -= 1;
                Start::Select { timed_out }
            }
        };
        Some((key, start))
    }

    /// Takes the select of a running task.
    pub fn take_select(&mut self, key: TaskKey) -> Option<Box<Select>> {
        let task = self.task(key)?;
        task.serial = 0;
        match std::mem::take(&mut task.wait) {
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

    /// Ends a turn without a look at anything, if there are only ready tasks to go on with: tells how
    /// many, or `None` when [`Scheduler::end_turn`] is due.
    #[inline(never)]
    pub fn end_quick_turn(&mut self) -> Option<usize> {
        let quick = !self.ready.is_empty()
            && self.turns_unpolled + 1 < TURNS_PER_POLL
            && self.ready_selects == 0
            && self.timers.armed() == 0
            && self.calls.is_empty()
            && self.callbacks.is_empty()
            && !self.reactor.has_fired();
        self.turns_unpolled += u32::from(quick);
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
        let mut interrupted = false;
        self.turns_unpolled += 1;
        if self.is_busy() && self.turns_unpolled < TURNS_PER_POLL {
            if self.timers.armed() > 0 {
                self.expire();
            }
            if self.reactor.has_fired() {
                self.dispatch();
            }
        } else if self.is_deadlocked() {
            return Ok(Turn {
                deadlocked: true,
                ..Turn::default()
            });
        } else {
            interrupted = self.poll()?;
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
        self.live > 0
            && !self.is_busy()
            && self.timers.armed() == 0
            && self.reactor.waiters() == 0
            && self.resolver.pending() == 0
    }

    /// Asks the system, waiting only when there is nothing else to do; tells whether a signal came.
    fn poll(&mut self) -> io::Result<bool> {
        self.reactor.follow_fork()?;
        if self.reactor.take_renewed() {
            self.resolver.renew(self.reactor.notifier());
        }
        let timeout = if self.is_busy() {
            Duration::ZERO
        } else {
            let deadline = self.timers.next_deadline();
            deadline.map_or(LONGEST_WAIT, |deadline| {
                deadline.since(self.clock.now()).min(LONGEST_WAIT)
            })
        };
        self.turns_unpolled = 0;
        let waited = self.reactor.wait(Some(timeout));
        if self.timers.armed() > 0 {
            self.expire();
        } else {
            self.now = self.clock.about_now();
        }
        self.dispatch();
        match waited {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            other => other.map(|()| false),
        }
    }

    /// Turns fired waiters and finished look-ups into ready tasks.
    fn dispatch(&mut self) {
        let mut fired = std::mem::take(&mut self.fired);
        self.reactor.swap_fired(&mut fired);
        for waiter in &fired {
            let Waiter {
                task, serial, role, ..
            } = *waiter;
            match role {
                Role::Operation => self.wake_operation(task, serial),
                Role::Element(element) => {
                    self.wake_element(task, serial, element);
                }
                Role::Foreign(element) => {
                    if self.select(task, serial).is_some() {
                        self.calls.push(Call {
                            task,
                            serial,
                            element,
                        });
                    }
                }
            }
        }
        fired.clear();
        self.fired = fired;
        if self.reactor.take_notified() {
            self.answer_lookups();
        }
    }

    /// Moves the elements whose own `_wake` is to be called into `list`.
    pub fn take_calls(&mut self, list: &mut impl Extend<Call>) {
        list.extend(self.calls.drain(..));
    }
}
