//! The waker of a receiver, of which there is at most one: it is called for a message beside, or instead of, a task
//! that is parked in `receive`.

use std::ffi::c_int;

use super::{Opened, Queue, WAKER, anchor, open, push_link};
use crate::arguments::{Called, WRAPPED, raise};
use crate::ffi::{Kind, State};
use crate::runtime::Runtime;
use crate::socket;

/// `rx:setwaker(kind, waker)`.
pub(crate) fn setwaker(lua: State, runtime: &Runtime) -> c_int {
    if lua.string(2) != Some(b"recvr") {
        socket::raise_kind(lua, 2);
    }
    lua.set_top(3);
    // The waker takes the kind's place, which `open` keeps.
    lua.replace(2);
    let called = || Called::direct(lua, "setwaker");
    let Opened { queue, .. } = open(lua, runtime, 2, called);
    anchor(lua, queue, called);
    let metatable = lua.top();
    queue.take_back(lua, metatable);
    if !lua.is_nil(2) {
        refuse_second(lua, runtime, queue, 1);
    }
    push_link(lua);
    if lua.kind(-1) == Kind::Table {
        lua.push_value(WAKER);
        lua.push_value(2);
        lua.raw_set(-3);
    }
    queue.take_back(lua, metatable);
    queue.watched.set(!lua.is_nil(2));
    if !lua.is_nil(2) && !queue.is_blocking() {
        lua.push_value(2);
        lua.call(0, 0);
    }
    0
}

/// Calls the waker in `link.waker`, or notes that there is none.
pub(super) fn call_waker(lua: State, queue: &Queue) {
    push_link(lua);
    if lua.kind(-1) == Kind::Table {
        lua.push_value(WAKER);
        lua.raw_get(-2);
        if !lua.is_nil(-1) {
            return lua.call(0, 0);
        }
    }
    queue.watched.set(false);
}

/// [`refuse_second`], in a receive of the half with the metatable at `metatable`.
#[cold]
pub(super) fn refuse_second_receive(
    lua: State,
    runtime: &Runtime,
    queue: &Queue,
    metatable: c_int,
) {
    lua.push_value(metatable);
    anchor(lua, queue, || Called::wrapped(lua, "receive"));
    refuse_second(lua, runtime, queue, WRAPPED);
    queue.take_back(lua, metatable);
}

/// Raises if somebody waits on the receiver already. The queue is anchored.
#[cold]
fn refuse_second(lua: State, runtime: &Runtime, queue: &Queue, level: c_int) {
    // A task that runs does not wait; it may have tried to where it could not. And nobody has to where
    // there is something to receive: who waited is woken already.
    if queue.is_blocking()
        && let Some(task) = queue.waiter.get()
        && runtime.running_task() != Some(task)
        && runtime.enter(lua, |core| core.waits_for_message(task, queue.identity()))
    {
        raise_waited(lua, level);
    }
    if !queue.watched.get() {
        return;
    }
    let top = lua.top();
    push_link(lua);
    if lua.kind(-1) == Kind::Table {
        lua.push_value(WAKER);
        lua.raw_get(-2);
        if !lua.is_nil(-1) {
            raise_waited(lua, level);
        }
    }
    lua.set_top(top);
}

fn raise_waited(lua: State, level: c_int) -> ! {
    raise(
        lua,
        level,
        format_args!("waker already set, receive can't be waited on from multiple places at once"),
    )
}
