//! `send`: a message goes into the queue, and wakes who waits for it.

use std::ffi::c_int;

use super::room::make_room;
use super::wakers::call_waker;
use super::{anchor, open};
use crate::arguments::Called;
use crate::ffi::State;
use crate::runtime::Runtime;

/// `tx:send(value)`.
pub(crate) fn send(lua: State, runtime: &Runtime) -> c_int {
    let mut arguments = lua.top();
    if arguments < 2 {
        lua.set_top(2);
        arguments = 2;
    }
    let called = || Called::direct(lua, "send");
    let opened = open(lua, runtime, arguments, called);
    let (queue, mut metatable) = (opened.queue, opened.metatable);
    queue.prepare_loan(lua, runtime, metatable, queue.len() + 1);
    queue.take_back(lua, metatable);
    if queue.is_closed() {
        lua.push_bool(false);
        lua.push_str("closed");
        return 2;
    }
    let is_only = queue.keep(lua, 2) || {
        if queue.ring.get().growth().is_some() {
            anchor(lua, queue, called);
            make_room(lua, runtime, queue);
            metatable = lua.top();
        }
        queue.append(lua, 2, -1);
        queue.len() == 1
    };
    // Who is parked has found nothing, so the first message wakes it.
    if is_only && let Some(task) = queue.waiter.get() {
        queue.wake(lua, runtime, task);
    }
    if queue.watched.get() {
        lua.set_top(metatable);
        anchor(lua, queue, called);
        call_waker(lua, queue);
    } else if opened.is_half {
        queue.lend(lua, runtime, metatable);
    }
    lua.push_bool(true);
    1
}
