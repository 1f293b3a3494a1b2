//! Channels whose messages compiled Lua sends and receives by itself, on LuaJIT: a few lines of it cost less than a
//! call of C.
//!
//! A queue that holds several messages, and has nobody to wake, hands its counts to a table that
//! `lua/channel_jit.lua` works on. Every function of C that touches the queue first takes them back, and
//! where somebody waits they are never handed over; so all of the rest knows only the queue's own ring.
//! A channel that never holds several messages has no such table.

use std::cell::Cell;
use std::ffi::c_int;

use super::Queue;
use super::queue::{METATABLES, SLOTS};
use crate::ffi::{Kind, State};
use crate::runtime::Runtime;

/// Where the metatable of a half has the table of counts: where that of no wrapper has anything. Also in
/// `lua/channel_jit.lua`.
const COUNTS: i64 = -27182;

/// What is where in that table. A count modulo the capacity is a slot.
const SENT: usize = 1;
const RECEIVED: usize = 2;
/// At how many messages a send is for C: at none when it has to wake somebody, or to refuse.
const LIMIT: usize = 3;
const MASK: usize = 4;
/// At how many messages a receive is for C: at the last one of a table that is then given back.
const LEFT: usize = 5;
const MESSAGES: usize = 6;
const HALVES: [usize; 2] = [7, 8];

/// How many messages make it worth the while.
const SEVERAL: usize = 3;

/// What Lua has of a queue.
#[derive(Debug, Default)]
pub(super) struct Lent {
    /// Whether there is a table of counts, and whether it knows the present table of messages.
    made: Cell<bool>,
    informed: Cell<bool>,
    /// Whether Lua counts now.
    counts: Cell<bool>,
}

impl Lent {
    /// Notes that the messages have got another table, and lets go of the last one, while Lua does not count;
    /// `metatable` is where that of a half is. Makes nothing.
    pub(super) fn forget_messages(&self, lua: State, metatable: c_int) {
        if cfg!(feature = "luajit") && self.informed.replace(false) {
            if push_counts(lua, metatable) {
                lua.push_bool(false);
                lua.raw_set_at(-2, MESSAGES);
            }
            lua.pop(1);
        }
    }
}

fn set(lua: State, table: c_int, place: usize, value: usize) {
    lua.push_number(value as f64);
    lua.raw_set_at(table, place);
}

/// Pushes what the metatable of a half at `metatable` has as its table of counts; tells whether it is a table.
fn push_counts(lua: State, metatable: c_int) -> bool {
    lua.raw_get_signed(metatable, COUNTS);
    lua.kind(-1) == Kind::Table
}

impl Queue {
    /// Whether Lua counts the messages now.
    #[inline]
    fn is_lent(&self) -> bool {
        cfg!(feature = "luajit") && self.lent.counts.get()
    }

    /// Has the counts here again; `metatable` is where that of a half is. Makes nothing.
    #[inline]
    pub(super) fn take_back(&self, lua: State, metatable: c_int) {
        if self.is_lent() {
            self.end_loan(lua, metatable);
        }
    }

    #[cold]
    fn end_loan(&self, lua: State, metatable: c_int) {
        if self.recount(lua, metatable) {
            let counts = lua.top();
            // As many received as sent, and no room.
            let (_, sent) = self.ring.get().counts();
            set(lua, counts, RECEIVED, sent);
            set(lua, counts, SENT, sent);
            set(lua, counts, LIMIT, 0);
        }
        lua.pop(1);
        self.lent.counts.set(false);
    }

    /// Learns what Lua has counted, and pushes its table if there is one, else something else.
    fn recount(&self, lua: State, metatable: c_int) -> bool {
        let found = push_counts(lua, metatable);
        if found {
            let (received, sent) = read(lua, lua.top());
            let mut ring = self.ring.get();
            ring.recount(received, sent);
            self.ring.set(ring);
        }
        found
    }

    /// [`Queue::take_back`], where the queue itself is at `queue`.
    pub(super) fn take_back_from(&self, lua: State, queue: c_int) {
        if self.is_lent() {
            push_metatable(lua, queue);
            self.take_back(lua, lua.top());
            lua.pop(1);
        }
    }

    /// Learns what Lua has counted, and lets it count on; the queue itself is at `queue`.
    pub(super) fn look_into(&self, lua: State, queue: c_int) {
        if self.is_lent() {
            push_metatable(lua, queue);
            self.recount(lua, lua.top());
            lua.pop(2);
        }
    }

    /// Makes what Lua needs to count so many messages, if they are enough. That may run finalizers and raise, so it
    /// comes before anything is sent or taken; `metatable` is where that of a half is.
    #[inline]
    pub(super) fn prepare_loan(
        &self,
        lua: State,
        runtime: &Runtime,
        metatable: c_int,
        count: usize,
    ) {
        if cfg!(feature = "luajit")
            && runtime.lends.get() == Some(true)
            && !self.lent.made.get()
            && count >= SEVERAL
        {
            self.make_counts(lua, metatable);
        }
    }

    /// Has Lua count the messages, if there are several and nobody has to be woken for the next; who
    /// was parked is woken already. Makes nothing.
    #[inline]
    pub(super) fn lend(&self, lua: State, runtime: &Runtime, metatable: c_int) {
        if cfg!(feature = "luajit") && runtime.lends.get() == Some(true) && self.len() >= SEVERAL {
            self.begin_loan(lua, metatable);
        }
    }

    #[cold]
    fn begin_loan(&self, lua: State, metatable: c_int) {
        // A hook that sends could come in the middle of another send, which is atomic only in C.
        if self.lent.counts.get() || self.watched.get() || lua.has_hook() {
            return;
        }
        if push_counts(lua, metatable) {
            let counts = lua.top();
            let ring = self.ring.get();
            let (capacity, is_large) = (ring.capacity(), ring.is_large());
            let (received, sent) = ring.counts();
            if !self.lent.informed.replace(true) {
                set(lua, counts, MASK, capacity.saturating_sub(1));
                set(lua, counts, LEFT, usize::from(is_large));
                lua.raw_get_at(metatable, SLOTS);
                lua.raw_set_at(counts, MESSAGES);
            }
            set(lua, counts, RECEIVED, received);
            set(lua, counts, SENT, sent);
            set(
                lua,
                counts,
                LIMIT,
                if self.is_closed() { 0 } else { capacity },
            );
            self.lent.counts.set(true);
        }
        lua.pop(1);
    }

    /// Makes the table of counts, with no room and no messages, and enters it into both metatables.
    #[cold]
    fn make_counts(&self, lua: State, metatable: c_int) {
        let top = lua.top();
        if !self.push_anchor(lua, metatable) {
            return;
        }
        lua.push_user_table(-1);
        let of_queue = lua.top();
        lua.new_table(HALVES[1] as c_int, 0);
        let counts = lua.top();
        for place in [SENT, RECEIVED, LIMIT, MASK, LEFT] {
            set(lua, counts, place, 0);
        }
        for (place, half) in HALVES.into_iter().zip(METATABLES) {
            lua.raw_get_at(of_queue, half);
            lua.raw_set_at(counts, place);
        }
        // A finalizer may have been here meanwhile.
        if !self.lent.made.get() {
            for half in HALVES {
                lua.raw_get_at(counts, half);
                lua.push_value(counts);
                lua.raw_set_signed(-2, COUNTS);
            }
            self.lent.made.set(true);
        }
        lua.set_top(top);
    }

    /// [`Queue::take`], while Lua counts.
    #[inline]
    pub(super) fn take_lent(&self, lua: State, runtime: &Runtime, metatable: c_int) -> bool {
        self.is_lent() && self.take_counted(lua, runtime, metatable)
    }

    fn take_counted(&self, lua: State, runtime: &Runtime, metatable: c_int) -> bool {
        let metatable = lua.absolute(metatable);
        self.take_back(lua, metatable);
        let taken = self.take(lua, metatable);
        if taken {
            self.lend(lua, runtime, metatable);
        }
        taken
    }
}

/// Before the first channel: has Lua take over what it can do.
pub(super) fn prepare(lua: State, runtime: &Runtime) {
    if cfg!(feature = "luajit") && runtime.lends.get().is_none() {
        runtime.lends.set(Some(false));
        let kept = runtime.kept.get();
        lua.push_kept(kept.modules);
        lua.get_field(-1, c"cosock.channel.jit");
        lua.push_kept(kept.sender_methods);
        lua.push_kept(kept.receiver_methods);
        lua.call(2, 1);
        runtime.lends.set(Some(lua.to_bool(-1)));
        lua.pop(2);
    }
}

/// The messages received and sent, in the table of counts at `counts`.
fn read(lua: State, counts: c_int) -> (usize, usize) {
    lua.raw_get_at(counts, RECEIVED);
    lua.raw_get_at(counts, SENT);
    // Who writes into it what is no count gets less than was sent, and no more.
    let received = lua.to_number(-2).unwrap_or_default() as usize;
    let sent = lua.to_number(-1).unwrap_or_default() as usize;
    lua.pop(2);
    (received, sent)
}

/// Pushes the metatable of a half of the queue at `queue`.
fn push_metatable(lua: State, queue: c_int) {
    lua.push_user_table(queue);
    lua.raw_get_at(-1, METATABLES[0]);
    lua.remove(-2);
}
