//! When threads begin and end, and what becomes of queries where none can be had.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::netdb::LookupError;

#[test]
fn no_thread_exists_before_the_first_query() {
    let (_poll, waker) = reactor();
    assert_eq!(threads(&Resolver::new(waker)), 0);
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
