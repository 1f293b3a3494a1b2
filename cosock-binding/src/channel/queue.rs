//! A channel's queue: its Rust half, and the ways of a message through it.
//!
//! The messages are in a Lua table, in the slots that the core's ring tells. Only a number or a boolean that comes
//! when there is none is kept here, since it refers to nothing that Lua would have to find: that is half as dear.
//! A message that wakes a parked receiver stays where it is until the receiver runs: somebody else may take it before.

use std::cell::Cell;
use std::ffi::c_int;

use cosock_core::channel::Ring;
use cosock_core::scheduler::TaskKey;

use super::jit::Lent;
use crate::ffi::{Kind, Scalar, State};
use crate::runtime::{QUEUE as QUEUE_CLASS, Runtime};

/// Where the metatable of a half, which each has for itself, has the table of messages and the queue.
pub(crate) const SLOTS: usize = 1;
pub(crate) const QUEUE_OF_HALF: usize = 2;

/// Where the queue's associated table has the metatables of both halves, and their link.
pub(crate) const METATABLES: [usize; 2] = [1, 2];
pub(crate) const LINK_OF_QUEUE: usize = 3;

/// The Rust half of a channel's queue.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// The oldest message, if it is kept here.
    first: Cell<Option<Scalar>>,
    /// The others.
    pub(super) ring: Cell<Ring>,
    /// Who waits in `receive`, or did: the core knows whether the wait still lasts.
    pub(super) waiter: Cell<Option<TaskKey>>,
    /// Whether `link.waker` is set.
    pub(super) watched: Cell<bool>,
    pub(super) closed: Cell<bool>,
    /// What Lua has of it.
    pub(super) lent: Lent,
    /// Identities of the metatables of both halves, which the queue keeps alive.
    pub(super) metatables: Cell<[usize; 2]>,
}

impl Queue {
    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.ring.get().len() + usize::from(self.first.get().is_some())
    }

    /// Pushes the message at `position`, counted from the oldest at 0, above the queue itself; tells whether there is
    /// one.
    pub(super) fn push_message(&self, lua: State, position: usize) -> bool {
        let position = match (self.first.get(), position.checked_sub(1)) {
            (Some(message), None) => {
                lua.push_scalar(message);
                return true;
            }
            (Some(_), Some(behind)) => behind,
            (None, _) => position,
        };
        let slot = self.ring.get().slot(position);
        let Some(slot) = slot else { return false };
        lua.push_user_table(-1);
        lua.raw_get_at(-1, METATABLES[0]);
        if lua.raw_get_table_at(-1, SLOTS) {
            lua.raw_get_at(-1, slot + 1);
        }
        true
    }

    /// Whether either half was closed.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Whether a receive would have to wait.
    #[inline]
    pub(super) fn is_blocking(&self) -> bool {
        self.len() == 0 && !self.is_closed()
    }

    /// Ends it when Lua finalizes it. Who reaches it later, from a finalizer, finds it closed; its
    /// memory may end at any time, so nothing remembers it any more.
    pub(super) fn finalize(&self, runtime: &Runtime) {
        // What Lua's own memory holds needs nothing else to be freed.
        const { assert!(!std::mem::needs_drop::<Queue>()) };
        runtime.spare.end_loan(self);
        runtime.halves.forget(self.metatables.replace([0; 2]));
        self.closed.set(true);
    }

    /// Its identity, by which the core tells waits apart: that of the receiver's metatable.
    #[inline]
    pub(super) fn identity(&self) -> usize {
        self.metatables.get()[1]
    }

    /// Pushes this queue from the metatable of a half at `metatable`, before code runs that may break the channel
    /// up: what a metatable holds is open to programs. Pushes nothing, and tells so, if somebody has done that.
    pub(super) fn push_anchor(&self, lua: State, metatable: c_int) -> bool {
        lua.raw_get_at(metatable, QUEUE_OF_HALF);
        let found = lua.userdata(-1, QUEUE_CLASS);
        let is_this = found.is_some_and(|found| std::ptr::eq(found, self));
        if !is_this {
            lua.pop(1);
        }
        is_this
    }

    /// Takes the oldest message and pushes it, maybe with another value below it; `metatable` is where that of
    /// a half is. Tells whether there was one. Makes nothing, so it cannot raise.
    #[inline(always)]
    pub(super) fn take(&self, lua: State, metatable: c_int) -> bool {
        if let Some(message) = self.first.get() {
            self.first.set(None);
            lua.push_scalar(message);
            return true;
        }
        let mut ring = self.ring.get();
        let Some(slot) = ring.pop() else { return false };
        self.ring.set(ring);
        if lua.raw_get_table_at(metatable, SLOTS) {
            lua.raw_get_at(-1, slot + 1);
            lua.push_nil();
            lua.raw_set_at(-3, slot + 1);
        }
        true
    }

    /// Keeps the value at `message` here if it may be, and tells so.
    #[inline]
    pub(super) fn keep(&self, lua: State, message: c_int) -> bool {
        // On LuaJIT it is where compiled Lua finds it.
        let is_empty = self.ring.get().is_empty() && self.first.get().is_none();
        if cfg!(feature = "luajit") || !is_empty {
            return false;
        }
        let scalar = lua.scalar(message);
        self.first.set(scalar);
        scalar.is_some()
    }

    /// Appends the value at `message`; `metatable` is where that of a half is. There must be room.
    #[inline]
    pub(super) fn append(&self, lua: State, message: c_int, metatable: c_int) {
        if lua.raw_get_table_at(metatable, SLOTS) {
            lua.push_value(message);
            let mut ring = self.ring.get();
            let slot = ring.push();
            self.ring.set(ring);
            lua.raw_set_at(-2, slot + 1);
        }
    }

    /// Wakes the task if it is parked here.
    #[inline(always)]
    pub(super) fn wake(&self, lua: State, runtime: &Runtime, task: TaskKey) {
        runtime.enter(lua, |core| core.wake_message(task, self.identity()));
    }
}

/// `#queue`.
pub(crate) fn queue_len(lua: State, _: &Runtime) -> c_int {
    let length = match lua.userdata(1, QUEUE_CLASS) {
        Some(queue) => {
            queue.look_into(lua, 1);
            queue.len()
        }
        None => 0,
    };
    lua.push_integer(length as i64);
    1
}

/// `queue[n]`: the nth message as programs know it, a table with a field `msg`.
pub(crate) fn queue_index(lua: State, _: &Runtime) -> c_int {
    lua.set_top(2);
    let Some(queue) = lua.userdata(1, QUEUE_CLASS) else {
        return 0;
    };
    let place = match lua.to_number(2) {
        Some(place) if lua.kind(2) == Kind::Number && place >= 1.0 => place as usize - 1,
        _ => return 0,
    };
    lua.new_table(0, 1);
    queue.look_into(lua, 1);
    lua.push_value(1);
    if !queue.push_message(lua, place) {
        return 0;
    }
    lua.raw_set_field(3, c"msg");
    lua.set_top(3);
    1
}

/// `__gc` of the queue.
pub(crate) fn collect(lua: State, runtime: &Runtime) -> c_int {
    if let Some(queue) = lua.userdata(1, QUEUE_CLASS) {
        queue.finalize(runtime);
        queue.take_back_from(lua, 1);
    }
    0
}
