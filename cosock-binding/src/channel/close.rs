//! How a channel ends: a half is closed, or no sender is left.

use std::ffi::c_int;

use super::wakers::call_waker;
use super::{Opened, Queue, anchor, open, push_link};
use crate::arguments::Called;
use crate::ffi::{Kind, State};
use crate::runtime::{QUEUE as QUEUE_CLASS, Runtime};

/// `tx:close()` and `rx:close()`.
pub(crate) fn close(lua: State, runtime: &Runtime) -> c_int {
    let called = || Called::direct(lua, "close");
    let Opened { queue, .. } = open(lua, runtime, lua.top(), called);
    anchor(lua, queue, called);
    queue.closed.set(true);
    queue.take_back(lua, lua.top());
    push_link(lua);
    if lua.kind(-1) == Kind::Table {
        lua.push_bool(true);
        lua.raw_set_field(-2, c"closed");
    }
    tell(lua, runtime, queue);
    0
}

/// Wakes whoever waits for a message, so that it sees the channel closed.
fn tell(lua: State, runtime: &Runtime, queue: &Queue) {
    if let Some(task) = queue.waiter.get() {
        queue.wake(lua, runtime, task);
    }
    if queue.watched.get() {
        call_waker(lua, queue);
    }
}

/// Closes the channel whose link is at `link`, if it is one, and wakes its receiver.
pub(crate) fn abandon(lua: State, runtime: &Runtime, link: c_int) {
    lua.raw_get_field(link, c"queue");
    let Some(queue) = lua.userdata(-1, QUEUE_CLASS) else {
        return lua.pop(1);
    };
    queue.closed.set(true);
    queue.take_back_from(lua, -1);
    lua.push_bool(true);
    lua.raw_set_field(link, c"closed");
    if let Some(task) = queue.waiter.get() {
        queue.wake(lua, runtime, task);
    }
    lua.raw_get_field(link, c"waker");
    if lua.is_nil(-1) {
        lua.pop(2);
    } else {
        lua.call(0, 0);
        lua.pop(1);
    }
}
