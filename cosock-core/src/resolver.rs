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
mod tests {
    use super::*;
    use crate::netdb::SocketKind;
    use mio::{Events, Poll, Token};
    use std::sync::mpsc;
    use std::time::Instant;

    /// Beyond every wait that a passing test does.
    const LONG: Duration = Duration::from_secs(30);

    fn reactor() -> (Poll, Arc<Waker>) {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        (poll, waker)
    }

    fn query(host: &str) -> Query {
        let hints = Hints::new(SocketKind::Tcp);
        Query::Addresses {
            host: host.into(),
            service: Vec::new(),
            hints,
        }
    }

    fn name(query: &Query) -> String {
        let Query::Addresses { host, .. } = query else {
            panic!("{query:?}")
        };
        String::from_utf8(host.clone()).unwrap()
    }

    /// An answer by which tests recognise the query: a host entry with its name.
    fn echo(query: &Query) -> Answer {
        Answer::HostEntry(Ok(entry(&name(query))))
    }

    fn entry(name: &str) -> HostEntry {
        HostEntry {
            name: name.into(),
            aliases: Vec::new(),
            ips: Vec::new(),
        }
    }

    /// Look-ups that tell when they begin and end when they are told to.
    struct Gate {
        begun: mpsc::Receiver<String>,
        open: mpsc::Sender<()>,
    }

    impl Gate {
        fn new() -> (Self, Settings) {
            let (tell_begun, begun) = mpsc::channel();
            let (open, wait_open) = mpsc::channel();
            let wait_open = Mutex::new(wait_open);
            let answer = Arc::new(move |query: &Query| {
                tell_begun.send(name(query)).unwrap();
                wait_open.lock().unwrap().recv_timeout(LONG).unwrap();
                echo(query)
            });
            (
                Self { begun, open },
                Settings {
                    answer,
                    ..Settings::default()
                },
            )
        }

        fn next_begun(&self) -> String {
            self.begun.recv_timeout(LONG).unwrap()
        }

        fn let_one_end(&self) {
            self.open.send(()).unwrap();
        }
    }

    /// Waits by the reactor until `count` answers are there.
    fn wait_for(poll: &mut Poll, resolver: &mut Resolver, count: usize) -> Vec<(LookupId, Answer)> {
        let (mut finished, mut events) = (Vec::new(), Events::with_capacity(4));
        let limit = Instant::now() + LONG;
        resolver.take_finished(&mut finished);
        while finished.len() < count {
            poll.poll(&mut events, Some(limit - Instant::now()))
                .unwrap();
            resolver.take_finished(&mut finished);
        }
        finished
    }

    fn threads(resolver: &Resolver) -> usize {
        resolver.shared.lock().threads
    }

    #[test]
    fn real_queries_are_answered_as_on_the_calling_thread() {
        let (mut poll, waker) = reactor();
        let mut resolver = Resolver::new(waker);
        let queries = [
            query("localhost"),
            query("127.0.0.1"),
            query("no\0name"),
            Query::HostEntry {
                host: b"localhost".to_vec(),
            },
            Query::NameInfo {
                host: Some(b"127.0.0.1".to_vec()),
                service: Some(b"80".to_vec()),
            },
            Query::NameInfo {
                host: None,
                service: Some(b"no-such-service".to_vec()),
            },
        ];
        let ids: Vec<_> = queries
            .iter()
            .map(|query| resolver.submit(query.clone()))
            .collect();
        assert_eq!(resolver.pending(), queries.len());
        let mut finished = wait_for(&mut poll, &mut resolver, queries.len());
        finished.sort_by_key(|(id, _)| *id);
        let expected: Vec<_> = ids
            .into_iter()
            .zip(queries.iter().map(Query::answer_now))
            .collect();
        assert_eq!(finished, expected);
        assert_eq!(resolver.pending(), 0);
    }

    #[test]
    fn only_literals_are_answered_inline() {
        let literal = query("127.0.0.1");
        assert_eq!(literal.answer_inline(), Some(literal.answer_now()));
        assert_eq!(query("localhost").answer_inline(), None);
        assert_eq!(
            Query::HostEntry {
                host: b"127.0.0.1".to_vec()
            }
            .answer_inline(),
            None
        );
        let name_info = Query::NameInfo {
            host: Some(b"127.0.0.1".to_vec()),
            service: None,
        };
        assert_eq!(name_info.answer_inline(), None);
    }

    #[test]
    fn no_thread_exists_before_the_first_query() {
        let (_poll, waker) = reactor();
        assert_eq!(threads(&Resolver::new(waker)), 0);
    }

    #[test]
    fn one_thread_takes_queries_in_the_order_of_submission() {
        let (mut poll, waker) = reactor();
        let (gate, settings) = Gate::new();
        let mut resolver = Resolver::with_settings(
            waker,
            Settings {
                threads: 1,
                ..settings
            },
        );
        let ids = ["a", "b", "c", "d"].map(|host| resolver.submit(query(host)));
        for host in ["a", "b", "c", "d"] {
            assert_eq!(gate.next_begun(), host);
            gate.let_one_end();
        }
        let finished = wait_for(&mut poll, &mut resolver, 4);
        assert_eq!(finished.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
        assert_eq!(threads(&resolver), 1);
    }

    #[test]
    fn queries_beyond_the_fourth_wait_in_the_queue() {
        let (mut poll, waker) = reactor();
        let (gate, settings) = Gate::new();
        let mut resolver = Resolver::with_settings(waker, settings);
        for host in ["a", "b", "c", "d", "e", "f"] {
            resolver.submit(query(host));
        }
        let mut begun: Vec<_> = (0..4).map(|_| gate.next_begun()).collect();
        begun.sort();
        assert_eq!(begun, ["a", "b", "c", "d"]);
        assert_eq!(threads(&resolver), 4);
        assert_eq!(resolver.shared.lock().queue.len(), 2);
        (0..6).for_each(|_| gate.let_one_end());
        assert_eq!(wait_for(&mut poll, &mut resolver, 6).len(), 6);
        assert_eq!(threads(&resolver), 4);
    }

    #[test]
    fn equal_queries_share_one_lookup_and_each_gets_the_answer() {
        let (mut poll, waker) = reactor();
        let (gate, settings) = Gate::new();
        let mut resolver = Resolver::with_settings(waker, settings);
        let first = resolver.submit(query("same"));
        assert_eq!(gate.next_begun(), "same");
        let second = resolver.submit(query("same"));
        assert_eq!(resolver.pending(), 2);
        gate.let_one_end();
        let answer = echo(&query("same"));
        let finished = wait_for(&mut poll, &mut resolver, 2);
        assert_eq!(finished, [(first, answer.clone()), (second, answer)]);
        assert!(gate.begun.try_recv().is_err());
        assert_eq!(resolver.pending(), 0);
    }

    #[test]
    fn an_answered_query_is_looked_up_afresh_next_time() {
        let (mut poll, waker) = reactor();
        let (gate, settings) = Gate::new();
        let mut resolver = Resolver::with_settings(waker, settings);
        for _ in 0..2 {
            let id = resolver.submit(query("again"));
            assert_eq!(gate.next_begun(), "again");
            gate.let_one_end();
            assert_eq!(
                wait_for(&mut poll, &mut resolver, 1),
                [(id, echo(&query("again")))]
            );
        }
    }

    #[test]
    fn a_cancelled_query_in_the_queue_is_never_looked_up() {
        let (mut poll, waker) = reactor();
        let (gate, settings) = Gate::new();
        let mut resolver = Resolver::with_settings(
            waker,
            Settings {
                threads: 1,
                ..settings
            },
        );
        let first = resolver.submit(query("first"));
        let cancelled = resolver.submit(query("cancelled"));
        let last = resolver.submit(query("last"));
        assert!(resolver.cancel(cancelled));
        assert!(!resolver.cancel(cancelled));
        assert_eq!(resolver.pending(), 2);
        gate.let_one_end();
        gate.let_one_end();
        assert_eq!(
            (gate.next_begun(), gate.next_begun()),
            ("first".into(), "last".into())
        );
        let finished = wait_for(&mut poll, &mut resolver, 2);
        assert_eq!(
            finished.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            [first, last]
        );
    }

    #[test]
    fn cancelling_one_of_two_equal_queries_leaves_the_other() {
        let (mut poll, waker) = reactor();
        let (gate, settings) = Gate::new();
        let mut resolver = Resolver::with_settings(waker, settings);
        let cancelled = resolver.submit(query("same"));
        let kept = resolver.submit(query("same"));
        assert!(resolver.cancel(cancelled));
        gate.let_one_end();
        assert_eq!(
            wait_for(&mut poll, &mut resolver, 1),
            [(kept, echo(&query("same")))]
        );
        assert_eq!(resolver.pending(), 0);
    }

    #[test]
    fn asking_again_joins_a_lookup_whose_asker_left() {
        let (mut poll, waker) = reactor();
        let (gate, settings) = Gate::new();
        let mut resolver = Resolver::with_settings(waker, settings);
        let left = resolver.submit(query("slow"));
        assert_eq!(gate.next_begun(), "slow");
        assert!(resolver.cancel(left));
        assert_eq!(resolver.pending(), 0);
        let joined = resolver.submit(query("slow"));
        gate.let_one_end();
        assert_eq!(
            wait_for(&mut poll, &mut resolver, 1),
            [(joined, echo(&query("slow")))]
        );
        assert!(gate.begun.try_recv().is_err());
    }

    #[test]
    fn asking_again_finds_an_answer_whose_wake_was_ignored() {
        let (mut poll, waker) = reactor();
        let settings = Settings {
            answer: Arc::new(echo),
            ..Settings::default()
        };
        let mut resolver = Resolver::with_settings(waker, settings);
        let left = resolver.submit(query("host"));
        let mut events = Events::with_capacity(4);
        poll.poll(&mut events, Some(LONG)).unwrap();
        let limit = Instant::now() + LONG;
        while resolver.shared.lock().found.is_empty() {
            assert!(Instant::now() < limit, "no answer after the wake");
            thread::yield_now();
        }
        assert!(resolver.cancel(left));
        let joined = resolver.submit(query("host"));
        poll.poll(&mut events, Some(LONG)).unwrap();
        assert_eq!(events.iter().count(), 1);
        let mut finished = Vec::new();
        resolver.take_finished(&mut finished);
        assert_eq!(finished, [(joined, echo(&query("host")))]);
    }

    #[test]
    fn an_answer_that_nobody_waits_for_is_dropped() {
        let (mut poll, waker) = reactor();
        let (gate, settings) = Gate::new();
        let mut resolver = Resolver::with_settings(
            waker,
            Settings {
                threads: 1,
                ..settings
            },
        );
        let left = resolver.submit(query("left"));
        assert_eq!(gate.next_begun(), "left");
        assert!(resolver.cancel(left));
        let next = resolver.submit(query("next"));
        gate.let_one_end();
        gate.let_one_end();
        assert_eq!(
            wait_for(&mut poll, &mut resolver, 1),
            [(next, echo(&query("next")))]
        );
        assert!(resolver.lookups.is_empty() && resolver.unanswered.is_empty());
    }

    #[test]
    fn a_query_is_answered_at_once_when_no_thread_can_be_had() {
        let (mut poll, waker) = reactor();
        let settings = Settings {
            answer: Arc::new(echo),
            spawn: |_| Err(io::ErrorKind::WouldBlock.into()),
            ..Settings::default()
        };
        let mut resolver = Resolver::with_settings(waker, settings);
        let kept = resolver.submit(query("kept"));
        let cancelled = resolver.submit(query("cancelled"));
        assert_eq!(resolver.pending(), 2);
        assert!(resolver.cancel(cancelled));
        assert_eq!(resolver.pending(), 1);
        let mut events = Events::with_capacity(4);
        poll.poll(&mut events, Some(LONG)).unwrap();
        assert_eq!(events.iter().count(), 1);
        let mut finished = Vec::new();
        resolver.take_finished(&mut finished);
        assert_eq!(finished, [(kept, echo(&query("kept")))]);
        assert_eq!(resolver.pending(), 0);
    }

    #[test]
    fn a_panic_in_a_lookup_is_a_failure_of_that_lookup_only() {
        let (mut poll, waker) = reactor();
        let answer = |query: &Query| {
            if name(query) == "bad" {
                std::panic::resume_unwind(Box::new(()));
            }
            echo(query)
        };
        let settings = Settings {
            threads: 1,
            answer: Arc::new(answer),
            ..Settings::default()
        };
        let mut resolver = Resolver::with_settings(waker, settings);
        let bad = resolver.submit(query("bad"));
        let good = resolver.submit(query("good"));
        let failure = Answer::Addresses(Err(LookupError::FAILED));
        let expected = [(bad, failure), (good, echo(&query("good")))];
        assert_eq!(wait_for(&mut poll, &mut resolver, 2), expected);
    }

    #[test]
    fn threads_end_when_idle_and_come_back_with_work() {
        let (mut poll, waker) = reactor();
        let settings = Settings {
            idle: Duration::from_millis(1),
            answer: Arc::new(echo),
            ..Settings::default()
        };
        let mut resolver = Resolver::with_settings(waker, settings);
        for _ in 0..3 {
            resolver.submit(query("a"));
            resolver.submit(query("b"));
            assert_eq!(wait_for(&mut poll, &mut resolver, 2).len(), 2);
            let limit = Instant::now() + LONG;
            while threads(&resolver) != 0 {
                assert!(Instant::now() < limit, "idle threads stay");
                thread::yield_now();
            }
            assert_eq!(resolver.shared.lock().idle, 0);
        }
    }

    #[test]
    fn an_idle_thread_is_used_before_another_is_started() {
        let (mut poll, waker) = reactor();
        let settings = Settings {
            idle: LONG,
            answer: Arc::new(echo),
            ..Settings::default()
        };
        let mut resolver = Resolver::with_settings(waker, settings);
        for _ in 0..10 {
            resolver.submit(query("one at a time"));
            assert_eq!(wait_for(&mut poll, &mut resolver, 1).len(), 1);
            let limit = Instant::now() + LONG;
            while resolver.shared.lock().idle == 0 {
                assert!(Instant::now() < limit, "the thread never comes back");
                thread::yield_now();
            }
        }
        assert_eq!(threads(&resolver), 1);
    }

    #[test]
    fn dropping_waits_for_no_thread_and_keeps_no_waker() {
        let (_poll, waker) = reactor();
        let (gate, settings) = Gate::new();
        let mut resolver = Resolver::with_settings(waker.clone(), settings);
        resolver.submit(query("stuck"));
        assert_eq!(gate.next_begun(), "stuck");
        let shared = resolver.shared.clone();
        drop(resolver);
        assert_eq!(Arc::strong_count(&waker), 1);
        assert_eq!(shared.lock().threads, 1);
        gate.let_one_end();
        let limit = Instant::now() + LONG;
        while shared.lock().threads != 0 {
            assert!(Instant::now() < limit, "the thread stays");
            thread::yield_now();
        }
        assert!(shared.lock().found.is_empty());
    }

    #[test]
    fn a_renewed_resolver_wakes_the_new_reactor() {
        let (mut old, waker) = reactor();
        let (gate, settings) = Gate::new();
        let mut resolver = Resolver::with_settings(waker, settings);
        let id = resolver.submit(query("host"));
        assert_eq!(gate.next_begun(), "host");
        let (mut new, waker) = reactor();
        resolver.renew(waker);
        gate.let_one_end();
        assert_eq!(
            wait_for(&mut new, &mut resolver, 1),
            [(id, echo(&query("host")))]
        );
        let mut events = Events::with_capacity(4);
        old.poll(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty());
    }

    #[test]
    fn a_forked_child_asks_again_in_threads_of_its_own() {
        let (_poll, waker) = reactor();
        let (gate, settings) = Gate::new();
        let parent = sys::fork_count();
        let in_parent = settings.answer.clone();
        let answer = Arc::new(move |query: &Query| {
            if sys::fork_count() == parent {
                in_parent(query)
            } else {
                echo(query)
            }
        });
        let settings = Settings {
            answer,
            threads: 1,
            ..settings
        };
        let mut resolver = Resolver::with_settings(waker, settings);
        let running = resolver.submit(query("running"));
        assert_eq!(gate.next_begun(), "running");
        let queued = resolver.submit(query("queued"));
        let cancelled = resolver.submit(query("cancelled"));

        let passed = sys::in_forked_child(|| {
            let (mut poll, waker) = reactor();
            assert!(resolver.cancel(cancelled));
            resolver.renew(waker);
            let new = resolver.submit(query("new"));
            let finished = wait_for(&mut poll, &mut resolver, 3);
            let ids: Vec<_> = finished.iter().map(|(id, _)| *id).collect();
            ids == [running, queued, new] && resolver.pending() == 0
        });
        assert!(passed);
        assert_eq!(resolver.pending(), 3);
        (0..3).for_each(|_| gate.let_one_end());
        assert_eq!(
            (gate.next_begun(), gate.next_begun()),
            ("queued".into(), "cancelled".into())
        );
    }

    #[test]
    fn a_forked_child_drops_a_resolver_whose_lock_a_thread_held() {
        let (_poll, waker) = reactor();
        let mut resolver = Some(Resolver::new(waker));
        let shared = resolver.as_ref().unwrap().shared.clone();
        let (locked, wait_locked) = mpsc::channel();
        let (release, wait_release) = mpsc::channel::<()>();
        let holder = thread::spawn(move || {
            let _guard = shared.lock();
            locked.send(()).unwrap();
            wait_release.recv_timeout(LONG).unwrap();
        });
        wait_locked.recv_timeout(LONG).unwrap();
        assert!(sys::in_forked_child(|| {
            let (mut poll, waker) = reactor();
            let mut resolver = resolver.take().unwrap();
            resolver.renew(waker);
            resolver.submit(query("127.0.0.1"));
            let answered = wait_for(&mut poll, &mut resolver, 1).len() == 1;
            drop(resolver);
            answered
        }));
        release.send(()).unwrap();
        holder.join().unwrap();
    }
}
