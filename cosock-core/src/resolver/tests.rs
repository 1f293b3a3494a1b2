use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};

use super::pool::Settings;
use super::*;
use crate::netdb::{Hints, HostEntry, LookupError, SocketKind};

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

/// A resolver whose look-ups wait at a gate, and the reactor that it wakes.
fn gated() -> (Poll, Gate, Resolver) {
    gated_with(|settings| settings)
}

/// The same with one thread at most.
fn gated_single() -> (Poll, Gate, Resolver) {
    gated_with(|settings| Settings {
        threads: 1,
        ..settings
    })
}

fn gated_with(change: impl FnOnce(Settings) -> Settings) -> (Poll, Gate, Resolver) {
    let (poll, waker) = reactor();
    let (gate, settings) = Gate::new();
    let resolver = Resolver::with_settings(waker, change(settings));
    (poll, gate, resolver)
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
    let (mut poll, gate, mut resolver) = gated_single();
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
    let (mut poll, gate, mut resolver) = gated();
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
    let (mut poll, gate, mut resolver) = gated();
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
    let (mut poll, gate, mut resolver) = gated();
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
    let (mut poll, gate, mut resolver) = gated_single();
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
    let (mut poll, gate, mut resolver) = gated();
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
    let (mut poll, gate, mut resolver) = gated();
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
    let (mut poll, gate, mut resolver) = gated_single();
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
fn a_query_waits_for_the_threads_that_there_are_when_no_more_can_be_had() {
    /// Starts one thread, and then no other.
    fn start_one(work: Box<dyn FnOnce() + Send>) -> io::Result<()> {
        static STARTED: AtomicBool = AtomicBool::new(false);
        if STARTED.swap(true, Ordering::Relaxed) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        thread::spawn(work);
        Ok(())
    }
    let (mut poll, gate, mut resolver) = gated_with(|settings| Settings {
        spawn: start_one,
        ..settings
    });
    let first = resolver.submit(query("first"));
    assert_eq!(gate.next_begun(), "first");
    // This returns though the gate is closed.
    let second = resolver.submit(query("second"));
    assert_eq!((resolver.pending(), threads(&resolver)), (2, 1));
    gate.let_one_end();
    gate.let_one_end();
    assert_eq!(
        wait_for(&mut poll, &mut resolver, 2),
        [
            (first, echo(&query("first"))),
            (second, echo(&query("second")))
        ]
    );
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
    let (mut old, gate, mut resolver) = gated();
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
