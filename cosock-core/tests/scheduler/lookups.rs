//! Name look-ups of parked tasks.

use cosock_core::netdb::{Hints, SocketKind};
use cosock_core::operation::{Lookup, Operation, Outcome, Then};
use cosock_core::reactor::Interest;
use cosock_core::resolver::{Answer, Query};
use cosock_core::scheduler::{Start, TaskKey, Tried};

use crate::support::{Driver, FOREVER};

fn query(host: &str) -> Query {
    Query::Addresses {
        host: host.into(),
        service: b"80".to_vec(),
        hints: Hints::new(SocketKind::Tcp),
    }
}

fn park_on_lookup(driver: &mut Driver, key: TaskKey, host: &str, timeout: Option<f64>) {
    let id = driver.core.look_up(query(host));
    let operation = Operation::Lookup(Box::new(Lookup::new(id, Then::Report)));
    driver
        .core
        .park_operation(key, operation, Interest::Read, timeout, 0);
}

#[track_caller]
fn assert_answered(driver: &mut Driver, key: TaskKey) {
    match driver.core.try_operation(key, &[]) {
        Tried::Complete(Outcome::Answer(answer)) => match *answer {
            Answer::Addresses(Ok(addresses)) => assert!(!addresses.is_empty()),
            other => panic!("addresses were expected, got {other:?}"),
        },
        other => panic!("an answer was expected, got {other:?}"),
    }
}

#[test]
fn an_answer_wakes_its_task() {
    let mut driver = Driver::new();
    let key = driver.running();
    park_on_lookup(&mut driver, key, "127.0.0.1", Some(FOREVER));
    assert_eq!(driver.core.resolver.pending(), 1);
    assert!(
        !driver.core.is_deadlocked(),
        "a look-up is something to wait for"
    );
    assert_eq!(driver.next_started(), [(key, Start::Operation)]);
    assert_answered(&mut driver, key);
    driver.assert_nothing_waits();
}

#[test]
fn tasks_that_ask_the_same_are_all_answered() {
    let mut driver = Driver::new();
    let keys: Vec<_> = (0..5).map(|_| driver.running()).collect();
    for key in &keys {
        park_on_lookup(&mut driver, *key, "127.0.0.1", None);
    }
    let mut answered = 0;
    while answered < keys.len() {
        for (key, start) in driver.next_started() {
            assert_eq!(start, Start::Operation);
            assert_answered(&mut driver, key);
            answered += 1;
        }
    }
    driver.assert_nothing_waits();
}

#[test]
fn a_cancelled_look_up_is_no_longer_pending_and_its_answer_nobodys() {
    let mut driver = Driver::new();
    let (cancelled, other) = (driver.running(), driver.running());
    park_on_lookup(&mut driver, cancelled, "127.0.0.1", Some(FOREVER));
    park_on_lookup(&mut driver, other, "127.0.0.2", None);
    driver.core.finish(cancelled);
    assert_eq!(driver.core.resolver.pending(), 1);
    let new = driver.running();
    assert_eq!(new.index, cancelled.index);
    driver.core.park_sleep(new, None);
    assert_eq!(driver.next_started(), [(other, Start::Operation)]);
    assert_answered(&mut driver, other);
    driver.core.finish(other);
    driver.assert_all_asleep();
}

#[test]
fn a_timed_out_look_up_is_given_up() {
    let mut driver = Driver::new();
    let key = driver.running();
    park_on_lookup(&mut driver, key, "127.0.0.1", Some(0.0));
    assert_eq!(driver.next_started(), [(key, Start::Operation)]);
    // Either the answer was quick enough or not; nothing is left of it in both cases.
    let tried = driver.core.try_operation(key, &[]);
    assert!(matches!(tried, Tried::Complete(_)), "{tried:?}");
    driver.assert_nothing_waits();
}
