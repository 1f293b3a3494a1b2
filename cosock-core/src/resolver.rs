//! Name look-ups on threads of their own.
//!
//! A [`Resolver`] belongs to one reactor. Up to four threads, started when there is work and ended
//! when there is none for a while, run the blocking functions of [`crate::netdb`] in the order of
//! submission and wake the reactor for each answer. Equal queries under way share one look-up.
//!
//! No thread is ever waited for: one that is stuck in a look-up outlives its resolver, finds it
//! gone and drops the answer. A forked child has none of its parent's threads; the resolver notices
//! and asks again in threads of its own.

mod pool;
mod query;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::mem;
use std::sync::Arc;

use mio::Waker;

use crate::sys;
use pool::{Settings, Shared, wake};
pub use query::{Answer, Query};

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
    pub(crate) fn new(notify: Arc<Waker>) -> Self {
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
    /// If the system refuses the first thread, the query is answered here, which may block.
    pub(crate) fn submit(&mut self, query: Query) -> LookupId {
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
    pub(crate) fn take_finished(&mut self, finished: &mut Vec<(LookupId, Answer)>) {
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
    pub(crate) fn renew(&mut self, notify: Arc<Waker>) {
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

    /// Queues a look-up, or does it here if there is no thread and none can be had.
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

#[cfg(test)]
mod tests;
