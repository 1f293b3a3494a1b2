//! Parking a task and waking it, whatever it waits for; and what needs no more: sleeping, and waiting for a message.

use super::{Lists, Owner, Phase, Scheduler, Task, TaskKey, Timeout, Wait};
use crate::clock::Time;
use crate::reactor::Interest;

impl Scheduler {
    /// Parks a running task. A `timeout` in seconds, counted from now, makes it ready again; `None`
    /// waits without limit; at zero or less it runs again in the next turn.
    #[inline]
    pub(super) fn park(&mut self, key: TaskKey, wait: Wait, timeout: Option<f64>) -> u64 {
        self.withdraw(key);
        let task = self.begin_wait(key);
        task.wait = wait;
        let serial = task.serial;
        if let Some(timeout) = timeout {
            self.limit(key, timeout);
        }
        serial
    }

    /// Parks a running task for a new wait, which has no timeout yet; for what, the caller says.
    #[inline(always)]
    pub(super) fn begin_wait(&mut self, key: TaskKey) -> &mut Task {
        self.serials += 1;
        let task = &mut self.tasks[key.index as usize];
        task.phase = Phase::Parked;
        task.serial = self.serials;
        task.timed_out = false;
        task.deadline = None;
        task
    }

    /// Starts the timeout of a task that has just been parked.
    pub(super) fn limit(&mut self, key: TaskKey, timeout: f64) {
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
        debug_assert!(self.is_alive(key), "a task that is over cannot wait");
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
            .get_or_insert_with(|| self.timers.add(Owner(key.index)));
        task.deadline = Some(deadline);
        self.timers.set(timer, deadline);
    }

    /// Parks a running task until its timeout.
    #[inline]
    pub fn park_sleep(&mut self, key: TaskKey, timeout: Option<f64>) {
        let task = &mut self.tasks[key.index as usize];
        if task.phase != Phase::Running {
            return self.sleep_instead(key, timeout);
        }
        task.timeout = Timeout::new(timeout);
        task.lists = Lists::Empty;
        if timeout.is_some_and(|timeout| timeout <= 0.0) {
            // It only steps aside: nothing is registered, and nothing else can wake it.
            task.phase = Phase::Ready;
            task.wait = Wait::Sleep;
            task.deadline = None;
            self.ready.push_back(key);
        } else {
            self.park(key, Wait::Sleep, timeout);
        }
    }

    #[cold]
    fn sleep_instead(&mut self, key: TaskKey, timeout: Option<f64>) {
        self.take_back(key);
        self.park_sleep(key, timeout);
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
        task.object = object as u64;
        task.lists = Lists::One(Interest::Read);
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
            waits && task.object == object as u64 && matches!(task.wait, Wait::Message)
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
            && task.object == object as u64
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

    /// Takes back every registration of a task.
    #[inline]
    pub(super) fn disarm(&mut self, key: TaskKey) {
        if self.tasks[key.index as usize].is_armed() {
            self.disarm_armed(key);
        }
    }

    fn disarm_armed(&mut self, key: TaskKey) {
        let task = &mut self.tasks[key.index as usize];
        if task.deadline.is_some()
            && let Some(timer) = task.timer
        {
            self.timers.cancel(timer);
        }
        if let Some(id) = task.watched.take() {
            self.reactor.unwatch(id, key);
        }
        if let Wait::Select(select) = &task.wait {
            select.unwatch(key, &mut self.reactor);
        }
    }
}
