//! Deadlines of tasks and of callbacks.

use std::time::{Duration, Instant};

use cosock_core::scheduler::Start;

use crate::support::{Driver, FOREVER, assert_takes};

#[test]
fn a_sleep_is_over_at_its_time() {
    let mut driver = Driver::new();
    let key = driver.running();
    driver.core.park_sleep(key, Some(0.02));
    assert_eq!(driver.core.deadlines(), 1);
    let started = assert_takes(Duration::from_millis(20), || driver.next_started());
    assert_eq!(started, [(key, Start::Slept)]);
    driver.assert_nothing_waits();
}

#[test]
fn no_time_is_one_turn() {
    let mut driver = Driver::new();
    let key = driver.running();
    for timeout in [0.0, -1.0, f64::NEG_INFINITY, -0.0] {
        driver.core.park_sleep(key, Some(timeout));
        assert_eq!(driver.core.deadlines(), 0);
        let turn = driver.end_turn();
        assert_eq!(turn.ready, 1);
        assert_eq!(driver.start_turn(), [(key, Start::Slept)]);
    }
}

#[test]
fn a_time_beyond_time_never_comes() {
    let mut driver = Driver::new();
    for timeout in [f64::INFINITY, 1e300, 1e18] {
        let key = driver.running();
        driver.core.park_sleep(key, Some(timeout));
        assert!(driver.end_turn().deadlocked, "{timeout}");
        driver.core.finish(key);
        driver.assert_nothing_waits();
        assert_eq!(driver.start_turn(), []);
    }
}

#[test]
fn deadlines_come_in_their_order() {
    let milliseconds = [300, 100, 200, 150, 50, 100, 300];
    let (mut driver, keys) = loop {
        let mut driver = Driver::new();
        let begun = Instant::now();
        let keys = milliseconds.map(|length| {
            let key = driver.running();
            driver
                .core
                .park_sleep(key, Some(f64::from(length) / 1000.0));
            key
        });
        // On a machine that is busy with other things a later sleep may have begun after the end of an earlier one.
        if begun.elapsed() < Duration::from_millis(40) {
            break (driver, keys);
        }
    };
    // Nobody looks before all of them have passed.
    let end = Instant::now() + Duration::from_millis(350);
    while Instant::now() < end {
        std::hint::spin_loop();
    }
    let started = driver.next_started();
    let order: Vec<_> = started
        .iter()
        .map(|(key, _)| {
            let place = keys.iter().position(|other| other == key);
            milliseconds[place.expect("one of them")]
        })
        .collect();
    assert_eq!(order, [50, 100, 100, 150, 200, 300, 300]);
    let hundreds: Vec<_> = started
        .iter()
        .filter(|(key, _)| *key == keys[1] || *key == keys[5])
        .collect();
    assert_eq!(
        hundreds[0].0, keys[1],
        "equal ones in the order of their setting"
    );
}

#[test]
fn a_busy_task_does_not_hold_a_deadline_up() {
    let mut driver = Driver::new();
    let (busy, sleeping) = (driver.running(), driver.running());
    driver.core.park_sleep(sleeping, Some(0.01));
    driver.core.park_sleep(busy, Some(0.0));
    let limit = Instant::now() + Duration::from_secs(60);
    loop {
        let started = driver.next_started();
        if started.iter().any(|(key, _)| *key == sleeping) {
            break;
        }
        assert_eq!(started, [(busy, Start::Slept)]);
        assert!(Instant::now() < limit, "the sleep is not over");
        driver.core.park_sleep(busy, Some(0.0));
    }
}

#[test]
fn ten_thousand_cancelled_sleeps_leave_nothing() {
    let mut driver = Driver::new();
    let keys: Vec<_> = (0..10_000).map(|_| driver.core.spawn()).collect();
    driver.start_turn();
    for (number, key) in keys.iter().enumerate() {
        let spread = (number * 7919 % 1000) as f64;
        driver.core.park_sleep(*key, Some(FOREVER + spread));
    }
    assert_eq!(driver.core.deadlines(), 10_000);
    for step in 0..10_000 {
        driver.core.finish(keys[step * 7 % 10_000]);
    }
    driver.assert_nothing_waits();
    assert_eq!(driver.core.next_timeout(), None);
    assert!(driver.end_turn().finished);
}

#[test]
fn callbacks_come_due_in_their_order_and_once() {
    let mut driver = Driver::new();
    let key = driver.running();
    driver.core.park_sleep(key, None);
    let timers: Vec<_> = [(1, 0.3), (2, 0.02), (3, 0.0), (4, -1.0)]
        .map(|(callback, timeout)| driver.callback(callback, timeout))
        .into();
    let mut order = Vec::new();
    while order.len() < 4 {
        let turn = driver.end_turn();
        assert!(!turn.deadlocked);
        assert_eq!(turn.callbacks, driver.core.due_callbacks() > 0);
        while let Some(callback) = driver.core.take_callback() {
            order.push(callback);
        }
    }
    assert_eq!(order, [3, 4, 2, 1]);
    for timer in timers {
        driver.core.remove_callback(timer);
    }
    driver.assert_nothing_waits();
    assert!(
        driver.end_turn().deadlocked,
        "no callback is left to wait for"
    );
}

#[test]
fn a_removed_callback_is_never_due() {
    let mut driver = Driver::new();
    let key = driver.running();
    driver.core.park_sleep(key, Some(0.005));
    let timer = driver.callback(1, 0.001);
    assert_eq!(driver.core.deadlines(), 2);
    driver.core.remove_callback(timer);
    assert_eq!(driver.core.deadlines(), 1);
    assert_eq!(driver.next_started(), [(key, Start::Slept)]);
    assert_eq!(driver.core.take_callback(), None);
}

#[test]
fn the_next_timeout_is_that_of_the_earliest_deadline() {
    let mut driver = Driver::new();
    assert_eq!(driver.core.next_timeout(), None);
    driver.callback(1, 500.0);
    let far = driver.core.next_timeout().expect("one deadline");
    assert!(far > 400.0 && far <= 500.0);
    let near = driver.callback(2, 50.0);
    let timeout = driver.core.next_timeout().expect("two deadlines");
    assert!(timeout > 40.0 && timeout <= 50.0);
    driver.core.remove_callback(near);
    assert!(driver.core.next_timeout().expect("one again") > 400.0);
    driver.callback(3, -1.0);
    assert_eq!(driver.core.next_timeout(), Some(0.0), "it has passed");
    driver.core.expire();
    assert_eq!(driver.core.take_callback(), Some(3));
    assert_eq!(driver.core.take_callback(), None);
}
