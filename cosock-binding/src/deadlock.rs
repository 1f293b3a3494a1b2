//! When every task waits for something that nothing can bring any more.

use std::ffi::c_int;

use cosock_core::operation::Operation;
use cosock_core::scheduler::Wait;

use crate::channel;
use crate::ffi::{Function, Kind, State, Status};
use crate::runtime::{Runtime, Task};
use crate::tasks::{handle_slot, select_slot};

/// Looks, after one collection, for channels whose senders are gone: they are closed, which wakes
/// their receivers. Tells whether anything can go on now.
pub(crate) fn resolve(lua: State, runtime: &Runtime) -> bool {
    let base = lua.top();
    if lua.may_collect() {
        lua.collect();
    }
    push_linked(lua, runtime);
    let linked = lua.top();
    let mut place = 0;
    loop {
        let task = runtime.tasks.borrow().get(place).copied();
        let Some(task) = task else { break };
        place += 1;
        if runtime.task(task.key).is_some() {
            close_orphans(lua, runtime, task, linked);
            lua.set_top(linked);
        }
    }
    lua.set_top(base);
    !runtime.enter(lua, |core| core.is_deadlocked())
}

/// Closes what the task waits on and nobody sends to any more.
fn close_orphans(lua: State, runtime: &Runtime, task: Task, linked: c_int) {
    let coroutine = task.state();
    let (receives, selects) = runtime.enter(lua, |core| match core.wait_of(task.key) {
        Wait::Message => (true, false),
        Wait::Select(_) => (false, true),
        _ => (false, false),
    });
    if receives && channel::push_link_waited_on(coroutine) {
        coroutine.move_to(lua, 1);
        close_orphan(lua, runtime, linked, close_link_if_orphan);
    }
    if selects {
        lua.push_kept(runtime.kept.get().slots);
        lua.raw_get_at(-1, select_slot(task.key.index));
        let objects = lua.top();
        if lua.kind(objects) != Kind::Table {
            return;
        }
        for number in 1..=lua.raw_len(objects) {
            lua.raw_get_at(objects, number);
            close_orphan(lua, runtime, linked, close_if_orphan);
        }
    }
}

/// Pops an object or a link, and calls `close` with it and the links at `linked`.
fn close_orphan(lua: State, runtime: &Runtime, linked: c_int, close: impl Function) {
    lua.push_function(runtime, close, 0);
    lua.insert(-2);
    lua.push_value(linked);
    // A wrapper's `__index` and a waker are user code.
    if lua.pcall(2, 0, 0) != Status::Ok {
        lua.pop(1);
    }
}

/// Called with an object and the links that have senders: closes its channel if that has none.
fn close_if_orphan(lua: State, runtime: &Runtime) -> c_int {
    if lua.kind(1) != Kind::Table {
        return 0;
    }
    lua.get_field(1, c"link");
    lua.replace(1);
    close_link_if_orphan(lua, runtime)
}

/// Called with a link and the links that have senders.
fn close_link_if_orphan(lua: State, runtime: &Runtime) -> c_int {
    if lua.kind(1) == Kind::Table {
        lua.push_value(1);
        lua.raw_get(2);
        if lua.is_nil(-1) {
            channel::abandon(lua, runtime, 1);
        }
    }
    0
}

/// Pushes a set of the links that still have a sender.
fn push_linked(lua: State, runtime: &Runtime) {
    lua.new_table(0, 0);
    let linked = lua.top();
    lua.push_kept(runtime.kept.get().senders);
    lua.push_nil();
    while lua.next(linked + 1) {
        lua.pop(1);
        lua.raw_get_field(-1, c"link");
        if lua.is_nil(-1) {
            lua.pop(1);
        } else {
            lua.push_bool(true);
            lua.raw_set(linked);
        }
    }
    lua.pop(1);
}

/// Raises an error that names every task and what it waits for.
pub(crate) fn report(lua: State, runtime: &Runtime) -> ! {
    lua.set_top(0);
    lua.push_str(
        "deadlock: cosock tried to call socket.select with no sockets and no timeout; every task \
         waits for something that no other can bring:",
    );
    let mut told: usize = 0;
    let mut place = 0;
    loop {
        let task = runtime.tasks.borrow().get(place).copied();
        let Some(task) = task else { break };
        place += 1;
        let what = runtime.enter(lua, |core| {
            core.is_alive(task.key)
                .then(|| match core.wait_of(task.key) {
                    Wait::Nothing => "nothing",
                    Wait::Sleep => "sleep",
                    Wait::Message => "receive of a channel",
                    Wait::Operation(operation) => word(operation),
                    Wait::Select(_) => "select",
                })
        });
        let Some(what) = what else { continue };
        lua.check_stack(12);
        lua.push_str("\n  task ");
        push_name(lua, runtime, task);
        let (receivers, senders) = task.listed;
        crate::arguments::push_format(
            lua,
            format_args!(" waits in {what} (recvt: {receivers}, sendt: {senders})\n    "),
        );
        push_where_it_waits(lua, task);
        lua.concat(4);
        told += 1;
        // Pieces of equal size are joined: appending to one text would copy it for every task.
        for _ in 0..told.trailing_zeros() {
            lua.concat(2);
        }
    }
    lua.concat(1 + told.count_ones() as i32);
    lua.raise_top()
}

fn word(operation: &Operation) -> &'static str {
    match operation {
        Operation::Receive { .. } => "receive",
        Operation::Send { .. } => "send",
        Operation::Accept { .. } => "accept",
        Operation::Connect { .. } => "connect",
        #[cfg(feature = "tls")]
        Operation::Handshake { .. } => "a TLS handshake",
        Operation::Datagram { .. } => "receive of a datagram",
        Operation::Lookup(_) => "a name look-up",
    }
}

/// Pushes the task's name in quotes, or its coroutine's address.
fn push_name(lua: State, runtime: &Runtime, task: Task) {
    lua.push_kept(runtime.kept.get().slots);
    lua.raw_get_at(-1, handle_slot(task.key.index));
    lua.raw_get_field(-1, c"name");
    if matches!(lua.kind(-1), Kind::String | Kind::Number) {
        lua.push_str("'");
        lua.insert(-2);
        lua.push_str("'");
        lua.concat(3);
    } else {
        lua.pop(1);
        lua.push_coroutine_text(task.coroutine);
    }
    lua.remove(-2);
    lua.remove(-2);
}

/// Pushes the position of the user's Lua code that waits, which need not be the innermost: ours may
/// stand before it.
fn push_where_it_waits(lua: State, task: Task) {
    let coroutine = task.state();
    for level in 0..8 {
        lua.push_place(coroutine, level);
        match lua.to_bytes(-1) {
            Some(place) if !place.is_empty() && !place.starts_with(b"[cosock") => return,
            _ => lua.pop(1),
        }
    }
    lua.push_str("?");
}
