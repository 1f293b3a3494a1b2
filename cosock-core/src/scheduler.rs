//! Tasks: which may run, which wait and for what, one turn after the other.
//!
//! A task is a number; who owns the coroutines maps it. Each wait has a serial number, and a wake
//! for an older one is dropped. Ready tasks run first in, first out.

mod datagrams;
mod deadlines;
mod lines;
mod lookups;
mod operations;
mod parking;
mod room;
mod selects;
#[cfg(all(test, target_pointer_width = "64"))]
mod sizes;
mod task;
mod turn;
mod waits;

use std::collections::{HashMap, VecDeque};
use std::io;

use crate::clock::{Clock, Time};
use crate::places::Places;
use crate::reactor::Reactor;
use crate::resolver::{LookupId, Resolver};
use crate::timer::{TimerId, Timers};

pub use datagrams::NextDatagram;
pub use lines::Line;
pub use operations::Parkable;
pub use task::{Call, Start, Started, TaskKey, Tried, Wait};
use task::{Kind, Lists, Owner, Phase, Task, Timeout};
pub use turn::Turn;
use waits::Waiting;

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
    /// The callbacks that own timers.
    callback_numbers: HashMap<TimerId, u64>,
    tasks: Vec<Task>,
    /// By the places of tasks. It ends at the last task that has waited for more than time: where very many only sleep,
    /// it is short.
    waits: Vec<Waiting>,
    free: Places,
    ready: VecDeque<TaskKey>,
    /// How many ready tasks were woken from a select, whose other registrations have yet to be taken back.
    ready_selects: usize,
    /// How many tasks are alive.
    live: usize,
    /// The serial number of the last wait.
    serials: u64,
    /// Elements of selects whose own `_wake` is to be called.
    calls: VecDeque<Call>,
    /// Callbacks whose time has come.
    callbacks: VecDeque<u64>,
    /// Who waits for which look-up.
    lookups: HashMap<LookupId, TaskKey>,
    /// When operations that are limited as a whole have to be over, by the places of their tasks.
    limits: HashMap<u32, Time>,
    /// How many tasks have become ready since the descriptors were last looked at, or since the clock was asked whether
    /// that is due.
    unpolled_runs: usize,
    /// When they were last looked at while tasks were ready.
    polled: Time,
    /// The last of the deadlines that were set for a [short](deadlines::SHORT) time.
    exact_until: Time,
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
            callback_numbers: HashMap::new(),
            tasks: Vec::new(),
            waits: Vec::new(),
            free: Places::new(),
            ready: VecDeque::new(),
            ready_selects: 0,
            live: 0,
            serials: 0,
            calls: VecDeque::new(),
            callbacks: VecDeque::new(),
            lookups: HashMap::new(),
            limits: HashMap::new(),
            unpolled_runs: 0,
            polled: now,
            exact_until: now,
            now,
        })
    }

    /// The place that the next task will get.
    #[must_use]
    pub fn next_place(&self) -> u32 {
        self.free.first().unwrap_or(self.tasks.len() as u32)
    }

    /// A new task, ready to run in the next turn.
    pub fn spawn(&mut self) -> TaskKey {
        self.spawn_for(0, 0)
    }

    /// The same, with a number by which its owner knows it, and what the owner notes of it.
    pub fn spawn_for(&mut self, owner: usize, note: u8) -> TaskKey {
        let index = self.free.take().unwrap_or_else(|| {
            self.tasks.push(Task {
                generation: 0,
                phase: Phase::Free,
                kind: Kind::Nothing,
                lists: Lists::Empty,
                owner,
                timer: None,
                limited: false,
                note: 0,
                timeout: Timeout::NONE,
                last_run: None,
            });
            (self.tasks.len() - 1) as u32
        });
        debug_assert!(
            (self.waits.get(index as usize))
                .is_none_or(|last| matches!(last.wait, Wait::Nothing) && !last.watching),
            "the last task in this place has left something"
        );
        let task = &mut self.tasks[index as usize];
        task.phase = Phase::Ready;
        task.owner = owner;
        task.note = note;
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

    /// The task at a place, which may be over; `None` beyond the last.
    #[must_use]
    pub fn key_at(&self, place: usize) -> Option<TaskKey> {
        let task = self.tasks.get(place)?;
        Some(TaskKey {
            index: place as u32,
            generation: task.generation,
        })
    }

    /// What its owner has noted of a task; `None` once it is over.
    #[inline]
    #[must_use]
    pub fn note(&self, key: TaskKey) -> Option<u8> {
        self.look(key).map(|task| task.note)
    }

    /// Notes something of a task for its owner.
    #[inline]
    pub fn set_note(&mut self, key: TaskKey, note: u8) {
        if let Some(task) = self.task(key) {
            task.note = note;
        }
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

    /// Ends a task in whatever state it is: nothing of it stays registered.
    pub fn finish(&mut self, key: TaskKey) {
        self.finish_if(key, |_| true);
    }

    /// Ends a task if what its owner has noted of it allows that; tells whether it has done so.
    #[inline]
    pub fn finish_if(&mut self, key: TaskKey, may_end: impl FnOnce(u8) -> bool) -> bool {
        let ends = self.look(key).is_some_and(|task| may_end(task.note));
        if ends {
            self.end(key);
        }
        ends
    }

    #[inline(always)]
    fn end(&mut self, key: TaskKey) {
        self.disarm(key);
        let task = &mut self.tasks[key.index as usize];
        if task.phase == Phase::Ready && task.kind == Kind::Select {
            self.ready_selects -= 1;
        }
        task.phase = Phase::Free;
        task.generation = task.generation.wrapping_add(1);
        task.last_run = None;
        task.timeout = Timeout::NONE;
        task.kind = Kind::Nothing;
        task.limited = false;
        task.lists = Lists::Empty;
        if let Some(timer) = task.timer.take() {
            self.timers.remove(timer);
        }
        self.drop_wait(key.index);
        self.forget_limit(key);
        self.free.free(key.index);
        self.live -= 1;
    }
}
