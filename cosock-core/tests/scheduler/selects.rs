//! Waiting for the first of many: elements with descriptors, elements that are told, limits.

use std::io::{Read, Write};

use cosock_core::reactor::Interest;
use cosock_core::scheduler::{Call, Start};
use cosock_core::select::{Element, Select};

use crate::support::{Driver, FOREVER, element, foreign, streams};

const READY: Start = Start::Select { timed_out: false };
const TIMED_OUT: Start = Start::Select { timed_out: true };

#[test]
fn an_element_is_woken_once() {
    let mut select = Select::default();
    select.elements.push(Element::new(Interest::Read, 1));
    select.elements.push(Element::new(Interest::Write, 2));
    assert!(!select.has_foreign());
    assert!(!select.is_woken(0));
    assert!(select.wake(0));
    assert!(!select.wake(0), "no news");
    assert!(!select.wake(2), "no such element");
    assert!(select.is_woken(0));
    assert!(!select.is_woken(1));
    assert!(!select.is_woken(2));
    assert_eq!(select.take_woken(), [0]);
    assert_eq!(select.take_woken(), []);
    select.elements.push(foreign(Interest::Read, 3));
    assert!(select.has_foreign());
}

#[test]
fn woken_elements_come_foreign_first_then_buffered_then_by_descriptor() {
    let mut select = Select::default();
    for (fd, answers, foreign) in [
        (9, false, false),
        (3, false, false),
        (8, true, false),
        (-1, false, true),
        (5, true, false),
        (-1, false, true),
    ] {
        let mut element = Element::new(Interest::Read, 0);
        (element.fd, element.answers, element.foreign) = (fd, answers, foreign);
        select.elements.push(element);
    }
    for number in [0, 5, 1, 2, 4, 3] {
        select.wake(number);
    }
    assert_eq!(select.take_woken(), [5, 3, 4, 2, 1, 0]);
}

#[test]
fn a_descriptor_wakes_its_element() {
    let mut driver = Driver::new();
    let (left, right) = streams();
    let key = driver.running();
    let elements = vec![
        element(Interest::Read, &left, 1),
        element(Interest::Read, &right, 2),
    ];
    driver.park_on(key, elements, Some(FOREVER));
    assert_eq!(driver.core.reactor.waiters(), 2);
    driver.assert_all_asleep();
    (&left).write_all(b"bytes").expect("a pair");
    assert_eq!(driver.next_started(), [(key, READY)]);
    assert_eq!(driver.woken(key), [1]);
    driver.assert_nothing_waits();
}

#[test]
fn what_is_ready_already_is_told_though_no_event_comes() {
    let mut driver = Driver::new();
    let (left, right) = streams();
    (&left).write_all(b"bytes").expect("a pair");
    let key = driver.running();
    // The event is over after the first time; the bytes are still there.
    for _ in 0..3 {
        driver.park_on(key, vec![element(Interest::Read, &right, 1)], None);
        assert_eq!(driver.next_started(), [(key, READY)]);
        assert_eq!(driver.woken(key), [0]);
    }
    let mut bytes = [0; 5];
    (&right).read_exact(&mut bytes).expect("they are there");
    driver.park_on(key, vec![element(Interest::Read, &right, 1)], Some(0.001));
    assert_eq!(driver.next_started(), [(key, TIMED_OUT)]);
    assert_eq!(driver.woken(key), []);
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn urgent_data_is_nothing_to_read() {
    let mut driver = Driver::new();
    let (socket, peer) = crate::support::stream(&mut driver);
    let peer = socket2::Socket::from(peer);
    let fd = socket.borrow().raw_fd();
    let key = driver.running();
    let mut own = Element::new(Interest::Read, 1);
    own.fd = fd;
    let mut told = foreign(Interest::Read, 2);
    told.fd = fd;
    driver.park_on(key, vec![own, told], Some(FOREVER));
    driver.assert_all_asleep();
    peer.send_out_of_band(b"!").expect("there is room");
    driver.assert_all_asleep();
    assert_eq!(driver.core.reactor.waiters(), 2);
    assert_eq!(driver.core.due_calls(), 0);
    peer.send(b"x").expect("there is room");
    assert_eq!(driver.next_started(), [(key, READY)]);
    assert_eq!(driver.core.due_calls(), 1);
    driver.core.take_call();
    assert_eq!(driver.woken(key), [0]);
    driver.assert_nothing_waits();
}

#[test]
fn an_element_that_answers_needs_no_descriptor() {
    let mut driver = Driver::new();
    let key = driver.running();
    let mut answering = Element::new(Interest::Read, 1);
    answering.answers = true;
    driver.park_on(key, vec![Element::new(Interest::Read, 2), answering], None);
    assert_eq!(driver.next_started(), [(key, READY)]);
    assert_eq!(driver.woken(key), [1]);
}

#[test]
fn a_descriptor_that_cannot_be_watched_counts_as_ready() {
    let mut driver = Driver::new();
    let file = std::fs::File::open("/dev/null").expect("it can be opened");
    let closed = {
        let (left, _right) = streams();
        element(Interest::Read, &left, 2)
    };
    let key = driver.running();
    driver.park_on(
        key,
        vec![element(Interest::Read, &file, 1), closed],
        Some(FOREVER),
    );
    assert_eq!(driver.next_started(), [(key, READY)]);
    assert_eq!(driver.woken(key).len(), 2);
    driver.assert_nothing_waits();
}

#[test]
fn no_time_finds_what_is_ready_and_times_out_otherwise() {
    let mut driver = Driver::new();
    let (left, _right) = streams();
    let key = driver.running();
    let elements = || {
        vec![
            element(Interest::Read, &left, 1),
            element(Interest::Write, &left, 1),
        ]
    };
    driver.park_on(key, elements(), Some(0.0));
    let started = driver.next_started();
    assert!(
        matches!(started[..], [(other, Start::Select { .. })] if other == key),
        "{started:?}"
    );
    assert_eq!(driver.woken(key), [1], "it is writable");
    driver.park_on(key, vec![element(Interest::Read, &left, 1)], Some(0.0));
    assert_eq!(driver.next_started(), [(key, TIMED_OUT)]);
    assert_eq!(driver.woken(key), []);
}

#[test]
fn a_second_waiter_of_an_object_is_refused_and_the_first_is_served() {
    let mut driver = Driver::new();
    let (left, right) = streams();
    let (first, second) = (driver.running(), driver.running());
    driver.park_on(first, vec![element(Interest::Read, &left, 1)], None);
    let mut select = Box::<Select>::default();
    let (other, _other_end) = streams();
    select.elements.push(element(Interest::Read, &other, 2));
    select.elements.push(element(Interest::Read, &left, 1));
    let serial = driver.core.park_select(second, select, None);
    let refused = driver.core.watch_elements(second, serial, 0..2);
    assert_eq!(refused, Err(Interest::Read));
    driver.core.finish(second);
    assert_eq!(driver.core.reactor.waiters(), 1, "only the first's");
    // Another object on the same descriptor is no conflict, nor is the other direction.
    let third = driver.running();
    driver.park_on(
        third,
        vec![
            element(Interest::Read, &left, 3),
            element(Interest::Read, &left, 4),
        ],
        None,
    );
    (&right).write_all(b"bytes").expect("a pair");
    assert_eq!(driver.next_started(), [(first, READY), (third, READY)]);
    assert_eq!(driver.woken(first), [0]);
    assert_eq!(driver.woken(third), [0, 1]);
    driver.assert_nothing_waits();
}

#[test]
fn the_same_object_twice_in_one_select_is_refused() {
    let mut driver = Driver::new();
    let (left, _right) = streams();
    let key = driver.running();
    let mut select = Box::<Select>::default();
    for _ in 0..2 {
        select.elements.push(element(Interest::Read, &left, 1));
    }
    let serial = driver.core.park_select(key, select, None);
    let refused = driver.core.watch_elements(key, serial, 0..2);
    assert_eq!(refused, Err(Interest::Read));
    driver.core.finish(key);
    driver.assert_nothing_waits();
}

#[test]
fn a_wake_counts_only_for_the_wait_it_belongs_to() {
    let mut driver = Driver::new();
    let key = driver.running();
    let old = driver.park_on(key, vec![foreign(Interest::Read, 1)], Some(0.0));
    assert!(driver.core.select(key, old).is_some());
    assert_eq!(driver.next_started(), [(key, TIMED_OUT)]);
    driver.woken(key);
    assert!(driver.core.select(key, old).is_none());
    assert!(!driver.core.wake_element(key, old, 0), "between two waits");
    let new = driver.park_on(key, vec![foreign(Interest::Read, 1)], None);
    assert_ne!(new, old);
    assert!(!driver.core.wake_element(key, old, 0), "an old waker");
    assert!(driver.core.is_deadlocked());
    assert!(driver.core.wake_element(key, new, 0));
    assert!(!driver.core.wake_element(key, new, 0), "a second call");
    assert_eq!(driver.next_started(), [(key, READY)]);
    assert!(!driver.core.wake_element(key, new, 0), "after the start");
    assert_eq!(driver.woken(key), [0]);
    driver.core.finish(key);
    let other = driver.running();
    assert_eq!(other.index, key.index);
    let serial = driver.park_on(other, vec![foreign(Interest::Read, 1)], None);
    assert!(!driver.core.wake_element(key, serial, 0), "an old task");
    assert!(driver.core.is_deadlocked());
}

#[test]
fn further_elements_may_wake_until_the_task_starts() {
    let mut driver = Driver::new();
    let key = driver.running();
    let elements = (0..4)
        .map(|object| foreign(Interest::Read, object))
        .collect();
    let serial = driver.park_on(key, elements, Some(FOREVER));
    for element in [2, 0, 3] {
        assert!(driver.core.wake_element(key, serial, element));
    }
    assert_eq!(driver.next_started(), [(key, READY)]);
    assert_eq!(driver.woken(key), [2, 0, 3]);
    driver.assert_nothing_waits();
}

#[test]
fn all_selects_are_disarmed_before_any_task_of_the_turn_runs() {
    let mut driver = Driver::new();
    let (left, right) = streams();
    let (first, second) = (driver.running(), driver.running());
    driver.park_on(
        first,
        vec![element(Interest::Read, &left, 1)],
        Some(FOREVER),
    );
    driver.park_on(
        second,
        vec![element(Interest::Read, &right, 2)],
        Some(FOREVER),
    );
    (&left).write_all(b"bytes").expect("a pair");
    (&right).write_all(b"bytes").expect("a pair");
    loop {
        let turn = driver.end_turn();
        assert!(!turn.foreign, "nobody has to be told");
        if turn.ready == 2 {
            break;
        }
        assert_eq!(turn.ready, 0, "both events come at once");
    }
    driver.assert_nothing_waits();
    assert_eq!(driver.start_turn(), [(first, READY), (second, READY)]);
}

#[test]
fn foreign_elements_are_announced_before_their_task_runs() {
    let mut driver = Driver::new();
    let key = driver.running();
    let serial = driver.park_on(key, vec![foreign(Interest::Read, 1)], None);
    driver.core.wake_element(key, serial, 0);
    let turn = driver.end_turn();
    assert!(turn.foreign);
    assert_eq!(turn.ready, 1);
    assert_eq!(driver.core.ready_at(0), Some(key));
    assert_eq!(driver.core.ready_at(1), None);
    driver.core.finish(key);
    assert_eq!(driver.core.ready_at(0), None);
    assert_eq!(driver.start_turn(), []);
}

#[test]
fn a_foreign_elements_descriptor_asks_for_a_call() {
    let mut driver = Driver::new();
    let (left, right) = streams();
    let key = driver.running();
    let mut watched = element(Interest::Read, &left, 1);
    watched.foreign = true;
    let serial = driver.park_on(key, vec![watched], None);
    driver.assert_all_asleep();
    (&right).write_all(b"bytes").expect("a pair");
    let call = Call {
        task: key,
        serial,
        element: 0,
    };
    // Told, it lets its task sleep: it is told again as long as the bytes are there.
    for _ in 0..3 {
        while !driver.end_turn().calls {
            assert_eq!(driver.start_turn(), []);
        }
        assert_eq!(driver.core.take_call(), Some(call));
        driver.core.watch_again(call);
    }
    // The last one came too late for the bytes; after it there is silence.
    let mut bytes = [0; 5];
    (&left).read_exact(&mut bytes).expect("they are there");
    assert!(driver.end_turn().calls);
    assert_eq!(driver.core.take_call(), Some(call));
    driver.core.watch_again(call);
    driver.assert_all_asleep();
    // Woken, it is told no more.
    assert!(driver.core.wake_element(key, serial, 0));
    driver.core.watch_again(call);
    assert_eq!(driver.next_started(), [(key, READY)]);
    driver.core.watch_again(call);
    driver.assert_nothing_waits();
}

#[test]
fn a_task_that_another_element_has_woken_is_not_watched_again() {
    let mut driver = Driver::new();
    let (own, far_own) = streams();
    let (foreign, far_foreign) = streams();
    let key = driver.running();
    let mut told = element(Interest::Read, &foreign, 2);
    told.foreign = true;
    let elements = vec![element(Interest::Read, &own, 1), told];
    let serial = driver.park_on(key, elements, None);
    driver.assert_all_asleep();
    (&far_own).write_all(b"bytes").expect("a pair");
    (&far_foreign).write_all(b"bytes").expect("a pair");
    let turn = driver.end_turn();
    assert!(turn.calls && turn.ready == 1);
    let call = driver.core.take_call().expect("it is told");
    assert_eq!((call.task, call.serial, call.element), (key, serial, 1));
    // The object lets its task sleep, which is to run all the same and was disarmed for that.
    driver.core.watch_again(call);
    assert_eq!(driver.core.reactor.waiters(), 0);
    assert_eq!(driver.start_turn(), [(key, READY)]);
    driver.core.finish(key);
    driver.assert_nothing_waits();
}

#[test]
fn calls_that_nobody_took_are_due_in_the_next_turn() {
    let mut driver = Driver::new();
    let (left, right) = streams();
    let key = driver.running();
    let mut watched = element(Interest::Read, &left, 1);
    watched.foreign = true;
    driver.park_on(key, vec![watched], None);
    driver.assert_all_asleep();
    (&right).write_all(b"bytes").expect("a pair");
    assert!(driver.end_turn().calls);
    let turn = driver.end_turn();
    assert!(turn.calls && !turn.deadlocked);
    assert_eq!(driver.core.due_calls(), 1);
}

#[test]
fn a_call_for_a_wait_that_is_over_is_dropped() {
    let mut driver = Driver::new();
    let (left, right) = streams();
    let key = driver.running();
    let mut watched = element(Interest::Read, &left, 1);
    watched.foreign = true;
    let serial = driver.park_on(key, vec![watched], Some(FOREVER));
    (&right).write_all(b"bytes").expect("a pair");
    driver.core.finish(key);
    driver.core.watch_again(Call {
        task: key,
        serial,
        element: 0,
    });
    driver.assert_nothing_waits();
    assert!(driver.end_turn().finished);
}

#[test]
fn elements_can_be_watched_one_by_one() {
    let mut driver = Driver::new();
    let (left, right) = streams();
    (&right).write_all(b"bytes").expect("a pair");
    let key = driver.running();
    let mut select = Box::<Select>::default();
    select.elements.push(element(Interest::Read, &left, 1));
    select.elements.push(element(Interest::Read, &right, 2));
    let serial = driver.core.park_select(key, select, None);
    assert_eq!(driver.core.watch_elements(key, serial, 1..2), Ok(()));
    assert_eq!(driver.core.reactor.waiters(), 1);
    driver.assert_all_asleep();
    assert_eq!(driver.core.watch_elements(key, serial, 0..1), Ok(()));
    assert_eq!(driver.next_started(), [(key, READY)]);
    assert_eq!(driver.woken(key), [0]);
    assert_eq!(
        driver.core.watch_elements(key, serial, 0..2),
        Ok(()),
        "too late"
    );
    driver.assert_nothing_waits();
}

#[test]
fn busy_tasks_do_not_keep_a_descriptor_from_being_seen() {
    let mut driver = Driver::new();
    let (left, right) = streams();
    let (busy, waiting) = (driver.running(), driver.running());
    driver.park_on(waiting, vec![element(Interest::Read, &left, 1)], None);
    (&right).write_all(b"bytes").expect("a pair");
    driver.core.park_sleep(busy, Some(0.0));
    for turns in 0.. {
        assert!(turns < 100, "no look at the descriptors for {turns} turns");
        let started = driver.next_started();
        if started.iter().any(|(key, _)| *key == waiting) {
            break;
        }
        driver.core.park_sleep(busy, Some(0.0));
    }
}
