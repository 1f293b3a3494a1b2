//! Waiting for a message: only a wake for the same queue counts, and only while the wait lasts.

use cosock_core::scheduler::Start;

use crate::support::{Driver, FOREVER};

const LOOK: Start = Start::Look { timed_out: false };
const TIMED_OUT: Start = Start::Look { timed_out: true };

#[test]
fn a_wake_of_the_same_queue_makes_the_task_look() {
    let mut driver = Driver::new();
    let key = driver.running();
    driver.core.park_message(key, None, 7);
    assert!(driver.core.waits_for_message(key, 7));
    assert!(!driver.core.waits_for_message(key, 8));
    driver.core.wake_message(key, 8);
    assert!(driver.core.is_deadlocked(), "another queue's wake");
    driver.core.wake_message(key, 7);
    assert!(
        driver.core.waits_for_message(key, 7),
        "until it has run it is the queue's reader"
    );
    driver.core.wake_message(key, 7);
    assert_eq!(driver.next_started(), [(key, LOOK)], "once");
    assert!(!driver.core.waits_for_message(key, 7));
}

#[test]
fn a_wake_after_the_wait_is_dropped() {
    let mut driver = Driver::new();
    let key = driver.running();
    driver.core.park_message(key, None, 7);
    driver.core.wake_message(key, 7);
    driver.next_started();
    driver.core.wake_message(key, 7);
    driver.core.park_sleep(key, None);
    driver.core.wake_message(key, 7);
    assert!(driver.core.is_deadlocked());
    driver.core.finish(key);
    driver.core.wake_message(key, 7);
    let new = driver.running();
    assert_eq!(new.index, key.index);
    driver.core.park_message(new, None, 7);
    driver.core.wake_message(key, 7);
    assert!(driver.core.is_deadlocked(), "the old name wakes nobody");
}

#[test]
fn the_timeout_makes_the_task_look_a_last_time() {
    let mut driver = Driver::new();
    let key = driver.running();
    for timeout in [0.0, 0.001] {
        driver.core.park_message(key, Some(timeout), 7);
        assert_eq!(driver.next_started(), [(key, TIMED_OUT)]);
        driver.assert_nothing_waits();
    }
}

#[test]
fn a_message_in_time_leaves_no_deadline() {
    let mut driver = Driver::new();
    let key = driver.running();
    for _ in 0..1000 {
        driver.core.park_message(key, Some(FOREVER), 7);
        assert_eq!(driver.core.deadlines(), 1);
        driver.core.wake_message(key, 7);
        assert_eq!(driver.core.deadlines(), 0);
        assert_eq!(driver.next_started(), [(key, LOOK)]);
    }
}

#[test]
fn who_finds_no_message_waits_on_within_the_same_deadline() {
    let mut driver = Driver::new();
    let key = driver.running();
    driver.core.park_message(key, Some(0.01), 7);
    driver.core.wake_message(key, 7);
    assert_eq!(driver.next_started(), [(key, LOOK)]);
    driver.core.park_message_again(key);
    assert!(driver.core.waits_for_message(key, 7));
    assert_eq!(driver.core.deadlines(), 1);
    assert_eq!(driver.next_started(), [(key, TIMED_OUT)]);
    driver.core.park_message(key, None, 7);
    driver.core.wake_message(key, 7);
    driver.next_started();
    driver.core.park_message_again(key);
    assert!(driver.core.is_deadlocked());
}

#[test]
fn tasks_are_woken_in_the_order_of_the_wakes() {
    let mut driver = Driver::new();
    let keys: Vec<_> = (0..5).map(|_| driver.running()).collect();
    for (queue, key) in keys.iter().enumerate() {
        driver.core.park_message(*key, Some(FOREVER), queue);
    }
    for queue in [3, 0, 4, 1] {
        driver.core.wake_message(keys[queue], queue);
    }
    let started = driver.next_started();
    let order: Vec<_> = started.iter().map(|(key, _)| key.index).collect();
    assert_eq!(
        order,
        [3, 0, 4, 1].map(|queue: usize| keys[queue].index),
        "{started:?}"
    );
    assert_eq!(driver.core.deadlines(), 1, "of the one that still waits");
}
