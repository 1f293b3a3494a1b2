//! Wakers: who is told when an object is ready, one for each direction.

use std::ffi::c_int;
use std::io::{self, Write as _};

use cosock_core::reactor::Interest;

use super::WAKERS;
use crate::arguments::raise;
use crate::ffi::{Kind, State};
use crate::runtime::{Runtime, TCP, UDP};
use crate::tcp::take_back;
use crate::wait::is_in_between;

/// The two wake kinds as Lua names them.
pub(crate) fn kind_word(interest: Interest) -> &'static str {
    match interest {
        Interest::Read => "recvr",
        Interest::Write => "sendr",
    }
}

/// Whether the object has a waker of this kind.
pub(crate) fn has_waker(lua: State, index: c_int, interest: Interest) -> bool {
    lua.raw_get_field(index, c"wakers");
    let mut found = false;
    if lua.kind(-1) == Kind::Table {
        lua.push_str(kind_word(interest));
        lua.raw_get(-2);
        found = !lua.is_nil(-1);
        lua.pop(1);
    }
    lua.pop(1);
    found
}

/// Raises what the second waiter of one object and direction gets.
pub(crate) fn raise_waited(lua: State, level: c_int, interest: Interest) -> ! {
    let kind = kind_word(interest);
    raise(
        lua,
        level,
        format_args!("{kind} waker already set, sockets can only block one thread per waker kind"),
    )
}

/// The interest that a wake kind names; raises for any other value.
fn wake_kind(lua: State, argument: c_int) -> Interest {
    match lua.string(argument) {
        Some(b"recvr") => Interest::Read,
        Some(b"sendr") => Interest::Write,
        _ => raise_kind(lua, argument),
    }
}

/// Raises for a wake kind that the object does not know.
pub(crate) fn raise_kind(lua: State, argument: c_int) -> ! {
    // Before anything is pushed where the argument is missing.
    let kind = lua.kind(argument);
    lua.push_where(1);
    lua.push_str("unsupported wake kind: ");
    match kind {
        Kind::String | Kind::Number => lua.push_value(argument),
        Kind::None | Kind::Nil => lua.push_str("nil"),
        _ => lua.push_str(lua.type_name(argument)),
    }
    lua.concat(3);
    lua.raise_top()
}

/// `setwaker(kind, waker)`: stores who is to be told, one for each kind.
pub(crate) fn setwaker(lua: State, runtime: &Runtime) -> c_int {
    let interest = wake_kind(lua, 2);
    runtime.wakers_set.set(true);
    lua.set_top(3);
    lua.push_value(WAKERS);
    lua.get(1);
    if lua.kind(4) != Kind::Table {
        lua.new_table(0, 2);
        lua.replace(4);
        lua.push_value(WAKERS);
        lua.push_value(4);
        lua.set(1);
    }
    lua.push_value(2);
    lua.get(4);
    if !lua.is_nil(3) && (!lua.is_nil(-1) || is_parked_on(lua, runtime, interest)) {
        raise_waited(lua, 1, interest);
    }
    lua.pop(1);
    lua.push_value(2);
    lua.push_value(3);
    lua.set(4);
    0
}

/// Whether an operation or a native select waits on the object in argument 1.
fn is_parked_on(lua: State, runtime: &Runtime, interest: Interest) -> bool {
    let object = lua.identity(1);
    let fd = inner_fd(lua, runtime, 1);
    fd >= 0
        && runtime.enter(lua, |core| {
            if let Some(task) = runtime.running_task()
                && !is_in_between(lua, core, task)
            {
                core.withdraw(task);
            }
            core.reactor.is_object_waited(fd, interest, object)
        })
}

/// The descriptor of an object's inner socket, if that is ours; else -1.
pub(crate) fn inner_fd(lua: State, runtime: &Runtime, index: c_int) -> c_int {
    inner_state(lua, runtime, index, Interest::Read).0
}

/// The descriptor of an object's inner socket, if that is ours, else -1; and whether an operation in
/// this direction would be answered without asking the system.
pub(crate) fn inner_state(
    lua: State,
    runtime: &Runtime,
    index: c_int,
    interest: Interest,
) -> (c_int, bool) {
    lua.get_field(index, c"inner_sock");
    let state = if let Some(socket) = lua.userdata(-1, TCP) {
        take_back(lua, runtime, socket);
        let mut socket = socket.borrow_mut();
        let fd = socket.raw_fd();
        (
            fd,
            if interest == Interest::Read {
                socket.answers_read()
            } else {
                fd < 0
            },
        )
    } else if let Some(socket) = lua.userdata(-1, UDP) {
        let fd = socket.borrow().raw_fd();
        (fd, fd < 0)
    } else {
        (-1, false)
    };
    lua.pop(1);
    state
}

/// `_wake(kind, ...)`: calls the waker, or has a parked operation try again.
pub(crate) fn wake(lua: State, runtime: &Runtime) -> c_int {
    let interest = wake_kind(lua, 2);
    let top = lua.top();
    lua.push_value(WAKERS);
    lua.get(1);
    if lua.kind(-1) == Kind::Table {
        let wakers = lua.top();
        lua.push_value(2);
        lua.get(wakers);
        if !lua.is_nil(-1) {
            lua.check_stack(top);
            for argument in 3..=top {
                lua.push_value(argument);
            }
            lua.call(top - 2, 0);
            lua.push_value(2);
            lua.push_nil();
            lua.set(wakers);
            lua.push_bool(true);
            return 1;
        }
    }
    let fd = inner_fd(lua, runtime, 1);
    let object = lua.identity(1);
    let woken =
        fd >= 0 && runtime.enter(lua, |core| core.reactor.fire_object(fd, interest, object));
    if !woken {
        // Not by `eprintln`, which panics when nobody reads.
        let _ = writeln!(
            io::stderr(),
            "cosock: attempt to wake a socket that nothing waits on"
        );
    }
    lua.push_bool(woken);
    1
}
