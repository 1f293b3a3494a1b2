//! Parking a task and waking it, whatever it waits for; and what needs no more: sleeping, and waiting for a message.

use super::waits::{Waiting, waiting_at};
use super::{Kind, Lists, Owner, Phase, Scheduler, Task, TaskKey, Timeout, Wait};
use crate::clock::Time;
use crate::reactor::Interest;

impl Scheduler {
    /// Starts a wait of a running task for more than time. The caller fills in what it is for, and its timeout.
    #[inline(always)]
    pub(super) fn begin_wait(&mut self, place: u32, kind: Kind) -> (&mut Task, &mut Waiting) {
        self.serials += 1;
        let task = &mut self.tasks[place as usize];
        task.phase = Phase::Parked;
        task.kind = kind;
        task.limited = false;
        let waiting = waiting_at(&mut self.waits, place);
        waiting.deadline = None;
        waiting.timed_out = false;
        waiting.serial = self.serials;
        (task, waiting)
    }

    /// Starts the timeout of a task that has just been parked: `timeout` seconds from now it becomes ready; at zero
    /// or less it runs again in the next turn.
    pub(super) fn limit(&mut self, key: TaskKey, timeout: f64) {
        if timeout <= 0.0 {
            // Nothing is registered yet that would have to be taken back.
            let task = &mut self.tasks[key.index as usize];
            task.phase = Phase::Ready;
            waiting_at(&mut self.waits, key.index).timed_out = true;
            self.ready_selects += usize::from(task.kind == Kind::Select);
            self.ready.push_back(key);
        } else if let Some(deadline) = self.deadline_after(timeout) {
            if self.tasks[key.index as usize].kind != Kind::Sleep {
                waiting_at(&mut self.waits, key.index).deadline = Some(deadline);
            }
            self.arm(key, deadline);
        }
    }

    /// Takes back the wait of a task that still runs: a method parks its task and then yields, and where the language
    /// cannot yield, the task goes on instead.
    #[inline]
    pub fn withdraw(&mut self, key: TaskKey) {
        if self.tasks[key.index as usize].phase != Phase::Running {
            self.take_back(key);
        }
    }

    /// Whether a task that still runs has been parked, and its wait is not taken back yet.
    #[inline]
    #[must_use]
    pub fn has_wait(&self, key: TaskKey) -> bool {
        (self.tasks.get(key.index as usize)).is_some_and(|task| task.phase != Phase::Running)
    }

    #[cold]
    fn take_back(&mut self, key: TaskKey) {
        debug_assert!(self.is_alive(key), "a task that is over cannot wait");
        self.disarm(key);
        let task = &mut self.tasks[key.index as usize];
        if task.phase == Phase::Ready {
            self.ready_selects -= usize::from(task.kind == Kind::Select);
            self.ready.retain(|ready| *ready != key);
        }
        task.phase = Phase::Running;
        self.drop_wait(key.index);
    }

    pub(super) fn arm(&mut self, key: TaskKey, deadline: Time) {
        let task = &mut self.tasks[key.index as usize];
        let timer = *task
            .timer
            .get_or_insert_with(|| self.timers.add(Owner(key.index)));
        task.limited = true;
        self.timers.set(timer, deadline);
    }

    /// Parks a running task until its timeout, a number of seconds; for ever without one.
    #[inline]
    pub fn park_sleep(&mut self, key: TaskKey, timeout: Option<f64>) {
        let task = &mut self.tasks[key.index as usize];
        if task.phase != Phase::Running {
            return self.sleep_instead(key, timeout);
        }
        task.timeout = Timeout::new(timeout);
        task.lists = Lists::Empty;
        task.limited = false;
        if std::mem::replace(&mut task.kind, Kind::Sleep) != Kind::Sleep {
            self.drop_wait(key.index);
        }
        let task = &mut self.tasks[key.index as usize];
        if timeout.is_some_and(|timeout| timeout <= 0.0) {
            // It only steps aside: nothing is registered, and nothing else can wake it.
            task.phase = Phase::Ready;
            self.ready.push_back(key);
            return;
        }
        task.phase = Phase::Parked;
        if let Some(timeout) = timeout {
            self.limit(key, timeout);
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
        task.lists = Lists::One(Interest::Read);
        task.limited = false;
        task.timeout = Timeout::new(timeout);
        let last = std::mem::replace(&mut task.kind, Kind::Message);
        let waiting = waiting_at(&mut self.waits, key.index);
        waiting.object = object as u64;
        waiting.deadline = None;
        waiting.timed_out = false;
        if last != Kind::Message {
            self.drop_wait(key.index);
        }
        if let Some(timeout) = timeout {
            self.limit(key, timeout);
        }
    }

    /// Parks a running task for a message once more: it was woken for one that somebody else took.
    pub fn park_message_again(&mut self, key: TaskKey) {
        let task = &mut self.tasks[key.index as usize];
        task.phase = Phase::Parked;
        if let Some(deadline) = self.waits[key.index as usize].deadline {
            self.arm(key, deadline);
        }
    }

    /// Whether the task waits for a message in the queue identified by `object`, or was woken for one
    /// and has not run since: it waits on if somebody else takes that. One whose time is over does not.
    #[must_use]
    pub fn waits_for_message(&self, key: TaskKey, object: usize) -> bool {
        let Some(task) = (self.look(key)).filter(|task| task.kind == Kind::Message) else {
            return false;
        };
        let waiting = &self.waits[key.index as usize];
        let waits = match task.phase {
            Phase::Parked => true,
            Phase::Ready => !waiting.timed_out,
            Phase::Free | Phase::Running => false,
        };
        waits && waiting.object == object as u64
    }

    /// Wakes the task if it is parked for a message in the queue identified by `object`.
    #[inline]
    pub fn wake_message(&mut self, key: TaskKey, object: usize) {
        let Some(task) = self.tasks.get_mut(key.index as usize) else {
            return;
        };
        let waits = task.phase == Phase::Parked
            && task.generation == key.generation
            && task.kind == Kind::Message
            && self.waits[key.index as usize].object == object as u64;
        if !waits {
            return;
        }
        task.phase = Phase::Ready;
        self.ready.push_back(key);
        if task.limited {
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
        if task.kind == Kind::Select {
            // Further elements may become ready until the turn in which it runs.
            self.ready_selects += 1;
        } else {
            self.disarm(key);
        }
    }

    /// Takes back every registration of a task.
    #[inline]
    pub(super) fn disarm(&mut self, key: TaskKey) {
        let waiting = self.waits.get(key.index as usize);
        if self.tasks[key.index as usize].limited || waiting.is_some_and(Waiting::is_registered) {
            self.disarm_registered(key);
        }
    }

    fn disarm_registered(&mut self, key: TaskKey) {
        let task = &self.tasks[key.index as usize];
        if task.limited
            && let Some(timer) = task.timer
        {
            self.timers.cancel(timer);
        }
        if let Some(waiting) = self.waits.get_mut(key.index as usize) {
            match &waiting.wait {
                Wait::Operation(operation) if waiting.watching => {
                    waiting.watching = false;
                    if let Some(id) = operation.registered() {
                        self.reactor.unwatch(id, key);
                    }
                }
                Wait::Select(select) => select.unwatch(key, &mut self.reactor),
                _ => {}
            }
        }
    }
}
