//! Tasks: which may run, which wait and for what, one turn after the other.
//!
//! A task is a number; who owns the coroutines maps it. Each wait has a serial number, and a wake
//! for an older one is dropped. Ready tasks run first in, first out.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::ops::Range;
use std::time::Duration;

use crate::clock::{Clock, Time};
use crate::operation::{Operation, Outcome};
use crate::reactor::{Interest, Reactor, Role, SourceId, Waiter};
use crate::resolver::{LookupId, Query, Resolver};
use crate::select::Select;
use crate::socket::Step;
use crate::timer::{TimerId, Timers};

/// Names a task; stale once it has finished or was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TaskKey {
    /// Its place; reused by later tasks.
    pub index: u32,
    generation: u32,
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
    /// Nothing: it is new, running or about to run for the first time.
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
    phase: Phase,
    timed_out: bool,
    serial: u64,
    wait: Wait,
    timer: Option<TimerId>,
    /// Seconds of the current wait, to start its deadline again when bytes moved.
    timeout: Option<f64>,
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

    /// A new task, ready to run in the next turn.
    pub fn spawn(&mut self) -> TaskKey {
        let index = self.free.pop().unwrap_or_else(|| {
            self.tasks.push(Task {
                generation: 0,
                phase: Phase::Free,
                timed_out: false,
                serial: 0,
                wait: Wait::Nothing,
                timer: None,
                timeout: None,
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

    /// When the task last ran, as precisely as the clock was looked at.
    #[must_use]
    pub fn last_run(&self, key: TaskKey) -> Option<Time> {
        self.look(key).and_then(|task| task.last_run)
    }

    /// What the task waits for.
    #[must_use]
    pub fn wait_of(&self, key: TaskKey) -> &Wait {
        self.look(key).map_or(&Wait::Nothing, |task| &task.wait)
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

    // --- parking ---

    /// Parks a running task. A `timeout` in seconds, counted from now, makes it ready again; `None`
    /// waits without limit; at zero or less it runs again in the next turn.
    fn park(&mut self, key: TaskKey, wait: Wait, timeout: Option<f64>) -> u64 {
        self.serials += 1;
        let serial = self.serials;
        let task = &mut self.tasks[key.index as usize];
        task.phase = Phase::Parked;
        task.serial = serial;
        task.wait = wait;
        task.timed_out = false;
        task.timeout = timeout;
        task.deadline = None;
        if let Some(timeout) = timeout {
            if timeout <= 0.0 {
                // Nothing is registered yet that would have to be taken back.
                task.timed_out = true;
                task.phase = Phase::Ready;
                self.ready_selects += usize::from(matches!(task.wait, Wait::Select(_)));
                self.ready.push_back(key);
            } else if let Some(deadline) = self.clock.now().after(timeout) {
                self.arm(key, deadline);
            }
        }
        serial
    }

    fn arm(&mut self, key: TaskKey, deadline: Time) {
        let task = &mut self.tasks[key.index as usize];
        let timer = *task
            .timer
            .get_or_insert_with(|| self.timers.add(Owner::Task(key)));
        task.deadline = Some(deadline);
        self.timers.set(timer, deadline);
    }

    /// Parks a running task until its timeout.
    #[inline]
    pub fn park_sleep(&mut self, key: TaskKey, timeout: Option<f64>) {
        if timeout.is_some_and(|timeout| timeout <= 0.0) {
            // It only steps aside: nothing is registered, and nothing else can wake it.
            let task = &mut self.tasks[key.index as usize];
            task.phase = Phase::Ready;
            task.wait = Wait::Sleep;
            task.deadline = None;
            self.ready.push_back(key);
        } else {
            self.park(key, Wait::Sleep, timeout);
        }
    }

    /// Parks a running task until there is a message in the queue identified by `object`.
    pub fn park_message(&mut self, key: TaskKey, timeout: Option<f64>, object: usize) {
        self.tasks[key.index as usize].object = object;
        self.park(key, Wait::Message, timeout);
    }

    /// Parks a running task for a message once more: it was woken, and somebody else took it.
    pub fn park_message_again(&mut self, key: TaskKey) {
        let task = &mut self.tasks[key.index as usize];
        task.phase = Phase::Parked;
        task.wait = Wait::Message;
        if let Some(deadline) = task.deadline {
            self.arm(key, deadline);
        }
    }

    /// Whether the task is parked for a message in the queue identified by `object`.
    #[must_use]
    pub fn waits_for_message(&self, key: TaskKey, object: usize) -> bool {
        self.look(key).is_some_and(|task| {
            task.phase == Phase::Parked
                && task.object == object
                && matches!(task.wait, Wait::Message)
        })
    }

    /// Wakes the task if it is parked for a message in the queue identified by `object`.
    pub fn wake_message(&mut self, key: TaskKey, object: usize) {
        if self.waits_for_message(key, object) {
            self.make_ready(key);
        }
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
        if let Operation::Lookup(lookup) = &operation {
            self.lookups.insert(lookup.id, key);
        }
        let task = &mut self.tasks[key.index as usize];
        task.object = object;
        task.epoch = operation.epoch();
        let total = operation.total_timeout();
        let first = match (timeout, total) {
            (Some(each), Some(total)) => Some(each.min(total)),
            (each, total) => each.or(total),
        };
        self.park(key, Wait::Operation(operation), first);
        let limit = total.and_then(|total| self.clock.now().after(total));
        let task = &mut self.tasks[key.index as usize];
        (task.timeout, task.limit) = (timeout, limit);
        self.watch_operation(key, interest);
    }

    fn watch_operation(&mut self, key: TaskKey, interest: Interest) {
        let task = &mut self.tasks[key.index as usize];
        let Wait::Operation(operation) = &task.wait else {
            return;
        };
        if task.phase != Phase::Parked {
            return;
        }
        match operation.source(&mut self.reactor) {
            Ok(None) => {}
            Ok(Some(id)) => {
                task.watched = Some((id, interest));
                let (serial, object) = (task.serial, task.object);
                let waiter = Waiter {
                    task: key,
                    serial,
                    role: Role::Operation,
                    object,
                };
                self.reactor.watch(id, interest, waiter);
            }
            // The next try reports what is wrong with the descriptor.
            Err(_) => self.make_ready(key),
        }
    }

    /// Parks a running task on the elements of a select; the result names this wait.
    pub fn park_select(&mut self, key: TaskKey, select: Box<Select>, timeout: Option<f64>) -> u64 {
        self.park(key, Wait::Select(select), timeout)
    }

    /// The select that the task waits with, if `serial` is still its wait.
    pub fn select(&mut self, key: TaskKey, serial: u64) -> Option<&mut Select> {
        match self.task(key) {
            Some(task) if task.serial == serial => match &mut task.wait {
                Wait::Select(select) => Some(select),
                _ => None,
            },
            _ => None,
        }
    }

    /// Watches the descriptors of the elements in `range` of the task's select; those that are ready
    /// already count as fired.
    ///
    /// # Errors
    ///
    /// The direction in which an object is waited on already.
    pub fn watch_elements(
        &mut self,
        key: TaskKey,
        serial: u64,
        range: Range<usize>,
    ) -> Result<(), Interest> {
        let Some(task) = self
            .tasks
            .get_mut(key.index as usize)
            .filter(|task| task.generation == key.generation && task.serial == serial)
        else {
            return Ok(());
        };
        let Wait::Select(select) = &mut task.wait else {
            return Ok(());
        };
        let ready = select.watch(key, serial, range, &mut self.reactor)?;
        for element in ready {
            let foreign = self
                .select(key, serial)
                .is_some_and(|select| select.elements[element as usize].foreign);
            if foreign {
                self.calls.push(Call {
                    task: key,
                    serial,
                    element,
                });
            } else {
                self.wake_element(key, serial, element);
            }
        }
        Ok(())
    }

    /// Watches a foreign element once more that was told and did not wake its task.
    pub fn watch_again(&mut self, call: Call) {
        let Call {
            task,
            serial,
            element,
        } = call;
        let asleep = self
            .select(task, serial)
            .is_some_and(|select| !select.is_woken(element));
        if asleep {
            if let Some(select) = self.select(task, serial) {
                select.elements[element as usize].answers = false;
            }
            let place = element as usize;
            // Foreign elements are never in conflict: their own `setwaker` decides.
            let _ = self.watch_elements(task, serial, place..place + 1);
        }
    }

    // --- waking ---

    fn make_ready(&mut self, key: TaskKey) {
        let task = &mut self.tasks[key.index as usize];
        if task.phase != Phase::Parked {
            return;
        }
        task.phase = Phase::Ready;
        self.ready.push_back(key);
        if matches!(task.wait, Wait::Select(_)) {
            // Further elements may become ready until the turn in which it runs.
            self.ready_selects += 1;
        } else {
            self.disarm(key);
        }
    }

    /// Notes that an element of the task's select is ready; tells whether that was news.
    pub fn wake_element(&mut self, key: TaskKey, serial: u64, element: u32) -> bool {
        let news = self
            .select(key, serial)
            .is_some_and(|select| select.wake(element));
        if news {
            self.make_ready(key);
        }
        news
    }

    /// Has the task try its operation again, if `serial` is still its wait.
    pub fn wake_operation(&mut self, key: TaskKey, serial: u64) {
        if self.look(key).is_some_and(|task| task.serial == serial) {
            self.make_ready(key);
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

    /// Takes back every registration of a task.
    fn disarm(&mut self, key: TaskKey) {
        let task = &mut self.tasks[key.index as usize];
        if task.deadline.is_some()
            && let Some(timer) = task.timer
        {
            self.timers.cancel(timer);
        }
        if let Some((id, interest)) = task.watched.take() {
            self.reactor.unwatch(id, interest, key);
        }
        if let Wait::Select(select) = &task.wait {
            select.unwatch(key, &mut self.reactor);
        }
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
    pub fn start_next(&mut self) -> Option<(TaskKey, Start)> {
        let key = self.ready.pop_front()?;
        let now = self.now;
        let task = self.task(key)?;
        task.phase = Phase::Running;
        task.last_run = Some(now);
        let timed_out = task.timed_out;
        let start = match &task.wait {
            Wait::Nothing => Start::First,
            Wait::Sleep => Start::Slept,
            Wait::Message => Start::Look { timed_out },
            Wait::Operation(_) => return Some((key, Start::Operation)),
            Wait::Select(_) => {
                self.ready_selects -= 1;
                return Some((key, Start::Select { timed_out }));
            }
        };
        task.wait = Wait::Nothing;
        // Any later wake belongs to a wait that is over.
        task.serial = 0;
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
                Step::Wait { .. } if task.timed_out => operation.time_out(),
                Step::Wait { interest, moved } => match operation.source(&mut self.reactor) {
                    Err(error) => operation.fail(error),
                    Ok(_) => {
                        self.park_again(key, interest, moved);
                        return Tried::Parked;
                    }
                },
            }
        };
        let task = &mut self.tasks[key.index as usize];
        task.serial = 0;
        if let Wait::Operation(operation) = std::mem::take(&mut task.wait) {
            self.drop_lookup(&operation);
        }
        Tried::Complete(outcome)
    }

    fn park_again(&mut self, key: TaskKey, interest: Interest, moved: bool) {
        self.serials += 1;
        let serial = self.serials;
        let task = &mut self.tasks[key.index as usize];
        task.phase = Phase::Parked;
        task.serial = serial;
        // Each wait has its own timeout, within that of the operation as a whole.
        let deadline = match task.timeout {
            Some(timeout) if moved => {
                let each = self.clock.now().after(timeout);
                match (each, task.limit) {
                    (Some(each), Some(limit)) => Some(each.min(limit)),
                    (each, limit) => each.or(limit),
                }
            }
            _ => task.deadline,
        };
        if let Some(deadline) = deadline {
            self.arm(key, deadline);
        }
        self.watch_operation(key, interest);
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
    #[inline]
    pub fn end_quick_turn(&mut self) -> Option<usize> {
        let quick = !self.ready.is_empty()
            && self.turns_unpolled + 1 < TURNS_PER_POLL
            && self.ready_selects == 0
            && self.timers.armed() == 0
            && self.calls.is_empty()
            && self.callbacks.is_empty()
            && !self.reactor.has_fired();
        self.turns_unpolled += u32::from(quick);
        quick.then(|| self.ready.len())
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
        if self.reactor.follow_fork()? {
            self.resolver.renew(self.reactor.notifier());
        }
        let timeout = if self.is_busy() {
            Some(Duration::ZERO)
        } else {
            let deadline = self.timers.next_deadline();
            deadline.map(|deadline| deadline.since(self.clock.now()))
        };
        self.turns_unpolled = 0;
        let waited = self.reactor.wait(timeout);
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
        self.reactor.drain_fired(&mut fired);
        for waiter in fired.drain(..) {
            let Waiter {
                task, serial, role, ..
            } = waiter;
            match role {
                Role::Operation => {
                    if let Some(task) = self.task(task)
                        && task.serial == serial
                    {
                        // Firing has taken it off the source.
                        task.watched = None;
                    }
                    self.wake_operation(task, serial);
                }
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
        self.fired = fired;
        if self.reactor.take_notified() {
            self.answer_lookups();
        }
    }

    /// Moves the elements whose own `_wake` is to be called into `list`.
    pub fn take_calls(&mut self, list: &mut Vec<Call>) {
        list.append(&mut self.calls);
    }

    // --- look-ups ---

    /// Starts a look-up for an operation that is about to park.
    pub fn look_up(&mut self, query: Query) -> LookupId {
        self.resolver.submit(query)
    }

    fn drop_lookup(&mut self, operation: &Operation) {
        if let Operation::Lookup(lookup) = operation
            && self.lookups.remove(&lookup.id).is_some()
        {
            self.resolver.cancel(lookup.id);
        }
    }

    fn answer_lookups(&mut self) {
        let mut finished = Vec::new();
        self.resolver.take_finished(&mut finished);
        for (id, answer) in finished {
            let Some(key) = self.lookups.remove(&id) else {
                continue;
            };
            let Some(task) = self.task(key) else { continue };
            if let Wait::Operation(Operation::Lookup(lookup)) = &mut task.wait {
                lookup.answer = Some(answer);
                self.make_ready(key);
            }
        }
    }

    // --- timers ---

    /// Fires what is due now: tasks become ready, callbacks are there for
    /// [`Scheduler::take_callback`].
    pub fn expire(&mut self) {
        if self.timers.armed() == 0 {
            return;
        }
        self.now = self.clock.now();
        while let Some(owner) = self.timers.expire(self.now) {
            match owner {
                Owner::Callback(callback) => self.callbacks.push_back(callback),
                Owner::Task(key) => {
                    if let Some(task) = self.task(key) {
                        task.timed_out = true;
                        self.make_ready(key);
                    }
                }
            }
        }
    }

    /// Makes a timer that reports `callback` when it is due, `timeout` seconds from now.
    pub fn set_callback(&mut self, callback: u64, timeout: f64) -> TimerId {
        let timer = self.timers.add(Owner::Callback(callback));
        // A due timer fires in the next turn, a deadline beyond time never.
        let now = self.clock.now();
        if let Some(deadline) = if timeout <= 0.0 {
            Some(now)
        } else {
            now.after(timeout)
        } {
            self.timers.set(timer, deadline);
        }
        timer
    }

    /// Ends a callback's timer.
    pub fn remove_callback(&mut self, timer: TimerId) {
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
