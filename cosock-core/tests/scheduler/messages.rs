//! Waiting for a message: only a wake for the same queue counts, and only while the wait lasts.

use cosock_core::scheduler::{Start, TaskKey};

use crate::support::{Driver, FOREVER};

const LOOK: Start = Start::Look { timed_out: false };
const TIMED_OUT: Start = Start::Look { timed_out: true };

/// Parks a task for a message, at most for so many seconds.
fn park_for(driver: &mut Driver, key: TaskKey, timeout: f64, queue: usize) {
    driver.core.park_message(key, queue);
    assert_eq!(driver.core.next_undated(), Some(key), "nothing is ready");
    driver.core.date(key, timeout);
}

#[test]
fn a_wake_of_the_same_queue_makes_the_task_look() {
    let mut driver = Driver::new();
    let key = driver.running();
    driver.core.park_message(key, 7);
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
    driver.core.park_message(key, 7);
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
    driver.core.park_message(new, 7);
    driver.core.wake_message(key, 7);
    assert!(driver.core.is_deadlocked(), "the old name wakes nobody");
}

#[test]
fn the_timeout_makes_the_task_look_a_last_time() {
    let mut driver = Driver::new();
    let key = driver.running();
    for timeout in [0.0, 0.001] {
        park_for(&mut driver, key, timeout, 7);
        assert_eq!(driver.next_started(), [(key, TIMED_OUT)]);
        driver.assert_nothing_waits();
    }
}

#[test]
fn a_message_in_time_leaves_no_deadline() {
    let mut driver = Driver::new();
    let key = driver.running();
    for _ in 0..1000 {
        park_for(&mut driver, key, FOREVER, 7);
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
    park_for(&mut driver, key, 0.01, 7);
    driver.core.wake_message(key, 7);
    assert_eq!(driver.next_started(), [(key, LOOK)]);
    driver.core.park_message_again(key);
    assert!(driver.core.waits_for_message(key, 7));
    assert_eq!(driver.core.deadlines(), 1);
    assert_eq!(driver.next_started(), [(key, TIMED_OUT)]);
    driver.core.park_message(key, 7);
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
        park_for(&mut driver, *key, FOREVER, queue);
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

#[test]
fn a_timeout_is_asked_for_only_when_the_wait_lasts() {
    let mut driver = Driver::new();
    let (waits, busy) = (driver.running(), driver.running());
    for _ in 0..1000 {
        driver.core.park_message(waits, 7);
        driver.core.wake_message(waits, 7);
        assert_eq!(driver.core.next_undated(), None, "something is ready");
        assert_eq!(driver.next_started(), [(waits, LOOK)]);
    }
    driver.core.park_message(waits, 7);
    let mut turns = 0;
    let asked = loop {
        driver.core.park_sleep(busy, Some(0.0));
        if let Some(key) = driver.core.next_undated() {
            break key;
        }
        assert_eq!(driver.next_started().len(), 1);
        turns += 1;
        assert!(turns < 100, "never asked while another task is busy");
    };
    assert_eq!(asked, waits);
    assert_eq!(driver.core.next_undated(), None, "once");
}

#[test]
fn nobody_is_asked_for_the_timeout_of_a_wait_that_is_over() {
    let mut driver = Driver::new();
    let key = driver.running();
    driver.core.park_message(key, 7);
    driver.core.finish(key);
    assert_eq!(driver.core.next_undated(), None);
    driver.core.date(key, 0.0);
    let new = driver.running();
    assert_eq!(new.index, key.index);
    driver.core.park_message(new, 7);
    assert_eq!(driver.core.next_undated(), Some(new));
}
