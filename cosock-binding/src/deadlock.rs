//! When every task waits for something that nothing can bring any more.

use std::ffi::c_int;

use cosock_core::operation::Operation;
use cosock_core::scheduler::{TaskKey, Wait};

use crate::anchors::{self, place_slot};
use crate::channel;
use crate::ffi::{Function, Kind, State, Status};
use crate::runtime::Runtime;

/// Looks, after one collection, for channels whose senders are gone: they are closed, which wakes
/// their receivers. Tells whether anything can go on now.
pub(crate) fn resolve(lua: State, runtime: &Runtime) -> bool {
    let base = lua.top();
    if lua.may_collect() {
        lua.collect();
    }
    push_linked(lua, runtime);
    let linked = lua.top();
    for key in runtime.keys() {
        close_orphans(lua, runtime, key, linked);
        lua.set_top(linked);
    }
    lua.set_top(base);
    !runtime.enter(lua, |core| core.is_deadlocked())
}

/// Closes what the task, if it lives, waits on and nobody sends to any more.
fn close_orphans(lua: State, runtime: &Runtime, key: TaskKey, linked: c_int) {
    let Some(coroutine) = anchors::push_coroutine(lua, runtime, key) else {
        return;
    };
    let (receives, selects) = runtime.enter(lua, |core| match core.wait_of(key) {
        Wait::Message => (true, false),
        Wait::Select(_) => (false, true),
        _ => (false, false),
    });
    if receives && channel::push_link_waited_on(coroutine) {
        coroutine.move_to(lua, 1);
        close_orphan(lua, runtime, linked, close_link_if_orphan);
    }
    if selects {
        lua.push_kept(runtime.kept.get().selects);
        lua.raw_get_at(-1, place_slot(key.index));
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

/// Pushes a table with a key for each link that still has a sender.
fn push_linked(lua: State, runtime: &Runtime) {
    lua.new_table(0, 0);
    let linked = lua.top();
    // Made only once: on the way a finalizer could run, and with a new sender some would be missed.
    lua.push_str("link");
    lua.push_kept(runtime.kept.get().senders);
    lua.push_nil();
    while lua.next(linked + 2) {
        lua.pop(1);
        lua.push_value(linked + 1);
        lua.raw_get(-2);
        if lua.is_nil(-1) {
            lua.pop(1);
        } else {
            lua.push_bool(true);
            lua.raw_set(linked);
        }
    }
    lua.set_top(linked);
}

/// Raises an error that names every task and what it waits for.
pub(crate) fn report(lua: State, runtime: &Runtime) -> ! {
    lua.set_top(0);
    lua.push_str(
        "deadlock: cosock tried to call socket.select with no sockets and no timeout; every task \
         waits for something that no other can bring:",
    );
    let mut told: usize = 0;
    for key in runtime.keys() {
        if !push_lines(lua, runtime, key) {
            continue;
        }
        told += 1;
        // Pieces of equal size are joined: appending to one text would copy it for every task.
        for _ in 0..told.trailing_zeros() {
            lua.concat(2);
        }
    }
    lua.concat(1 + told.count_ones() as i32);
    lua.raise_top()
}

/// Pushes what the report says of a task; tells whether the task lives.
fn push_lines(lua: State, runtime: &Runtime, key: TaskKey) -> bool {
    lua.check_stack(12);
    // What is to be told comes first: making a string may run a finalizer that ends the task.
    if !runtime.has_task(key) {
        return false;
    }
    let (receivers, senders) = runtime.enter(lua, |core| core.lists(key));
    let what = runtime.enter(lua, |core| match core.wait_of(key) {
        Wait::Nothing => "nothing",
        Wait::Sleep => "sleep",
        Wait::Message => "receive of a channel",
        Wait::Operation(operation) => word(operation),
        Wait::Select(_) => "select",
    });
    anchors::push_handle(lua, runtime, key);
    let handle = lua.top();
    let Some(coroutine) = anchors::push_coroutine(lua, runtime, key) else {
        lua.pop(1);
        return false;
    };
    lua.push_str("\n  task ");
    push_name(lua, handle, coroutine);
    crate::arguments::push_format(
        lua,
        format_args!(" waits in {what} (recvt: {receivers}, sendt: {senders})\n    "),
    );
    push_where_it_waits(lua, coroutine);
    lua.concat(4);
    lua.replace(handle);
    lua.set_top(handle);
    true
}

fn word(operation: &Operation) -> &'static str {
    match operation {
        Operation::Receive { .. } | Operation::Line { .. } => "receive",
        Operation::Send { .. } => "send",
        Operation::Accept { .. } => "accept",
        Operation::Connect { .. } => "connect",
        #[cfg(feature = "tls")]
        Operation::Handshake { .. } => "a TLS handshake",
        Operation::Datagram { .. } => "receive of a datagram",
        Operation::SendDatagram { .. } => "send of a datagram",
        Operation::Lookup(_) => "a name look-up",
    }
}

/// Pushes the name in the handle at `handle`, if it is there, in quotes, or the coroutine's address.
fn push_name(lua: State, handle: c_int, coroutine: State) {
    match lua.kind(handle) {
        Kind::Table => lua.raw_get_field(handle, c"name"),
        _ => lua.push_nil(),
    }
    if matches!(lua.kind(-1), Kind::String | Kind::Number) {
        lua.push_str("'");
        lua.insert(-2);
        lua.push_str("'");
        lua.concat(3);
    } else {
        lua.pop(1);
        lua.push_coroutine_text(coroutine.raw());
    }
}

/// Pushes the position of the user's Lua code that waits, which need not be the innermost: ours may
/// stand before it.
fn push_where_it_waits(lua: State, coroutine: State) {
    for level in 0..8 {
        lua.push_place(coroutine, level);
        match lua.to_bytes(-1) {
            Some(place) if !place.is_empty() && !place.starts_with(b"[cosock") => return,
            _ => lua.pop(1),
        }
    }
    lua.push_str("?");
}
