//! `cosock.channel`: an unbounded queue of Lua values between tasks.
//!
//! Both halves are tables whose one field `link` is the same table: `queue`, `closed` and `waker`,
//! which programs read. The queue is a userdata, so that `#` works on it in every Lua; the messages
//! are in its associated table, in the slots that the core's ring tells.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_int};

use cosock_core::channel::Ring;
use cosock_core::scheduler::TaskKey;

use crate::arguments::{self, Called, WRAPPED, raise, refuse_kind};
use crate::ffi::{Kind, State, upvalue};
use crate::runtime::{Kind as WaitKind, QUEUE as QUEUE_CLASS, Runtime, token};
use crate::socket::go_on_in_lua;

/// The Rust half of a channel's queue.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    ring: RefCell<Ring>,
    /// Who waits in `receive`, or did: the core knows whether the wait still lasts.
    waiter: Cell<Option<TaskKey>>,
    /// Whether `link.waker` is set.
    watched: Cell<bool>,
    closed: Cell<bool>,
}

impl Queue {
    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.ring.borrow().len()
    }

    /// Whether either half was closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Notes that nobody waits for a message any more.
    pub(crate) fn served(&self) {
        self.waiter.set(None);
    }

    /// Its identity, by which the core tells waits apart.
    fn identity(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }
}

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
    lua.new_table(0, 3);
    lua.push_userdata(QUEUE_CLASS, Queue::default);
    lua.new_table(0, 0);
    lua.set_user_table(-2);
    lua.push_kept(kept.queue_meta);
    lua.set_metatable(-2);
    lua.push_value(-1);
    lua.raw_set_field(1, c"queue");
    lua.push_bool(false);
    lua.raw_set_field(1, c"closed");
    for methods in [kept.sender_methods, kept.receiver_methods] {
        lua.new_table(0, 1);
        lua.push_value(LINK);
        lua.push_value(1);
        lua.raw_set(-3);
        lua.new_table(1, 1);
        lua.push_value(2);
        lua.raw_set_at(-2, QUEUE_IN_META);
        lua.push_kept(methods);
        lua.raw_set_field(-2, c"__index");
        lua.set_metatable(-2);
    }
    lua.remove(2);
    lua.push_kept(kept.senders);
    lua.push_value(2);
    lua.push_bool(true);
    lua.raw_set(-3);
    lua.pop(1);
    2
}

/// A channel half's queue, found in argument 1; its userdata stays on the stack.
struct Opened<'a> {
    queue: &'a Queue,
    queue_at: c_int,
    /// Whether argument 1 is a half itself, not a wrapper of one.
    plain: bool,
}

/// Finds the queue of the half in argument 1: the shortest way, by its metatable, which every channel
/// has for itself; a wrapper's by its `link`.
#[inline]
fn open<'a>(lua: State, called: Called) -> Opened<'a> {
    if lua.metatable(1) {
        lua.raw_get_at(-1, QUEUE_IN_META);
        if let Some(queue) = lua.userdata(-1, QUEUE_CLASS) {
            return Opened {
                queue,
                queue_at: lua.top(),
                plain: true,
            };
        }
        lua.pop(2);
    }
    open_by_link(lua, called)
}

#[cold]
fn open_by_link<'a>(lua: State, called: Called) -> Opened<'a> {
    if lua.kind(1) == Kind::Table {
        push_link(lua);
        if lua.kind(-1) == Kind::Table {
            lua.push_value(QUEUE);
            lua.raw_get(-2);
            if let Some(queue) = lua.userdata(-1, QUEUE_CLASS) {
                return Opened {
                    queue,
                    queue_at: lua.top(),
                    plain: false,
                };
            }
        }
    }
    refuse_kind(lua, called, 1, "channel")
}

/// Pushes the `link` of the half in argument 1, a table unless somebody replaced it.
fn push_link(lua: State) {
    lua.push_value(LINK);
    lua.get(1);
}

/// Where a half's metatable has the queue.
const QUEUE_IN_META: usize = 1;

/// `tx:send(value)`.
pub(crate) fn send(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "send");
    if called.count < 2 {
        lua.set_top(2);
    }
    let opened = open(lua, called);
    let queue = opened.queue;
    if queue.is_closed() {
        lua.push_bool(false);
        lua.push_str("closed");
        return 2;
    }
    make_room(lua, &opened);
    lua.push_user_table(opened.queue_at);
    lua.push_value(2);
    let slot = queue.ring.borrow_mut().push();
    lua.raw_set_at(-2, slot + 1);
    tell(lua, runtime, &opened);
    lua.push_bool(true);
    1
}

/// Lays the messages out anew in a larger table, if the next one has no room.
fn make_room(lua: State, opened: &Opened<'_>) {
    let queue = opened.queue;
    loop {
        let growth = queue.ring.borrow().growth();
        let Some(growth) = growth else { return };
        lua.new_table(growth.new as c_int, 0);
        // Making a table may run a finalizer, which may send and receive.
        let unchanged = queue.ring.borrow().growth() == Some(growth);
        if !unchanged {
            lua.pop(1);
            continue;
        }
        lua.push_user_table(opened.queue_at);
        for position in 0..growth.len {
            lua.raw_get_at(-1, ((growth.head + position) & (growth.old - 1)) + 1);
            lua.raw_set_at(-3, position + 1);
        }
        lua.pop(1);
        lua.set_user_table(opened.queue_at);
        queue.ring.borrow_mut().grown(growth);
        return;
    }
}

/// Wakes whoever waits for a message.
#[inline]
fn tell(lua: State, runtime: &Runtime, opened: &Opened<'_>) {
    let queue = opened.queue;
    if let Some(task) = queue.waiter.get() {
        runtime.enter(lua, |core| core.wake_message(task, queue.identity()));
    }
    if queue.watched.get() {
        call_waker(lua, queue);
    }
}

fn call_waker(lua: State, queue: &Queue) {
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

/// `tx:close()` and `rx:close()`.
pub(crate) fn close(lua: State, runtime: &Runtime) -> c_int {
    let opened = open(lua, Called::direct(lua, "close"));
    opened.queue.closed.set(true);
    push_link(lua);
    if lua.kind(-1) == Kind::Table {
        lua.push_bool(true);
        lua.raw_set_field(-2, c"closed");
    }
    tell(lua, runtime, &opened);
    0
}

/// Pops the oldest message of the queue at `index` and pushes it, above its table; tells whether
/// there was one. Makes nothing, so it cannot raise.
#[inline]
pub(crate) fn pop(lua: State, queue: &Queue, index: c_int) -> bool {
    let slot = queue.ring.borrow_mut().pop();
    let Some(slot) = slot else { return false };
    lua.push_user_table(index);
    lua.raw_get_at(-1, slot + 1);
    lua.push_nil();
    lua.raw_set_at(-3, slot + 1);
    true
}

/// `rx:receive()`.
pub(crate) fn receive(lua: State, runtime: &Runtime) -> c_int {
    let opened = open(lua, Called::wrapped(lua, "receive"));
    let queue = opened.queue;
    if pop(lua, queue, opened.queue_at) {
        let burst_over = queue.ring.borrow().is_worth_giving_back();
        if burst_over {
            lua.new_table(0, 0);
            // Making a table may run a finalizer, which may send.
            let still = queue.ring.borrow_mut().give_back();
            if still {
                lua.set_user_table(opened.queue_at);
            } else {
                lua.pop(1);
            }
        }
        return 1;
    }
    if queue.is_closed() {
        lua.push_nil();
        lua.push_str("closed");
        return 2;
    }
    let Some(task) = runtime.task_of(lua).filter(|_| is_native(lua, runtime)) else {
        lua.set_top(1);
        return go_on_in_lua(lua, runtime, c"channel_receive", 1);
    };
    if is_waited(lua, runtime, &opened) {
        raise_waited(lua, WRAPPED);
    }
    lua.push_value(TIMEOUT);
    let timeout = if !opened.plain {
        lua.get(1);
        receive_timeout(lua)
    } else if lua.raw_get_is_nil(1) {
        None
    } else {
        receive_timeout(lua)
    };
    queue.waiter.set(Some(task));
    let pending = &runtime.pending;
    pending.kind.set(WaitKind::Message);
    pending.timeout.set(timeout);
    pending.object.set(queue.identity());
    lua.push_value(1);
    lua.push_value(opened.queue_at);
    lua.push_pointer(token());
    lua.yield_values(WaitKind::Message.anchored())
}

/// The receiver's timeout, which is on top.
fn receive_timeout(lua: State) -> Option<f64> {
    match arguments::timeout_value(lua, -1) {
        Ok(timeout) => timeout,
        Err(_) => {
            let got = lua.type_name(-1);
            raise(
                lua,
                WRAPPED,
                format_args!("bad timeout (number expected, got {got})"),
            )
        }
    }
}

/// Whether nobody replaced the `setwaker` of the receiver in argument 1.
fn is_native(lua: State, runtime: &Runtime) -> bool {
    lua.push_value(SETWAKER);
    lua.get(1);
    lua.identity(-1) == runtime.classes.get().receiver.setwaker
}

/// Whether somebody waits on the receiver already.
fn is_waited(lua: State, runtime: &Runtime, opened: &Opened<'_>) -> bool {
    let queue = opened.queue;
    if let Some(task) = queue.waiter.get()
        && runtime.enter(lua, |core| core.waits_for_message(task, queue.identity()))
    {
        return true;
    }
    if !queue.watched.get() {
        return false;
    }
    push_link(lua);
    if lua.kind(-1) != Kind::Table {
        return false;
    }
    lua.push_value(WAKER);
    lua.raw_get(-2);
    !lua.is_nil(-1)
}

fn raise_waited(lua: State, level: c_int) -> ! {
    raise(
        lua,
        level,
        format_args!("waker already set, receive can't be waited on from multiple places at once"),
    )
}

/// `rx:settimeout(t)`.
pub(crate) fn settimeout(lua: State, _: &Runtime) -> c_int {
    let called = Called::direct(lua, "settimeout");
    lua.set_top(2);
    open(lua, called);
    arguments::timeout(lua, called, 2);
    lua.push_value(TIMEOUT);
    lua.push_value(2);
    lua.raw_set(1);
    0
}

/// `rx:setwaker(kind, waker)`.
pub(crate) fn setwaker(lua: State, runtime: &Runtime) -> c_int {
    if lua.kind(2) != Kind::String || lua.to_bytes(2) != Some(b"recvr") {
        crate::socket::raise_kind(lua, 2);
    }
    lua.set_top(3);
    // The waker takes the kind's place, which `open` keeps.
    lua.replace(2);
    let opened = open(lua, Called::direct(lua, "setwaker"));
    let queue = opened.queue;
    if !lua.is_nil(2) && is_waited(lua, runtime, &opened) {
        raise_waited(lua, 1);
    }
    push_link(lua);
    if lua.kind(-1) == Kind::Table {
        lua.push_value(WAKER);
        lua.push_value(2);
        lua.raw_set(-3);
    }
    queue.watched.set(!lua.is_nil(2));
    if !lua.is_nil(2) && (queue.len() > 0 || queue.is_closed()) {
        lua.push_value(2);
        lua.call(0, 0);
    }
    0
}

/// `#queue`.
pub(crate) fn queue_len(lua: State, _: &Runtime) -> c_int {
    let length = lua.userdata(1, QUEUE_CLASS).map_or(0, Queue::len);
    lua.push_integer(length as i64);
    1
}

/// `queue[n]`: the nth message as programs know it, a table with a field `msg`.
pub(crate) fn queue_index(lua: State, _: &Runtime) -> c_int {
    let Some(queue) = lua.userdata(1, QUEUE_CLASS) else {
        return 0;
    };
    let place = match lua.to_number(2) {
        Some(place) if lua.kind(2) == Kind::Number && place >= 1.0 => place as usize - 1,
        _ => return 0,
    };
    let slot = queue.ring.borrow().slot(place);
    let Some(slot) = slot else { return 0 };
    lua.push_user_table(1);
    lua.new_table(0, 1);
    lua.raw_get_at(-2, slot + 1);
    lua.raw_set_field(-2, c"msg");
    1
}

/// `__gc` of the queue.
pub(crate) fn collect(lua: State, _: &Runtime) -> c_int {
    let _ = lua.take_userdata(1, QUEUE_CLASS);
    0
}

/// Closes the channel whose link is at `link`, if it is one, and wakes its receiver.
pub(crate) fn abandon(lua: State, runtime: &Runtime, link: c_int) {
    lua.raw_get_field(link, c"queue");
    let Some(queue) = lua.userdata(-1, QUEUE_CLASS) else {
        return lua.pop(1);
    };
    queue.closed.set(true);
    lua.push_bool(true);
    lua.raw_set_field(link, c"closed");
    if let Some(task) = queue.waiter.take() {
        runtime.enter(lua, |core| core.wake_message(task, queue.identity()));
    }
    lua.raw_get_field(link, c"waker");
    if lua.is_nil(-1) {
        lua.pop(2);
    } else {
        lua.call(0, 0);
        lua.pop(1);
    }
}
