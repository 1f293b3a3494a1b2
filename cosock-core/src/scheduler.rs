//! Tasks: which may run, which wait and for what, one turn after the other.
//!
//! A task is a number; who owns the coroutines maps it. Each wait has a serial number, and a wake
//! for an older one is dropped. Ready tasks run first in, first out.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::ops::Range;

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
    /// An operation that the scheduler completes.
    Operation(Operation),
    /// The first ready element of two lists.
    Select(Box<Select>),
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
    serial: u64,
    wait: Wait,
    timed_out: bool,
    timer: Option<TimerId>,
    /// Seconds of the current wait, to start its deadline again when bytes moved.
    timeout: Option<f64>,
    deadline: Option<Time>,
    watched: Option<(SourceId, Interest)>,
    object: usize,
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
    live: usize,
    serials: u64,
    calls: Vec<Call>,
    callbacks: Vec<u64>,
    fired: Vec<Waiter>,
    /// Who waits for which look-up.
    lookups: HashMap<LookupId, TaskKey>,
    turns_unpolled: u32,
}

/// Turns that may pass without a look at descriptors and timers while tasks are ready.
const TURNS_PER_POLL: u32 = 16;

impl Scheduler {
    /// An empty scheduler.
    ///
    /// # Errors
    ///
    /// What opening the reactor reports.
    pub fn new() -> io::Result<Scheduler> {
        let reactor = Reactor::new()?;
        let resolver = Resolver::new(reactor.notifier());
        Ok(Scheduler {
            reactor,
            clock: Clock::new(),
            resolver,
            timers: Timers::new(),
            tasks: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            live: 0,
            serials: 0,
            calls: Vec::new(),
            callbacks: Vec::new(),
            fired: Vec::new(),
            lookups: HashMap::new(),
            turns_unpolled: 0,
        })
    }

    /// A new task, ready to run in the next turn.
    pub fn spawn(&mut self) -> TaskKey {
        let index = self.free.pop().unwrap_or_else(|| {
            self.tasks.push(Task {
                generation: 0,
                phase: Phase::Free,
                serial: 0,
                wait: Wait::Nothing,
                timed_out: false,
                timer: None,
                timeout: None,
                deadline: None,
                watched: None,
                object: 0,
                last_run: None,
            });
            (self.tasks.len() - 1) as u32
        });
        let task = &mut self.tasks[index as usize];
        task.phase = Phase::Ready;
        let key = TaskKey { index, generation: task.generation };
        self.ready.push_back(key);
        self.live += 1;
        key
    }

    fn task(&mut self, key: TaskKey) -> Option<&mut Task> {
        self.tasks
            .get_mut(key.index as usize)
            .filter(|task| task.generation == key.generation && task.phase != Phase::Free)
    }

    /// Whether the task has neither finished nor been cancelled.
    #[must_use]
    pub fn is_alive(&self, key: TaskKey) -> bool {
        self.tasks
            .get(key.index as usize)
            .is_some_and(|task| task.generation == key.generation && task.phase != Phase::Free)
    }

    /// How many tasks are alive.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live
    }

    /// The keys of all living tasks, by place.
    pub fn keys(&self) -> impl Iterator<Item = TaskKey> + '_ {
        self.tasks.iter().enumerate().filter(|(_, task)| task.phase != Phase::Free).map(
            |(index, task)| TaskKey { index: index as u32, generation: task.generation },
        )
    }

    /// How many tasks are ready: a turn runs so many and no more.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// The ready task at `position` of the queue, if it is still alive.
    #[must_use]
    pub fn ready_at(&self, position: usize) -> Option<TaskKey> {
        self.ready.get(position).copied().filter(|key| self.is_alive(*key))
    }

    /// Takes the next ready task and counts it as running; `None` for one cancelled meanwhile.
    pub fn start_next(&mut self, now: Time) -> Option<TaskKey> {
        let key = self.ready.pop_front()?;
        let task = self.task(key)?;
        task.phase = Phase::Running;
        task.last_run = Some(now);
        Some(key)
    }

    /// When the task last ran.
    #[must_use]
    pub fn last_run(&self, key: TaskKey) -> Option<Time> {
        self.tasks.get(key.index as usize).and_then(|task| task.last_run)
    }

    /// What the task waits for.
    #[must_use]
    pub fn wait_of(&self, key: TaskKey) -> &Wait {
        &self.tasks[key.index as usize].wait
    }

    /// The serial number of the task's current wait.
    #[must_use]
    pub fn serial(&self, key: TaskKey) -> Option<u64> {
        self.is_alive(key).then(|| self.tasks[key.index as usize].serial)
    }

    /// Parks a running task; the wait gets a serial number of its own.
    ///
    /// A `timeout` in seconds, counted from now, makes the task ready again; `None` waits without
    /// limit; at zero or less the task runs again in the next turn.
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
                task.timed_out = true;
                self.make_ready(key);
            } else if let Some(deadline) = self.clock.now().after(timeout) {
                self.arm(key, deadline);
            }
        }
        serial
    }

    fn arm(&mut self, key: TaskKey, deadline: Time) {
        let task = &mut self.tasks[key.index as usize];
        let timer = *task.timer.get_or_insert_with(|| self.timers.add(Owner::Task(key)));
        task.deadline = Some(deadline);
        self.timers.set(timer, deadline);
    }

    fn make_ready(&mut self, key: TaskKey) {
        let task = &mut self.tasks[key.index as usize];
        if task.phase == Phase::Parked {
            task.phase = Phase::Ready;
            self.ready.push_back(key);
        }
    }

    /// Parks a running task on an operation that would block.
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
        if let Operation::Lookup { id, .. } = &operation {
            self.lookups.insert(*id, key);
        }
        self.park(key, Wait::Operation(operation), timeout);
        self.tasks[key.index as usize].object = object;
        self.watch_operation(key, interest);
    }

    fn watch_operation(&mut self, key: TaskKey, interest: Interest) {
        let task = &mut self.tasks[key.index as usize];
        let Wait::Operation(operation) = &task.wait else { return };
        match operation.source(&mut self.reactor) {
            Ok(None) => {}
            Ok(Some(id)) => {
                task.watched = Some((id, interest));
                let (serial, object) = (task.serial, task.object);
                let waiter = Waiter { task: key, serial, role: Role::Operation, object };
                self.reactor.watch(id, interest, waiter);
            }
            // The next try reports what is wrong with the descriptor.
            Err(_) => self.make_ready(key),
        }
    }

    /// Parks a running task on the elements of a select; see [`Select`].
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
        let Wait::Select(select) = &mut task.wait else { return Ok(()) };
        let ready = select.watch(key, serial, range, &mut self.reactor)?;
        for element in ready {
            let foreign =
                self.select(key, serial).is_some_and(|select| select.elements[element as usize].foreign);
            if foreign {
                self.calls.push(Call { task: key, serial, element });
            } else {
                self.wake_element(key, serial, element);
            }
        }
        Ok(())
    }

    /// Watches a foreign element once more that was told and did not wake its task.
    pub fn watch_again(&mut self, call: Call) {
        let Call { task, serial, element } = call;
        let asleep = self.select(task, serial).is_some_and(|select| !select.is_woken(element));
        if asleep {
            if let Some(select) = self.select(task, serial) {
                select.elements[element as usize].answers = false;
            }
            let place = element as usize;
            // Foreign elements are never in conflict: their own `setwaker` decides.
            let _ = self.watch_elements(task, serial, place..place + 1);
        }
    }

    /// Notes that an element of the task's select is ready; tells whether that was news.
    pub fn wake_element(&mut self, key: TaskKey, serial: u64, element: u32) -> bool {
        let news = self.select(key, serial).is_some_and(|select| select.wake(element));
        if news {
            self.make_ready(key);
        }
        news
    }

    /// Wakes a task that waits for a message, if `serial` is still its wait.
    pub fn wake_operation(&mut self, key: TaskKey, serial: u64) {
        let waits = self.task(key).is_some_and(|task| {
            task.serial == serial && matches!(task.wait, Wait::Operation(_))
        });
        if waits {
            self.make_ready(key);
        }
    }

    /// Takes back every registration of a task that is about to run.
    pub fn disarm(&mut self, key: TaskKey) {
        let Some(task) = self
            .tasks
            .get_mut(key.index as usize)
            .filter(|task| task.generation == key.generation)
        else {
            return;
        };
        if let Some(timer) = task.timer {
            self.timers.cancel(timer);
        }
        if let Some((id, interest)) = task.watched.take() {
            self.reactor.unwatch(id, interest, key);
        }
        if let Wait::Select(select) = &task.wait {
            select.unwatch(key, &mut self.reactor);
        }
    }

    /// Disarms the first `count` ready tasks; tells whether any of them has told foreign objects.
    pub fn disarm_ready(&mut self, count: usize) -> bool {
        let mut foreign = false;
        for position in 0..count {
            let Some(key) = self.ready_at(position) else { continue };
            self.disarm(key);
            foreign |= match &self.tasks[key.index as usize].wait {
                Wait::Select(select) => select.has_foreign(),
                _ => false,
            };
        }
        foreign
    }

    /// Takes the wait of a running task, and whether its deadline passed.
    pub fn take_wait(&mut self, key: TaskKey) -> (Wait, bool) {
        let task = &mut self.tasks[key.index as usize];
        // Any later wake belongs to a wait that is over.
        task.serial = 0;
        (std::mem::take(&mut task.wait), task.timed_out)
    }

    /// Tries the operation of a task that runs again; parks it once more when it would block.
    ///
    /// `data` is what a send sends.
    pub fn try_operation(&mut self, key: TaskKey, mut operation: Operation, data: &[u8]) -> Tried {
        let index = key.index as usize;
        let timed_out = self.tasks[index].timed_out;
        if timed_out && matches!(operation, Operation::Sleep | Operation::Message) {
            return Tried::Complete(operation.time_out());
        }
        match operation.step(data, &mut self.reactor) {
            Step::Done(outcome) => Tried::Complete(outcome),
            Step::Wait { .. } if timed_out => {
                self.drop_lookup(&operation);
                Tried::Complete(operation.time_out())
            }
            Step::Wait { interest, moved } => {
                if let Err(error) = operation.source(&mut self.reactor) {
                    return Tried::Complete(operation.fail(error));
                }
                let again = moved && !operation.keeps_deadline();
                let task = &mut self.tasks[index];
                let (timeout, deadline) = (task.timeout, task.deadline);
                self.park(key, Wait::Operation(operation), timeout.filter(|_| again));
                self.tasks[index].timeout = timeout;
                if let Some(deadline) = deadline.filter(|_| !again) {
                    self.arm(key, deadline);
                }
                self.watch_operation(key, interest);
                Tried::Parked
            }
        }
    }

    /// Parks a running task on its operation as it was: woken for nothing.
    pub fn park_again(&mut self, key: TaskKey, operation: Operation) -> u64 {
        let task = &mut self.tasks[key.index as usize];
        let deadline = task.deadline;
        let serial = self.park(key, Wait::Operation(operation), None);
        if let Some(deadline) = deadline {
            self.arm(key, deadline);
        }
        serial
    }

    /// Starts a look-up for an operation that is about to park.
    pub fn look_up(&mut self, query: Query) -> LookupId {
        self.resolver.submit(query)
    }

    fn drop_lookup(&mut self, operation: &Operation) {
        if let Operation::Lookup { id, answer: None, .. } = operation {
            self.lookups.remove(id);
            self.resolver.cancel(*id);
        }
    }

    /// Ends a task in whatever state it is: nothing of it stays registered.
    pub fn finish(&mut self, key: TaskKey) {
        if !self.is_alive(key) {
            return;
        }
        self.disarm(key);
        let task = &mut self.tasks[key.index as usize];
        task.phase = Phase::Free;
        task.generation = task.generation.wrapping_add(1);
        task.serial = 0;
        task.last_run = None;
        if let Some(timer) = task.timer.take() {
            self.timers.remove(timer);
        }
        if let Wait::Operation(operation) = std::mem::take(&mut task.wait) {
            self.drop_lookup(&operation);
        }
        self.free.push(key.index);
        self.live -= 1;
    }

    /// Makes a timer that reports `callback` when it is due.
    pub fn set_callback(&mut self, callback: u64, timeout: f64) -> TimerId {
        let timer = self.timers.add(Owner::Callback(callback));
        // A due timer fires in the next turn, a deadline beyond time never.
        let now = self.clock.now();
        if let Some(deadline) = if timeout <= 0.0 { Some(now) } else { now.after(timeout) } {
            self.timers.set(timer, deadline);
        }
        timer
    }

    /// Ends a callback's timer.
    pub fn remove_callback(&mut self, timer: TimerId) {
        self.timers.remove(timer);
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

    /// Whether every task waits for something that nothing can bring any more.
    #[must_use]
    pub fn is_deadlocked(&self) -> bool {
        self.live > 0
            && self.ready.is_empty()
            && self.calls.is_empty()
            && self.callbacks.is_empty()
            && self.timers.armed() == 0
            && self.reactor.waiters() == 0
            && !self.reactor.has_fired()
            && self.resolver.pending() == 0
    }

    /// Ends a turn: looks at descriptors, timers and look-ups, and makes tasks ready.
    ///
    /// Blocks until something happens when nothing is ready. While tasks are ready, looks only once
    /// in a few turns, for a task that yields in a loop should not pay a system call each time.
    ///
    /// # Errors
    ///
    /// `Interrupted` when a signal came; else what the poll reports.
    pub fn poll(&mut self) -> io::Result<()> {
        if self.reactor.follow_fork()? {
            self.resolver.renew(self.reactor.notifier());
        }
        let idle = self.ready.is_empty()
            && self.calls.is_empty()
            && self.callbacks.is_empty()
            && !self.reactor.has_fired();
        if !idle && self.turns_unpolled < TURNS_PER_POLL && self.timers.armed() == 0 {
            self.turns_unpolled += 1;
            self.dispatch();
            return Ok(());
        }
        let timeout = if idle {
            let now = self.clock.now();
            self.timers.next_deadline().map(|deadline| deadline.since(now))
        } else {
            Some(std::time::Duration::ZERO)
        };
        self.turns_unpolled = 0;
        let waited = self.reactor.wait(timeout);
        self.expire();
        self.dispatch();
        waited
    }

    /// Fires what is due now: tasks become ready, callbacks are listed for [`Scheduler::take_callback`].
    pub fn expire(&mut self) {
        if self.timers.armed() == 0 {
            return;
        }
        let now = self.clock.now();
        while let Some(owner) = self.timers.expire(now) {
            match owner {
                Owner::Callback(callback) => self.callbacks.push(callback),
                Owner::Task(key) => {
                    if let Some(task) = self.task(key) {
                        task.timed_out = true;
                        self.make_ready(key);
                    }
                }
            }
        }
    }

    /// How many callbacks are due.
    #[must_use]
    pub fn due_callbacks(&self) -> usize {
        self.callbacks.len()
    }

    /// The next callback that is due, in order of deadlines.
    pub fn take_callback(&mut self) -> Option<u64> {
        (!self.callbacks.is_empty()).then(|| self.callbacks.remove(0))
    }

    /// Moves the elements whose own `_wake` is to be called into `list`.
    pub fn take_calls(&mut self, list: &mut Vec<Call>) {
        list.append(&mut self.calls);
    }

    /// Asks for an element's own `_wake` to be called at the end of this turn.
    pub fn call_later(&mut self, call: Call) {
        self.calls.push(call);
    }

    /// Turns fired waiters and finished look-ups into ready tasks.
    fn dispatch(&mut self) {
        let mut fired = std::mem::take(&mut self.fired);
        self.reactor.drain_fired(&mut fired);
        for waiter in fired.drain(..) {
            let Waiter { task, serial, role, .. } = waiter;
            match role {
                Role::Operation => self.wake_operation(task, serial),
                Role::Element(element) => {
                    self.wake_element(task, serial, element);
                }
                Role::Foreign(element) => {
                    if self.select(task, serial).is_some() {
                        self.calls.push(Call { task, serial, element });
                    }
                }
            }
        }
        self.fired = fired;
        if self.reactor.take_notified() {
            self.answer_lookups();
        }
    }

    fn answer_lookups(&mut self) {
        let mut finished = Vec::new();
        self.resolver.take_finished(&mut finished);
        for (id, reply) in finished {
            let Some(key) = self.lookups.remove(&id) else { continue };
            let Some(task) = self.task(key) else { continue };
            if let Wait::Operation(Operation::Lookup { answer, .. }) = &mut task.wait {
                *answer = Some(reply);
                self.make_ready(key);
            }
        }
    }

    /// Whether `object` is already waited on in this direction, by an operation or a select.
    #[must_use]
    pub fn is_waited(&mut self, id: SourceId, interest: Interest, object: usize) -> bool {
        self.reactor.is_waited(id, interest, object)
    }
}
