//! The threads that look names up, and what they share with the resolver.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use mio::Waker;

use super::{Answer, Query};
use crate::sys;

/// What tests replace.
#[derive(Clone)]
pub(super) struct Settings {
    /// Most threads at a time.
    pub(super) threads: usize,
    /// How long a thread waits for work before it ends.
    pub(super) idle: Duration,
    pub(super) answer: Arc<dyn Fn(&Query) -> Answer + Send + Sync>,
    pub(super) spawn: fn(Box<dyn FnOnce() + Send>) -> io::Result<()>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            threads: 4,
            idle: Duration::from_secs(10),
            answer: Arc::new(Query::answer_now),
            spawn: spawn_detached,
        }
    }
}

impl Settings {
    pub(super) fn answer(&self, query: &Query) -> Answer {
        // A panic must cost this answer only: neither the thread nor the owner's interpreter.
        catch_unwind(AssertUnwindSafe(|| (self.answer)(query))).unwrap_or_else(|_| query.failed())
    }
}

pub(super) fn wake(notify: &Waker) {
    // A reactor that cannot be woken is gone, and nobody waits for it.
    let _ = notify.wake();
}

fn spawn_detached(work: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    let builder = thread::Builder::new().name("cosock-resolver".into());
    sys::with_signals_blocked(|| builder.spawn(work)).map(drop)
}

/// What the owner and the threads share.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Tells idle threads of work, or of the end.
    changed: Condvar,
    pub(super) settings: Settings,
}

pub(super) struct State {
    /// Work that no thread has taken, oldest first.
    pub(super) queue: VecDeque<Arc<Query>>,
    /// Results that the owner has not taken.
    pub(super) found: Vec<(Arc<Query>, Answer)>,
    /// Threads that exist, and those of them that wait for work.
    pub(super) threads: usize,
    pub(super) idle: usize,
    /// None once the resolver is gone.
    pub(super) notify: Option<Arc<Waker>>,
}

impl State {
    /// Takes a look-up back that no thread has begun.
    pub(super) fn unqueue(&mut self, query: &Query) -> bool {
        let position = self.queue.iter().position(|queued| **queued == *query);
        position
            .and_then(|position| self.queue.remove(position))
            .is_some()
    }
}

impl Shared {
    pub(super) fn new(notify: Arc<Waker>, settings: Settings) -> Arc<Self> {
        let state = State {
            queue: VecDeque::new(),
            found: Vec::new(),
            threads: 0,
            idle: 0,
            notify: Some(notify),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            settings,
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands work to a thread, starting one if every idle one already has work coming.
    ///
    /// # Errors
    ///
    /// Why no thread could be started, when there is none at all. Where there are others, the work waits for one of
    /// them: to do it here would stop every task for as long as a name server takes.
    pub(super) fn queue(self: &Arc<Self>, query: Arc<Query>) -> io::Result<()> {
        let mut state = self.lock();
        if state.queue.len() >= state.idle && state.threads < self.settings.threads {
            let shared = self.clone();
            match (self.settings.spawn)(Box::new(move || shared.work())) {
                Ok(()) => state.threads += 1,
                Err(error) if state.threads == 0 => return Err(error),
                Err(_) => {}
            }
        }
        state.queue.push_back(query);
        self.changed.notify_one();
        Ok(())
    }

    /// The life of a thread.
    fn work(&self) {
        let mut state = self.lock();
        while state.notify.is_some() {
            if let Some(query) = state.queue.pop_front() {
                drop(state);
                let answer = sys::during_lookup(|| self.settings.answer(&query));
                state = self.lock();
                if let Some(notify) = &state.notify {
                    wake(notify);
                    state.found.push((query, answer));
                }
                continue;
            }
            state.idle += 1;
            let (guard, wait) = self
                .changed
                .wait_timeout(state, self.settings.idle)
                .unwrap_or_else(PoisonError::into_inner);
            state = guard;
            state.idle -= 1;
            if wait.timed_out() && state.queue.is_empty() {
                break;
            }
        }
        state.threads -= 1;
    }

    /// Lets go of everything, and lets threads end as soon as they come by.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.notify = None;
        state.queue.clear();
        state.found.clear();
        self.changed.notify_all();
    }
}
