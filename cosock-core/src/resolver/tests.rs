//! Who asks, who shares an answer, who leaves before it; under `tests/`, what serves them.

mod fork;
mod threads;

use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};

use super::pool::Settings;
use super::*;
use crate::netdb::{Hints, HostEntry, SocketKind};

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
