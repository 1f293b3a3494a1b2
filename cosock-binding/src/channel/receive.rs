//! `receive`: the oldest message, or a task that waits for the next one.

use std::ffi::c_int;

use super::queue::QUEUE_OF_HALF;
use super::room::give_back;
use super::wakers::refuse_second_receive;
use super::{Queue, SETWAKER, TIMEOUT, open};
use crate::arguments::{self, Called, WRAPPED};
use crate::ffi::State;
use crate::runtime::{QUEUE as QUEUE_CLASS, Runtime, token_above_half};
use crate::wait::{go_on_in_lua, is_in_between};

/// `rx:receive()`.
pub(crate) fn receive(lua: State, runtime: &Runtime) -> c_int {
    let opened = open(lua, runtime, lua.top(), || Called::wrapped(lua, "receive"));
    let (mut queue, metatable) = (opened.queue, opened.metatable);
    let (task, timeout) = loop {
        queue.prepare_loan(lua, runtime, metatable, queue.len().saturating_sub(1));
        queue.take_back(lua, metatable);
        // From here on nothing is made: who failed would lose the message.
        if queue.take(lua, metatable) {
            if queue.ring.get().is_worth_giving_back() {
                give_back(lua, runtime, queue, metatable);
            } else if opened.is_half {
                queue.lend(lua, runtime, metatable);
            }
            return 1;
        }
        if queue.is_closed() {
            return push_closed(lua);
        }
        let forgotten = runtime.halves.forgotten();
        let Some(task) = runtime.task_of(lua).filter(|_| is_native(lua, runtime)) else {
            lua.set_top(1);
            return go_on_in_lua(lua, runtime, c"channel_receive", 1);
        };
        lua.push_value(TIMEOUT);
        let timeout = if lua.get_is_nil(1) {
            None
        } else {
            arguments::given_timeout(lua, -1, WRAPPED)
        };
        // Looking at the object may have run code that sent, closed, ended the task or broke the channel up.
        if runtime.halves.forgotten() != forgotten {
            match find_slowly(lua, metatable) {
                Some(found) => queue = found,
                None => return push_closed(lua),
            }
        }
        queue.take_back(lua, metatable);
        if queue.waiter.get().is_some() || queue.watched.get() {
            refuse_second_receive(lua, runtime, queue, metatable);
        }
        if queue.is_blocking() && runtime.current.get().is_some() {
            break (task, timeout);
        }
        lua.set_top(metatable);
    };
    let parked = runtime.enter(lua, |core| {
        let may_wait = !is_in_between(lua, core, task);
        if may_wait {
            core.park_message(task, timeout, queue.identity());
        }
        may_wait
    });
    if !parked {
        lua.set_top(1);
        return go_on_in_lua(lua, runtime, c"channel_receive", 1);
    }
    queue.waiter.set(Some(task));
    // The half's metatable is kept, and with it the queue.
    lua.push_value(metatable);
    lua.push_pointer(token_above_half());
    lua.yield_values(2)
}

/// The queue of the half with the metatable at `metatable`, when code has run that may have broken up the
/// channel.
#[cold]
fn find_slowly<'a>(lua: State, metatable: c_int) -> Option<&'a Queue> {
    lua.raw_get_at(metatable, QUEUE_OF_HALF);
    let queue = lua.userdata(-1, QUEUE_CLASS);
    lua.pop(1);
    queue
}

#[cold]
fn push_closed(lua: State) -> c_int {
    lua.push_nil();
    lua.push_str("closed");
    2
}

/// Whether nobody replaced the `setwaker` of the receiver in argument 1, which it pushes.
#[inline]
fn is_native(lua: State, runtime: &Runtime) -> bool {
    lua.push_value(SETWAKER);
    lua.get(1);
    lua.identity(-1) == runtime.classes.get().receiver.setwaker
}

/// `rx:settimeout(t)`.
pub(crate) fn settimeout(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "settimeout");
    lua.set_top(2);
    open(lua, runtime, 2, || called);
    arguments::timeout(lua, called, 2);
    lua.push_value(TIMEOUT);
    lua.push_value(2);
    lua.raw_set(1);
    0
}
