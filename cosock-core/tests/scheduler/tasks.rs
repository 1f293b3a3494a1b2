//! Spawn, order, end, and what stale names do: nothing.

use cosock_core::scheduler::{Start, Turn, Wait};

use crate::support::{Driver, FOREVER};

#[test]
fn tasks_start_in_the_order_of_their_spawn() {
    let mut driver = Driver::new();
    let keys: Vec<_> = (0..10).map(|_| driver.core.spawn()).collect();
    assert_eq!(driver.core.live(), 10);
    let started = driver.start_turn();
    let expected: Vec<_> = keys.iter().map(|key| (*key, Start::First)).collect();
    assert_eq!(started, expected);
}

#[test]
fn a_turn_runs_only_what_was_ready_when_it_began() {
    let mut driver = Driver::new();
    let first = driver.running();
    let child = driver.core.spawn();
    driver.core.park_sleep(first, Some(0.0));
    let turn = driver.end_turn();
    assert_eq!(turn.ready, 2);
    // The child was ready before its parent slept.
    let started = driver.start_turn();
    assert_eq!(started, [(child, Start::First), (first, Start::Slept)]);
}

#[test]
fn without_tasks_a_turn_is_the_last() {
    let mut driver = Driver::new();
    assert!(driver.end_turn().finished);
    let key = driver.running();
    driver.core.finish(key);
    assert!(driver.end_turn().finished);
    assert_eq!(driver.core.live(), 0);
}

#[test]
fn a_finished_task_is_dead_and_its_place_is_used_again() {
    let mut driver = Driver::new();
    let old = driver.running();
    assert!(driver.core.is_alive(old));
    driver.core.finish(old);
    assert!(!driver.core.is_alive(old));
    let new = driver.core.spawn();
    assert_eq!(new.index, old.index, "the place");
    assert_ne!(new, old);
    assert!(!driver.core.is_alive(old));
    assert!(driver.core.is_alive(new));
    // The old name ends nobody else, however often.
    driver.core.finish(old);
    driver.core.finish(old);
    assert!(driver.core.is_alive(new));
    assert_eq!(driver.core.live(), 1);
    assert_eq!(driver.start_turn(), [(new, Start::First)]);
}

#[test]
fn a_task_ends_only_if_what_is_noted_of_it_allows_that() {
    let mut driver = Driver::new();
    let key = driver.running();
    driver.core.set_note(key, 5);
    assert!(!driver.core.finish_if(key, |note| note != 5));
    assert!(driver.core.is_alive(key));
    assert!(driver.core.finish_if(key, |note| note == 5));
    assert!(!driver.core.is_alive(key));
    assert!(!driver.core.finish_if(key, |_| true), "it is over");
    assert_eq!(driver.core.live(), 0);
}

#[test]
fn a_task_cancelled_while_ready_does_not_start() {
    let mut driver = Driver::new();
    let keys: Vec<_> = (0..3).map(|_| driver.core.spawn()).collect();
    driver.core.finish(keys[1]);
    let started = driver.start_turn();
    assert_eq!(started, [(keys[0], Start::First), (keys[2], Start::First)]);
}

#[test]
fn a_task_cancelled_within_its_turn_does_not_start() {
    let mut driver = Driver::new();
    let keys: Vec<_> = (0..3).map(|_| driver.core.spawn()).collect();
    let turn = driver.core.begin();
    assert_eq!(turn.ready, 3);
    assert_eq!(driver.start_next(), Some((keys[0], Start::First)));
    driver.core.finish(keys[1]);
    assert_eq!(driver.start_next(), None);
    assert_eq!(driver.start_next(), Some((keys[2], Start::First)));
}

#[test]
fn a_place_used_again_within_the_turn_does_not_start_in_the_old_ones_stead() {
    let mut driver = Driver::new();
    let (first, second) = (driver.core.spawn(), driver.core.spawn());
    assert_eq!(driver.core.begin().ready, 2);
    assert_eq!(driver.start_next(), Some((first, Start::First)));
    driver.core.finish(second);
    let new = driver.core.spawn();
    assert_eq!(new.index, second.index);
    assert_eq!(driver.start_next(), None, "the old one's turn");
    driver.core.park_sleep(first, Some(0.0));
    let started = driver.next_started();
    assert_eq!(started, [(new, Start::First), (first, Start::Slept)]);
}

#[test]
fn cancelling_leaves_nothing_in_any_state() {
    let mut driver = Driver::new();
    for timeout in [None, Some(0.0), Some(FOREVER), Some(f64::INFINITY)] {
        let sleeping = driver.running();
        driver.core.park_sleep(sleeping, timeout);
        driver.core.finish(sleeping);
        let receiving = driver.running();
        driver.core.park_message(receiving, timeout, 7);
        driver.core.finish(receiving);
        let running = driver.running();
        driver.core.finish(running);
        let new = driver.core.spawn();
        driver.core.finish(new);
        driver.assert_nothing_waits();
        assert_eq!(driver.core.live(), 0);
        assert!(driver.end_turn().finished);
        assert_eq!(driver.start_turn(), []);
    }
}

#[test]
fn keys_lists_the_living_by_place() {
    let mut driver = Driver::new();
    let keys: Vec<_> = (0..4).map(|_| driver.core.spawn()).collect();
    driver.core.finish(keys[2]);
    let listed: Vec<_> = driver.core.keys().collect();
    assert_eq!(listed, [keys[0], keys[1], keys[3]]);
}

#[test]
fn a_wait_is_told_until_the_task_runs_again() {
    let mut driver = Driver::new();
    let key = driver.running();
    assert!(matches!(driver.core.wait_of(key), Wait::Nothing));
    driver.core.park_sleep(key, Some(0.0));
    assert!(matches!(driver.core.wait_of(key), Wait::Sleep));
    assert_eq!(driver.next_started(), [(key, Start::Slept)]);
    assert!(matches!(driver.core.wait_of(key), Wait::Nothing));
    driver.core.finish(key);
    assert!(matches!(driver.core.wait_of(key), Wait::Nothing));
}

#[test]
fn the_last_run_is_known_from_the_first_start_on() {
    let mut driver = Driver::new();
    let before = driver.core.clock.now();
    let key = driver.core.spawn();
    assert_eq!(driver.core.last_run(key), None);
    driver.start_turn();
    let first = driver.core.last_run(key).expect("it has run");
    assert!(first >= before);
    driver.core.park_sleep(key, Some(0.01));
    driver.next_started();
    let second = driver.core.last_run(key).expect("it has run");
    assert!(second.since(first).as_millis() >= 9);
    driver.core.finish(key);
    assert_eq!(driver.core.last_run(key), None);
}

#[test]
fn tasks_that_wait_for_nothing_that_comes_are_deadlocked() {
    let mut driver = Driver::new();
    let sleeping = driver.running();
    driver.core.park_sleep(sleeping, None);
    let receiving = driver.running();
    driver.core.park_message(receiving, None, 7);
    let turn = driver.end_turn();
    assert_eq!(
        turn,
        Turn {
            deadlocked: true,
            ..Turn::default()
        }
    );
    assert!(driver.core.is_deadlocked());
    // Whoever is woken afterwards goes on.
    driver.core.wake_message(receiving, 7);
    assert!(!driver.core.is_deadlocked());
    assert!(!driver.end_turn().deadlocked);
    let started = driver.start_turn();
    assert_eq!(started, [(receiving, Start::Look { timed_out: false })]);
    driver.core.finish(receiving);
    assert!(driver.end_turn().deadlocked, "one still sleeps");
    driver.core.finish(sleeping);
    assert!(driver.end_turn().finished);
}

#[test]
fn ten_thousand_tasks_come_and_go() {
    let mut driver = Driver::new();
    for _ in 0..3 {
        let keys: Vec<_> = (0..10_000).map(|_| driver.core.spawn()).collect();
        assert_eq!(driver.start_turn().len(), 10_000);
        for key in &keys {
            driver.core.park_sleep(*key, Some(0.0));
        }
        let started = driver.next_started();
        assert!(started.iter().map(|(key, _)| key).eq(&keys));
        for key in keys {
            driver.core.finish(key);
        }
        assert!(driver.end_turn().finished);
    }
    assert_eq!(driver.core.live(), 0);
    driver.assert_nothing_waits();
}
