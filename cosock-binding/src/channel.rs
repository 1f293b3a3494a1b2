//! `cosock.channel`: an unbounded queue of Lua values between tasks.
//!
//! Both halves are tables whose one field `link` is the same table: `queue`, `closed` and `waker`,
//! which programs read. The queue is a userdata, so that `#` works on it in every Lua.

mod halves;
mod jit;
mod queue;
mod room;

use std::ffi::{CStr, c_int};

use crate::arguments::{self, Called, WRAPPED, raise, raise_no_memory, refuse_kind};
use crate::ffi::{Kind, State, upvalue};
use crate::runtime::{QUEUE as QUEUE_CLASS, Runtime, token};
use crate::wait::go_on_in_lua;

pub(crate) use halves::Halves;
use queue::{LINK as LINK_OF_QUEUE, METATABLES, QUEUE as QUEUE_OF_HALF, SLOTS};
pub(crate) use queue::{Looked, Queue, look, push_link_waited_on};
pub(crate) use room::Spare;
use room::{give_back, make_room};

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

/// The queue of the half with the metatable at `metatable`, when code has run that may have broken up the
/// channel.
#[cold]
fn find_slowly<'a>(lua: State, metatable: c_int) -> Option<&'a Queue> {
    lua.raw_get_at(metatable, QUEUE_OF_HALF);
    let queue = lua.userdata(-1, QUEUE_CLASS);
    lua.pop(1);
    queue
}

/// Pushes the `link` of the half in argument 1, a table unless somebody replaced it.
fn push_link(lua: State) {
    lua.push_value(LINK);
    lua.get(1);
}

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

/// Wakes whoever waits for a message, so that it sees the channel closed.
fn tell(lua: State, runtime: &Runtime, queue: &Queue) {
    if let Some(task) = queue.waiter.get() {
        queue.wake(lua, runtime, task);
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
    runtime.enter(lua, |core| {
        core.park_message(task, timeout, queue.identity())
    });
    queue.waiter.set(Some(task));
    // The half's metatable is kept, and with it the queue.
    lua.push_value(metatable);
    lua.push_pointer(token());
    lua.yield_values(2)
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

/// [`refuse_second`], in a receive of the half with the metatable at `metatable`.
#[cold]
fn refuse_second_receive(lua: State, runtime: &Runtime, queue: &Queue, metatable: c_int) {
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

/// `rx:setwaker(kind, waker)`.
pub(crate) fn setwaker(lua: State, runtime: &Runtime) -> c_int {
    if lua.kind(2) != Kind::String || lua.to_bytes(2) != Some(b"recvr") {
        crate::socket::raise_kind(lua, 2);
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
