//! The table of a queue's messages: a larger one before it is full, and a new one after a burst.

use std::ffi::c_int;

use super::Queue;
use super::queue::{METATABLES, QUEUE as QUEUE_OF_HALF, SLOTS};
use crate::ffi::State;

/// Lays the messages out anew in a larger table, with the metatable of a half on top.
#[cold]
pub(super) fn make_room(lua: State, queue: &Queue) {
    let metatable = lua.top();
    loop {
        let growth = queue.ring.borrow().growth();
        let Some(growth) = growth else { return };
        lua.new_table(growth.new as c_int, 0);
        // Making a table may run a finalizer, which may send and receive.
        queue.take_back(lua, metatable);
        let unchanged = queue.ring.borrow().growth() == Some(growth);
        if unchanged && lua.raw_get_table_at(metatable, SLOTS) {
            for position in 0..growth.len {
                lua.raw_get_at(-1, ((growth.head + position) & (growth.old - 1)) + 1);
                lua.raw_set_at(-3, position + 1);
            }
            lua.pop(1);
            replace_slots(lua, queue, metatable);
            queue.ring.borrow_mut().grown(growth);
            return;
        }
        lua.set_top(metatable);
    }
}

/// Gives up the large table of a burst that is over; the last message, on top, stays there.
#[cold]
pub(super) fn give_back(lua: State, queue: &Queue) {
    // Below the message are the table that it was in, and the metatable. The queue stays, whatever comes.
    lua.raw_get_at(-3, QUEUE_OF_HALF);
    lua.insert(1);
    let metatable = lua.top() - 2;
    lua.new_table(0, 0);
    // Making a table may run a finalizer, which may send.
    queue.take_back(lua, metatable);
    let still = queue.ring.borrow_mut().give_back();
    if still {
        replace_slots(lua, queue, metatable);
    } else {
        lua.pop(1);
    }
}

/// Pops a table of messages and gives it to both halves, of which one has the metatable at
/// `metatable`. Makes nothing.
fn replace_slots(lua: State, queue: &Queue, metatable: c_int) {
    let slots = lua.top();
    lua.raw_get_at(metatable, QUEUE_OF_HALF);
    lua.push_user_table(-1);
    for half in METATABLES {
        lua.raw_get_at(-1, half);
        lua.push_value(slots);
        lua.raw_set_at(-2, SLOTS);
        lua.pop(1);
    }
    queue.lent.forget_messages();
    lua.set_top(slots - 1);
}
