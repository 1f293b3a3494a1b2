//! What a task that waits and a stream take, of which there may be very many.

use std::cell::RefCell;

use super::{Task, TaskKey};
use crate::socket::TcpSocket;

#[test]
fn a_task_takes_no_more_room_than_it_did() {
    assert!(size_of::<Task>() + size_of::<TaskKey>() <= 104);
}

/// With its counts of references it fits into 120 bytes, what malloc gives out of 128.
#[test]
fn a_stream_takes_no_more_room_than_it_did() {
    assert!(size_of::<RefCell<TcpSocket>>() + 2 * size_of::<usize>() <= 120);
}
