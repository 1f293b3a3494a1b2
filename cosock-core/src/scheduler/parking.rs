//! Parking a task, on whatever it waits for, and waking it.

use std::ops::Range;

use super::{Call, Owner, Phase, Scheduler, TaskKey, Timeout, Tried, Wait};
use crate::clock::Time;
use crate::operation::{Operation, Outcome, Terms};
use crate::reactor::{Company, Interest, Role, SourceId, Waiter};
use crate::select::Select;
use crate::socket::{Progress, Step};

impl Scheduler {
    /// Parks a running task. A `timeout` in seconds, counted from now, makes it ready again; `None`
    /// waits without limit; at zero or less it runs again in the next turn.
    #[inline]
    pub(super) fn park(&mut self, key: TaskKey, wait: Wait, timeout: Option<f64>) -> u64 {
        self.withdraw(key);
        self.serials += 1;
        let serial = self.serials;
        let task = &mut self.tasks[key.index as usize];
        task.phase = Phase::Parked;
        task.serial = serial;
        task.wait = wait;
        task.timed_out = false;
        task.deadline = None;
        if let Some(timeout) = timeout {
            self.limit(key, timeout);
        }
        serial
    }

    /// Starts the timeout of a task that has just been parked.
    fn limit(&mut self, key: TaskKey, timeout: f64) {
        if timeout <= 0.0 {
            // Nothing is registered yet that would have to be taken back.
            let task = &mut self.tasks[key.index as usize];
            task.timed_out = true;
            task.phase = Phase::Ready;
            self.ready_selects += usize::from(matches!(task.wait, Wait::Select(_)));
            self.ready.push_back(key);
        } else if let Some(deadline) = self.clock.now().after(timeout) {
            self.arm(key, deadline);
        }
    }

    /// Takes back the wait of a task that runs and so did not come to it: a method parks its task and then
    /// yields, which may fail where the language cannot yield.
    #[inline]
    pub fn withdraw(&mut self, key: TaskKey) {
        if self.tasks[key.index as usize].phase != Phase::Running {
            self.take_back(key);
        }
    }

    #[cold]
    fn take_back(&mut self, key: TaskKey) {
        self.disarm(key);
        let task = &mut self.tasks[key.index as usize];
        if task.phase == Phase::Ready {
            self.ready_selects -= usize::from(matches!(task.wait, Wait::Select(_)));
            self.ready.retain(|ready| *ready != key);
        }
        task.phase = Phase::Running;
        task.serial = 0;
        if let Wait::Operation(operation) = std::mem::take(&mut task.wait) {
            self.drop_lookup(&operation);
        }
    }

    pub(super) fn arm(&mut self, key: TaskKey, deadline: Time) {
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
        self.tasks[key.index as usize].timeout = Timeout::new(timeout);
        if timeout.is_some_and(|timeout| timeout <= 0.0) {
            // It only steps aside: nothing is registered, and nothing else can wake it.
            self.withdraw(key);
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
    #[inline]
    pub fn park_message(&mut self, key: TaskKey, timeout: Option<f64>, object: usize) {
        self.withdraw(key);
        // It has no waiters, so no serial number either.
        let task = &mut self.tasks[key.index as usize];
        task.phase = Phase::Parked;
        if !matches!(task.wait, Wait::Message) {
            task.wait = Wait::Message;
        }
        task.object = object;
        task.timed_out = false;
        task.timeout = Timeout::new(timeout);
        task.deadline = None;
        if let Some(timeout) = timeout {
            self.limit(key, timeout);
        }
    }

    /// Parks a running task for a message once more: it was woken, and somebody else took it.
    pub fn park_message_again(&mut self, key: TaskKey) {
        let task = &mut self.tasks[key.index as usize];
        task.phase = Phase::Parked;
        if let Some(deadline) = task.deadline {
            self.arm(key, deadline);
        }
    }

    /// Whether the task waits for a message in the queue identified by `object`, or was woken for one
    /// and has not run since: it waits on if somebody else takes that. One whose time is over does not.
    #[must_use]
    pub fn waits_for_message(&self, key: TaskKey, object: usize) -> bool {
        self.look(key).is_some_and(|task| {
            let waits = match task.phase {
                Phase::Parked => true,
                Phase::Ready => !task.timed_out,
                Phase::Free | Phase::Running => false,
            };
            waits && task.object == object && matches!(task.wait, Wait::Message)
        })
    }

    /// Wakes the task if it is parked for a message in the queue identified by `object`.
    #[inline]
    pub fn wake_message(&mut self, key: TaskKey, object: usize) {
        let Some(task) = self.tasks.get_mut(key.index as usize) else {
            return;
        };
        let waits = task.phase == Phase::Parked
            && task.generation == key.generation
            && task.object == object
            && matches!(task.wait, Wait::Message);
        if !waits {
            return;
        }
        task.phase = Phase::Ready;
        self.ready.push_back(key);
        if task.deadline.is_some() {
            self.disarm(key);
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

    /// Parks a running task on the elements of a select; the result names this wait.
    pub fn park_select(&mut self, key: TaskKey, select: Box<Select>, timeout: Option<f64>) -> u64 {
        self.tasks[key.index as usize].timeout = Timeout::new(timeout);
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

    /// Whether a task other than this one selects on a foreign object in this direction, and was not woken
    /// by it.
    #[must_use]
    pub fn is_selected_by_another(&self, key: TaskKey, object: usize, interest: Interest) -> bool {
        self.keys()
            .filter(|other| *other != key)
            .any(|other| match self.wait_of(other) {
                Wait::Select(select) => select.elements.iter().any(|element| {
                    element.foreign
                        && !element.is_woken()
                        && element.object == object
                        && element.interest == interest
                }),
                _ => false,
            })
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

    #[inline]
    pub(super) fn make_ready(&mut self, key: TaskKey) {
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

    /// Takes back every registration of a task.
    pub(super) fn disarm(&mut self, key: TaskKey) {
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

    // --- operations, once more ---

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
