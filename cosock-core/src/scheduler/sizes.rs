//! Tests how much memory a waiting task and a stream take, of which there may be very many.

use std::cell::RefCell;

use super::{Scheduler, Task, Waiting};
use crate::socket::TcpSocket;

#[test]
fn a_task_takes_no_more_room_than_it_did() {
    assert!(size_of::<Task>() <= 40);
    assert!(size_of::<Task>() + size_of::<Waiting>() <= 96);
}

#[test]
fn tasks_that_only_sleep_have_nothing_for_other_waits() {
    let mut scheduler = Scheduler::new().expect("a scheduler");
    let tasks = [(); 3].map(|()| scheduler.spawn());
    scheduler.begin();
    while let Some(started) = scheduler.start_next() {
        scheduler.park_sleep(started.key, Some(3600.0));
    }
    assert!(scheduler.waits.is_empty());
    scheduler.finish(tasks[2]);
    scheduler.spawn();
    scheduler.begin();
    let started = scheduler.start_next().expect("it is ready");
    scheduler.park_message(started.key, None, 1);
    assert_eq!(scheduler.waits.len(), tasks.len());
}

#[test]
fn many_that_have_run_leave_no_room_behind() {
    let mut scheduler = Scheduler::new().expect("a scheduler");
    for _ in 0..20_000 {
        scheduler.spawn();
    }
    scheduler.begin();
    while let Some(started) = scheduler.start_next() {
        scheduler.park_sleep(started.key, Some(3600.0));
    }
    assert!(scheduler.ready.capacity() >= 20_000);
    // One that is ready has the turn end without a wait.
    scheduler.spawn();
    let turn = scheduler
        .end_turn()
        .expect("nothing is asked of the system");
    assert_eq!(turn.ready, 1);
    assert!(scheduler.ready.capacity() < 20_000);
}

/// With its counts of references it fits into 120 bytes, what malloc gives out of 128.
#[test]
fn a_stream_takes_no_more_room_than_it_did() {
    assert!(size_of::<RefCell<TcpSocket>>() + 2 * size_of::<usize>() <= 120);
}
