//! `cosock.channel`: an unbounded queue of Lua values between tasks.
//!
//! Both halves are tables whose one field `link` is the same table: `queue`, `closed` and `waker`,
//! which programs read. The queue is a userdata, so that `#` works on it in every Lua.

mod close;
mod halves;
mod jit;
mod parked;
mod queue;
mod receive;
mod room;
mod send;
mod wakers;

use std::ffi::{CStr, c_int};

use crate::arguments::{Called, raise_no_memory, refuse_kind};
use crate::ffi::{Kind, State, upvalue};
use crate::runtime::{QUEUE as QUEUE_CLASS, Runtime};

pub(crate) use close::{abandon, close};
pub(crate) use halves::Halves;
pub(crate) use parked::{Looked, look, push_link_waited_on};
use queue::{LINK_OF_QUEUE, METATABLES, QUEUE_OF_HALF, SLOTS};
pub(crate) use queue::{Queue, collect, queue_index, queue_len};
pub(crate) use receive::{receive, settimeout};
pub(crate) use room::Spare;
pub(crate) use send::send;
pub(crate) use wakers::setwaker;

/// Upvalues of every channel function.
pub(crate) const NAMES: [&CStr; 5] = [c"link", c"queue", c"waker", c"timeout", c"setwaker"];
const LINK: c_int = upvalue(2);
const QUEUE: c_int = upvalue(3);
const WAKER: c_int = upvalue(4);
const TIMEOUT: c_int = upvalue(5);
const SETWAKER: c_int = upvalue(6);

/// `channel.new()`.
pub(crate) fn new(lua: State, runtime: &Runtime) -> c_int {
    let kept = runtime.kept.get();
    lua.set_top(0);
    jit::prepare(lua, runtime);
    lua.new_table(0, 3);
    lua.push_userdata_with_room(QUEUE_CLASS, Queue::default);
    lua.new_table(3, 0);
    lua.push_value(-1);
    lua.set_user_table(2);
    lua.push_value(1);
    lua.raw_set_at(3, LINK_OF_QUEUE);
    lua.push_kept(kept.queue_meta);
    lua.set_metatable(2);
    lua.push_value(2);
    lua.raw_set_field(1, c"queue");
    lua.push_bool(false);
    lua.raw_set_field(1, c"closed");
    let halves = [kept.sender_methods, kept.receiver_methods].map(|methods| {
        lua.new_table(0, 1);
        lua.push_value(LINK);
        lua.push_value(1);
        lua.raw_set(-3);
        lua.new_table(2, 2);
        // The first message brings the table.
        lua.push_bool(false);
        lua.raw_set_at(-2, SLOTS);
        lua.push_value(2);
        lua.raw_set_at(-2, QUEUE_OF_HALF);
        lua.push_kept(methods);
        lua.raw_set_field(-2, c"__index");
        lua.push_value(-1);
        lua.set_metatable(-3);
        let metatable = lua.identity(-1);
        // Below its half, for the queue.
        lua.insert(-2);
        metatable
    });
    for (place, metatable) in METATABLES.into_iter().zip([4, 6]) {
        lua.push_value(metatable);
        lua.raw_set_at(3, place);
    }
    if let Some(queue) = lua.userdata(2, QUEUE_CLASS) {
        if runtime.halves.remember(queue, halves).is_err() {
            raise_no_memory(lua);
        }
        queue.metatables.set(halves);
    }
    lua.push_kept(kept.senders);
    lua.push_value(5);
    lua.push_bool(true);
    lua.raw_set(-3);
    lua.pop(1);
    lua.remove(6);
    2
}

/// A channel, as a method finds it.
struct Opened<'a> {
    queue: &'a Queue,
    /// Where the metatable of a half is, on top of the stack.
    metatable: c_int,
    /// Whether argument 1 is the half itself, and no wrapper.
    is_half: bool,
}

/// Finds the queue of the half in argument 1: by its metatable, which every half has for itself; a wrapper's by
/// its `link`. Pushes the metatable of a half above so many arguments, and for a wrapper something below it.
#[inline]
fn open<'a>(
    lua: State,
    runtime: &Runtime,
    arguments: c_int,
    called: impl FnOnce() -> Called,
) -> Opened<'a> {
    if lua.metatable(1) {
        if let Some(queue) = runtime.halves.find(lua.identity(-1)) {
            return Opened {
                queue,
                metatable: arguments + 1,
                is_half: true,
            };
        }
        lua.pop(1);
    }
    open_slowly(lua, called())
}

#[cold]
fn open_slowly<'a>(lua: State, called: Called) -> Opened<'a> {
    if lua.kind(1) == Kind::Table {
        push_link(lua);
        if lua.kind(-1) == Kind::Table {
            lua.push_value(QUEUE);
            lua.raw_get(-2);
            if let Some(queue) = lua.userdata(-1, QUEUE_CLASS) {
                lua.push_user_table(-1);
                lua.raw_get_at(-1, METATABLES[1]);
                return Opened {
                    queue,
                    metatable: lua.top(),
                    is_half: false,
                };
            }
        }
    }
    refuse_kind(lua, called, 1, "channel")
}

/// Anchors the queue of the half whose metatable is on top, below it, before code runs that may break the
/// channel up. Raises if somebody has done that before.
#[cold]
fn anchor(lua: State, queue: &Queue, called: impl FnOnce() -> Called) {
    if !queue.push_anchor(lua, -1) {
        refuse_kind(lua, called(), 1, "channel");
    }
    lua.insert(-2);
}

/// Pushes the `link` of the half in argument 1, a table unless somebody replaced it.
fn push_link(lua: State) {
    lua.push_value(LINK);
    lua.get(1);
}
