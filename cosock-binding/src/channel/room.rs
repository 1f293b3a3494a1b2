//! The table of a queue's messages: a larger one before it is full, and none after a burst, when the last becomes the
//! spare one of all queues.

use std::cell::Cell;
use std::ffi::c_int;

use cosock_core::channel::Growth;

use super::Queue;
use super::queue::{METATABLES, SLOTS};
use crate::ffi::State;
use crate::runtime::Runtime;

/// The emptied table of more messages than this goes to the collector.
const MOST_SPARED: usize = 1 << 14;

/// From so many messages on a queue takes the spare table, if no other has it: a queue may keep it for long, and
/// need little of it.
const MANY: usize = 64;

/// Where the table that is kept for it has the spare table.
const SPARE: usize = 1;

/// Lays the messages out anew in a larger table, with the metatable of a half on top and the queue below it.
#[cold]
pub(super) fn make_room(lua: State, runtime: &Runtime, queue: &Queue) {
    let metatable = lua.top();
    loop {
        let growth = queue.ring.get().growth();
        let Some(growth) = growth else { return };
        let new = push_spare(lua, runtime, queue, growth).unwrap_or_else(|| {
            lua.new_table(growth.new as c_int, 0);
            growth.new
        });
        // Making a table may run a finalizer, which may send and receive.
        queue.take_back(lua, metatable);
        let is_table = lua.raw_get_table_at(metatable, SLOTS);
        if growth.len > 0 && !is_table {
            // Somebody has broken the channel up.
            return lua.set_top(metatable);
        }
        if queue.ring.get().growth() == Some(growth) {
            for position in 0..growth.len {
                lua.raw_get_at(-1, ((growth.head + position) & (growth.old - 1)) + 1);
                lua.raw_set_at(-3, position + 1);
            }
            lua.pop(1);
            replace_slots(lua, queue, metatable - 1);
            let mut ring = queue.ring.get();
            ring.grown(Growth { new, ..growth });
            queue.ring.set(ring);
            return;
        }
        lua.set_top(metatable);
    }
}

/// Gives up the large table of a burst that is over; the last message, on top, stays there. Makes nothing, so that the
/// message cannot be lost: the next one brings a new table.
#[cold]
pub(super) fn give_back(lua: State, runtime: &Runtime, queue: &Queue, metatable: c_int) {
    if !queue.push_anchor(lua, metatable) {
        return;
    }
    let anchor = lua.top();
    let mut ring = queue.ring.get();
    let capacity = ring.capacity();
    if ring.give_back() {
        queue.ring.set(ring);
        let is_table = lua.raw_get_table_at(metatable, SLOTS);
        lua.push_bool(false);
        replace_slots(lua, queue, anchor);
        if is_table && runtime.spare.has_use_of(queue, capacity) {
            keep_spare(lua, runtime, capacity);
        }
    }
    lua.set_top(anchor - 1);
}

/// What is known of the spare table.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    /// For how many messages it is; 0 when there is none, or a queue has it.
    slots: Cell<usize>,
    /// The identity of the queue that has it, or 0.
    user: Cell<usize>,
}

impl Spare {
    /// Notes that the queue has got another table, or ends.
    pub(super) fn end_loan(&self, queue: &Queue) {
        if self.user.get() == queue.identity() {
            self.user.set(0);
        }
    }

    /// Whether to keep an emptied table of the queue, for so many messages.
    fn has_use_of(&self, queue: &Queue, capacity: usize) -> bool {
        self.end_loan(queue);
        self.user.get() == 0 && (self.slots.get()..=MOST_SPARED).contains(&capacity)
    }
}

/// Pops an empty table of so many messages and keeps it for the next burst: to get from small to large, in fresh
/// memory, is a fifth of what 10,000 messages cost. Makes nothing.
fn keep_spare(lua: State, runtime: &Runtime, capacity: usize) {
    lua.push_kept(runtime.kept.get().spare);
    lua.insert(-2);
    lua.raw_set_at(-2, SPARE);
    lua.pop(1);
    runtime.spare.slots.set(capacity);
}

/// Pushes the spare table, if there is one large enough and the queue is; tells for how many messages it is. Makes
/// nothing.
fn push_spare(lua: State, runtime: &Runtime, queue: &Queue, growth: Growth) -> Option<usize> {
    let spare = &runtime.spare;
    spare.end_loan(queue);
    let capacity = spare.slots.get();
    if growth.old < MANY || capacity < growth.new {
        return None;
    }
    spare.slots.set(0);
    spare.user.set(queue.identity());
    lua.push_kept(runtime.kept.get().spare);
    lua.raw_get_at(-1, SPARE);
    lua.push_bool(false);
    lua.raw_set_at(-3, SPARE);
    lua.remove(-2);
    Some(capacity)
}

/// Pops a table of messages, or false, and gives it to both halves of the queue, which is at `anchor`. Makes nothing.
fn replace_slots(lua: State, queue: &Queue, anchor: c_int) {
    let slots = lua.top();
    lua.push_user_table(anchor);
    for half in METATABLES {
        lua.raw_get_at(-1, half);
        lua.push_value(slots);
        lua.raw_set_at(-2, SLOTS);
        lua.pop(1);
    }
    lua.raw_get_at(-1, METATABLES[0]);
    queue.lent.forget_messages(lua, lua.top());
    lua.set_top(slots - 1);
}
