//! What a task is to the scheduler: its name, its state, what it waits for and what it runs again for.

use crate::clock::Time;
use crate::operation::{Operation, Outcome};
use crate::reactor::Interest;
use crate::select::Select;
use crate::timer::TimerId;

/// Names a task; stale once it has finished or was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TaskKey {
    /// Its place; reused by later tasks.
    pub index: u32,
    pub(super) generation: u32,
}

/// A timeout in seconds; NaN stands for none, which takes less room than an `Option`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeout(f64);

impl Timeout {
    pub(super) const NONE: Timeout = Timeout(f64::NAN);

    pub(super) fn new(seconds: Option<f64>) -> Timeout {
        seconds.map_or(Timeout::NONE, Timeout)
    }

    pub(super) fn get(self) -> Option<f64> {
        (!self.0.is_nan()).then_some(self.0)
    }
}

/// Who owns a timer: a task, by its place, for such a timer ends with its task; or a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner(pub(super) u32);

impl Owner {
    /// Some callback; which one, is in [`Scheduler::callback_numbers`](super::Scheduler::callback_numbers).
    pub(super) const CALLBACK: Owner = Owner(u32::MAX);
}

/// How many objects a wait is for, as the metadata of tasks tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lists {
    /// None.
    Empty,
    /// One, to read from or to write to.
    One(Interest),
    /// [`Waiting::object`](super::Waiting::object) has both counts: of those to receive from in its lower half, and of
    /// those to send to in its upper half.
    Many,
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
    /// The line may be there that its operation waits for: see [`Scheduler::try_line`](super::Scheduler::try_line).
    Line,
    /// Its operation may go on: see [`Scheduler::try_operation`](super::Scheduler::try_operation).
    Operation,
    /// Its select is over: see [`Scheduler::take_select`](super::Scheduler::take_select).
    Select {
        /// Whether the deadline passed.
        timed_out: bool,
    },
}

/// A task that runs again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// The task.
    pub key: TaskKey,
    /// What for.
    pub start: Start,
    /// The number by which its owner knows it.
    pub owner: usize,
    /// The identity of the queue, where it has waited for a message.
    pub object: usize,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Over: the place is for another task.
    Free,
    /// In the queue of those that run next.
    Ready,
    /// Its coroutine runs, or waits for one that does.
    Running,
    /// Waits for what [`Task::kind`] says.
    Parked,
}

/// What a task waits for, without what goes with it: enough to tell what it runs again for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It has not waited yet.
    Nothing,
    Sleep,
    Message,
    /// The operation that reads a line.
    Line,
    /// Any other operation.
    Operation,
    Select,
}

/// What is kept of every task. One that has waited for more than time has a [`Waiting`](super::Waiting), too.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) generation: u32,
    pub(super) phase: Phase,
    /// Of the current wait, or of the last one while the task runs.
    pub(super) kind: Kind,
    /// Likewise.
    pub(super) lists: Lists,
    /// The number by which its owner knows it.
    pub(super) owner: usize,
    /// Made for its first deadline, and moved for the others.
    pub(super) timer: Option<TimerId>,
    /// Whether the timer was set for the current wait.
    pub(super) limited: bool,
    /// What its owner notes of it.
    pub(super) note: u8,
    /// That of the current wait: whenever bytes move, its deadline starts again.
    pub(super) timeout: Timeout,
    /// When it was last resumed; `None` before the first time.
    pub(super) last_run: Option<Time>,
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
