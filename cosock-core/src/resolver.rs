//! Name look-ups off the thread.
//!
//! A [`Resolver`] belongs to one reactor. Up to four threads, started when there is work and ended
//! when there is none for a while, run the blocking functions of [`crate::netdb`] in the order of
//! submission and wake the reactor for each answer. Equal queries under way share one look-up.
//!
//! No thread is ever waited for: one that is stuck in a look-up outlives its resolver, finds it
//! gone and drops the answer. A forked child has none of its parent's threads; the resolver notices
//! and asks again in threads of its own.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use mio::Waker;

use crate::netdb::{self, Hints, HostEntry, LookupError, NameInfo};
use crate::sys;

/// A question to the name databases.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// [`netdb::addresses`].
    Addresses {
        /// Host name or literal.
        host: Vec<u8>,
        /// Service name or port; empty for port 0.
        service: Vec<u8>,
        /// What kind of addresses.
        hints: Hints,
    },
    /// [`netdb::host_entry`].
    HostEntry {
        /// Host name or IPv4 literal.
        host: Vec<u8>,
    },
    /// [`netdb::name_info`].
    NameInfo {
        /// Host name or literal.
        host: Option<Vec<u8>>,
        /// Service name or port.
        service: Option<Vec<u8>>,
    },
}

/// The answer to the [`Query`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Query::Addresses`]; at least one.
    Addresses(Result<Vec<SocketAddr>, LookupError>),
    /// To [`Query::HostEntry`].
    HostEntry(Result<HostEntry, LookupError>),
    /// To [`Query::NameInfo`].
    NameInfo(Result<NameInfo, LookupError>),
}

impl Query {
    /// Looks the answer up on the calling thread; may block for as long as name servers take.
    pub fn answer_now(&self) -> Answer {
        match self {
            Self::Addresses {
                host,
                service,
                hints,
            } => Answer::Addresses(netdb::addresses(host, service, *hints)),
            Self::HostEntry { host } => Answer::HostEntry(netdb::host_entry(host)),
            Self::NameInfo { host, service } => {
                Answer::NameInfo(netdb::name_info(host.as_deref(), service.as_deref()))
            }
        }
    }

    /// The answer, if it takes no look-up ([`netdb::numeric`]).
    pub fn answer_inline(&self) -> Option<Answer> {
        match self {
            Self::Addresses {
                host,
                service,
                hints,
            } => netdb::numeric(host, service, *hints).map(Answer::Addresses),
            Self::HostEntry { .. } | Self::NameInfo { .. } => None,
        }
    }

    fn failed(&self) -> Answer {
        let error = LookupError::FAILED;
        match self {
            Self::Addresses { .. } => Answer::Addresses(Err(error)),
            Self::HostEntry { .. } => Answer::HostEntry(Err(error)),
            Self::NameInfo { .. } => Answer::NameInfo(Err(error)),
        }
    }
}

/// Names one submitted query; never used twice by one resolver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookupId(u64);

/// Runs queries on threads of its own and hands the answers to the thread that owns it.
pub struct Resolver {
    shared: Arc<Shared>,
    notify: Arc<Waker>,
    /// The [`sys::fork_count`] under which `shared` was made.
    generation: u64,
    next_id: u64,
    /// Look-ups under way and who waits for each. One that nobody waits for any more stays while a
    /// thread runs it, so that asking again joins it.
    lookups: HashMap<Arc<Query>, Vec<LookupId>>,
    /// What each id that has no answer yet asked.
    unanswered: HashMap<LookupId, Arc<Query>>,
    /// Answers found on the owner's thread for want of another.
    answered: Vec<(LookupId, Answer)>,
}

impl Resolver {
    /// A resolver without threads yet, which wakes the reactor by `notify` whenever
    /// [`take_finished`](Self::take_finished) has something new.
    pub fn new(notify: Arc<Waker>) -> Self {
        Self::with_settings(notify, Settings::default())
    }

    fn with_settings(notify: Arc<Waker>, settings: Settings) -> Self {
        Self {
            generation: sys::fork_count(),
            shared: Shared::new(notify.clone(), settings),
            notify,
            next_id: 0,
            lookups: HashMap::new(),
            unanswered: HashMap::new(),
            answered: Vec::new(),
        }
    }

    /// Asks `query`; the answer comes through [`take_finished`](Self::take_finished).
    ///
    /// If the system refuses a thread that it takes, the query is answered here, which may block.
    pub fn submit(&mut self, query: Query) -> LookupId {
        self.follow_fork();
        let id = LookupId(self.next_id);
        self.next_id += 1;
        let query = Arc::new(query);
        self.unanswered.insert(id, query.clone());
        match self.lookups.entry(query.clone()) {
            Entry::Occupied(lookup) => {
                // Whoever left may have ignored the wake of an answer that is already there.
                if lookup.get().is_empty() {
                    wake(&self.notify);
                }
                lookup.into_mut().push(id);
            }
            Entry::Vacant(lookup) => {
                lookup.insert(vec![id]);
                self.start(query);
            }
        }
        id
    }

    /// Forgets a submitted query; returns whether it was still unanswered or its answer not yet
    /// taken. A look-up that a thread has begun is left to end by itself.
    pub fn cancel(&mut self, id: LookupId) -> bool {
        self.follow_fork();
        if let Some(position) = self.answered.iter().position(|(other, _)| *other == id) {
            self.answered.remove(position);
            return true;
        }
        let Some(query) = self.unanswered.remove(&id) else {
            return false;
        };
        let Some(waiting) = self.lookups.get_mut(&query) else {
            return true;
        };
        waiting.retain(|other| *other != id);
        if waiting.is_empty() && self.shared.lock().unqueue(&query) {
            self.lookups.remove(&query);
        }
        true
    }

    /// The number of ids whose answers were neither taken nor cancelled.
    pub fn pending(&self) -> usize {
        self.unanswered.len() + self.answered.len()
    }

    /// Moves the answers found so far to the end of `finished`, in the order in which they were
    /// found.
    pub fn take_finished(&mut self, finished: &mut Vec<(LookupId, Answer)>) {
        self.follow_fork();
        finished.append(&mut self.answered);
        let found = mem::take(&mut self.shared.lock().found);
        for (query, answer) in found {
            for id in self.lookups.remove(&query).unwrap_or_default() {
                self.unanswered.remove(&id);
                finished.push((id, answer.clone()));
            }
        }
    }

    /// Wakes another reactor from now on; after a fork, also asks all unanswered queries again.
    ///
    /// A forked child shares its parent's poll instance, so it makes its own, and calls this before
    /// it waits. The other methods notice a fork as well, but wake the old reactor.
    pub fn renew(&mut self, notify: Arc<Waker>) {
        self.notify = notify.clone();
        self.follow_fork();
        self.shared.lock().notify = Some(notify);
        // Answers found before this point went to the old one.
        wake(&self.notify);
    }

    /// In a forked child, leaves the threads' side to the parent and starts over.
    fn follow_fork(&mut self) {
        let generation = sys::fork_count();
        if generation == self.generation {
            return;
        }
        self.generation = generation;
        // The old lock may be held for ever by a thread that was not copied. Such a thread also
        // holds a reference, so what it was changing is leaked here, never dropped.
        self.shared = Shared::new(self.notify.clone(), self.shared.settings.clone());
        // Nobody waits for these, and no thread runs them any more.
        self.lookups.retain(|_, waiting| !waiting.is_empty());
        let mut again: Vec<_> = self
            .lookups
            .iter()
            .map(|(query, waiting)| (waiting[0], query.clone()))
            .collect();
        again.sort_unstable_by_key(|(first, _)| *first);
        for (_, query) in again {
            self.start(query);
        }
    }

    /// Queues a look-up, or does it here if it needs a thread that cannot be had.
    fn start(&mut self, query: Arc<Query>) {
        if self.shared.queue(query.clone()).is_ok() {
            return;
        }
        let answer = self.shared.settings.answer(&query);
        for id in self.lookups.remove(&query).unwrap_or_default() {
            self.unanswered.remove(&id);
            self.answered.push((id, answer.clone()));
        }
        wake(&self.notify);
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        // In a forked child, the lock may be held by a thread that does not exist.
        if self.generation == sys::fork_count() {
            self.shared.close();
        }
    }
}

/// What tests replace.
#[derive(Clone)]
struct Settings {
    /// Most threads at a time.
    threads: usize,
    /// How long a thread waits for work before it ends.
    idle: Duration,
    answer: Arc<dyn Fn(&Query) -> Answer + Send + Sync>,
    spawn: fn(Box<dyn FnOnce() + Send>) -> io::Result<()>,
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
    fn answer(&self, query: &Query) -> Answer {
        // A panic must cost this answer only: neither the thread nor the owner's interpreter.
        catch_unwind(AssertUnwindSafe(|| (self.answer)(query))).unwrap_or_else(|_| query.failed())
    }
}

fn wake(notify: &Waker) {
    // A reactor that cannot be woken is gone, and nobody waits for it.
    let _ = notify.wake();
}

fn spawn_detached(work: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    let builder = thread::Builder::new().name("cosock-resolver".into());
    sys::with_signals_blocked(|| builder.spawn(work)).map(drop)
}

/// What the owner and the threads share.
struct Shared {
    state: Mutex<State>,
    /// Tells idle threads of work, or of the end.
    changed: Condvar,
    settings: Settings,
}

struct State {
    /// Work that no thread has taken, oldest first.
    queue: VecDeque<Arc<Query>>,
    /// Results that the owner has not taken.
    found: Vec<(Arc<Query>, Answer)>,
    /// Threads that exist, and those of them that wait for work.
    threads: usize,
    idle: usize,
    /// None once the resolver is gone.
    notify: Option<Arc<Waker>>,
}

impl State {
    /// Takes a look-up back that no thread has begun.
    fn unqueue(&mut self, query: &Query) -> bool {
        let position = self.queue.iter().position(|queued| **queued == *query);
        position
            .and_then(|position| self.queue.remove(position))
            .is_some()
    }
}

impl Shared {
    fn new(notify: Arc<Waker>, settings: Settings) -> Arc<Self> {
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

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands work to a thread, starting one if every idle one already has work coming.
    fn queue(self: &Arc<Self>, query: Arc<Query>) -> io::Result<()> {
        let mut state = self.lock();
        if state.queue.len() >= state.idle && state.threads < self.settings.threads {
            let shared = self.clone();
            (self.settings.spawn)(Box::new(move || shared.work()))?;
            state.threads += 1;
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
    fn close(&self) {
        let mut state = self.lock();
        state.notify = None;
        state.queue.clear();
        state.found.clear();
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
