//! What all socket objects share: a table with `inner_sock`, `class` and `timeout`, and wakers.

mod wakers;

use std::cell::RefCell;
use std::ffi::{CStr, c_int};
use std::rc::Rc;

use cosock_core::error::SocketError;
use cosock_core::reactor::Reactor;
use cosock_core::socket::{Tcp, Udp};

use crate::arguments::{Called, push_format, raise, refuse_kind};
use crate::ffi::{Class, Kind, State, upvalue};
use crate::finalized;
use crate::outcome;
use crate::runtime::{ObjectClass, Runtime, TCP, UDP};
use crate::select::foreign_fd;
use crate::wait::call_shim;

pub(crate) use wakers::{
    has_waker, inner_fd, inner_state, kind_word, raise_kind, raise_waited, setwaker, wake,
};

/// Upvalues of every socket function: names that it reads, as Lua strings.
pub(crate) const NAMES: [&CStr; 5] = [c"inner_sock", c"timeout", c"setwaker", c"_wake", c"wakers"];
const INNER_SOCK: c_int = upvalue(2);
pub(crate) const TIMEOUT: c_int = upvalue(3);
pub(crate) const SETWAKER: c_int = upvalue(4);
pub(crate) const WAKE: c_int = upvalue(5);
const WAKERS: c_int = upvalue(6);

/// The most arguments that a socket method has, itself included.
const ARGUMENTS: c_int = 4;

/// Pushes the inner socket of the object in argument 1, or that argument itself, above the places
/// of all arguments.
fn push_inner(lua: State, called: Called) {
    if called.count < ARGUMENTS {
        lua.set_top(ARGUMENTS);
    }
    push_inner_here(lua, called);
}

/// [`push_inner`], on top of the arguments that there are.
#[inline(always)]
fn push_inner_here(lua: State, called: Called) {
    match lua.kind(1) {
        Kind::Userdata => lua.push_value(1),
        Kind::Table => push_field_inner(lua),
        _ => refuse_kind(lua, called, 1, "socket"),
    }
}

/// Pushes the inner socket of the table in argument 1.
#[inline(always)]
fn push_field_inner(lua: State) {
    lua.push_value(INNER_SOCK);
    if lua.raw_get_is_nil(1) {
        // A wrapper that finds its socket through `__index`.
        lua.pop(1);
        lua.push_value(INNER_SOCK);
        lua.get(1);
    }
}

/// The two kinds of inner sockets.
pub(crate) trait Inner: Sized {
    /// That of the userdata on top, or what stands in for one that Lua has finalized.
    fn on_top<'a>(lua: State) -> Option<&'a Self>;
}

impl Inner for Tcp {
    #[inline(always)]
    fn on_top<'a>(lua: State) -> Option<&'a Tcp> {
        lua.userdata(-1, TCP)
            .or_else(|| finalized::stand_in_tcp(lua))
    }
}

impl Inner for Udp {
    #[inline(always)]
    fn on_top<'a>(lua: State) -> Option<&'a Udp> {
        lua.userdata(-1, UDP)
            .or_else(|| finalized::stand_in_udp(lua))
    }
}

/// The TCP socket of argument 1, whose userdata is left on the stack; `None` if it is foreign.
#[inline]
pub(crate) fn tcp<'a>(lua: State, called: Called) -> Option<&'a Tcp> {
    push_inner(lua, called);
    Tcp::on_top(lua)
}

/// [`tcp`], for a caller that looks at no argument beyond those that there are.
#[inline]
pub(crate) fn tcp_here<'a>(lua: State, called: Called) -> Option<&'a Tcp> {
    push_inner_here(lua, called);
    Tcp::on_top(lua)
}

/// [`tcp_here`], for argument 1 that is a table.
#[inline(always)]
pub(crate) fn tcp_in_table<'a>(lua: State) -> Option<&'a Tcp> {
    push_field_inner(lua);
    Tcp::on_top(lua)
}

/// The UDP socket of argument 1, likewise.
#[inline]
pub(crate) fn udp<'a>(lua: State, called: Called) -> Option<&'a Udp> {
    push_inner(lua, called);
    Udp::on_top(lua)
}

/// [`udp`], for a caller that looks at the first so many arguments.
#[inline(always)]
pub(crate) fn udp_with<'a>(lua: State, called: Called, arguments: c_int) -> Option<&'a Udp> {
    if called.count < arguments {
        lua.set_top(arguments);
    }
    push_inner_here(lua, called);
    Udp::on_top(lua)
}

/// The inner socket of argument 1 as `$find` finds it: [`tcp`], [`udp`] or one of their kind. Where it is foreign,
/// returns from the method what the foreign one's own method returns.
macro_rules! own_or_return {
    ($find:path, $lua:expr, $called:expr) => {{
        let called = $called;
        match $find($lua, called) {
            Some(socket) => socket,
            None => return $crate::socket::call_inner($lua, called),
        }
    }};
}
pub(crate) use own_or_return;

/// The socket that a method has found and left on top, when other arguments have been read since the runtime's
/// count of the finalized was `finalized`: a number that is made a text may run a finalizer, and that may end the
/// socket. Then what is found is a closed one.
#[inline]
pub(crate) fn still<'a, T: Inner>(
    lua: State,
    runtime: &Runtime,
    called: Called,
    finalized: u32,
    socket: &'a T,
) -> &'a T {
    if runtime.finalized.get() == finalized {
        return socket;
    }
    find_again(lua, called)
}

#[cold]
fn find_again<'a, T: Inner>(lua: State, called: Called) -> &'a T {
    T::on_top(lua).unwrap_or_else(|| refuse_kind(lua, called, 1, "socket"))
}

/// Calls the method of a foreign inner socket, which is on top, with the arguments after the first. After success the
/// object has the class that the inner socket has then.
pub(crate) fn call_inner(lua: State, called: Called) -> c_int {
    let inner = lua.top();
    if !matches!(lua.kind(inner), Kind::Userdata | Kind::Table) || lua.raw_equal(1, inner) {
        refuse_kind(lua, called, 1, "socket");
    }
    lua.check_stack(called.count + 2);
    lua.push_str(called.name);
    lua.get(inner);
    if lua.is_nil(-1) {
        let name = called.name;
        raise(
            lua,
            called.level,
            format_args!("attempt to call a nil value (method '{name}' of an inner socket)"),
        );
    }
    lua.push_value(inner);
    for argument in 2..=called.count {
        lua.push_value(argument);
    }
    lua.call(called.count, -1);
    let results = lua.top() - inner;
    if results > 0 && lua.to_bool(inner + 1) {
        follow_class(lua, inner);
    }
    results
}

/// Gives the object in argument 1 the class of its foreign inner socket, which a method may have changed. A method of
/// that name, such as LuaSec's, tells none.
fn follow_class(lua: State, inner: c_int) {
    lua.check_stack(3);
    lua.get_field(inner, c"class");
    if lua.kind(-1) == Kind::String && lua.kind(1) == Kind::Table {
        lua.push_str("class");
        lua.insert(-2);
        lua.set(1);
    } else {
        lua.pop(1);
    }
}

/// `close` of an object whose inner socket is not ours and is on top: whoever waits on its descriptor is woken, as with
/// one of ours.
pub(crate) fn close_foreign(lua: State, runtime: &Runtime, called: Called) -> c_int {
    if lua.kind(1) == Kind::Table {
        let inner = lua.top();
        let fd = foreign_fd(lua);
        lua.set_top(inner);
        // Before it is closed: its number may be another's at once.
        runtime.enter(lua, |core| core.reactor.forget(fd));
    }
    call_inner(lua, called)
}

/// A method that waits, of an object whose inner socket is not ours and is on top: Lua calls the inner socket's method
/// of the same name, and waits by the protocol where that says so.
pub(crate) fn wait_on_foreign(lua: State, runtime: &Runtime, called: Called, shim: &CStr) -> c_int {
    // One of LuaJIT's own types is of another kind.
    let has_methods = matches!(lua.kind(-1), Kind::Table | Kind::Userdata | Kind::Other);
    if lua.kind(1) != Kind::Table || !has_methods {
        refuse_kind(lua, called, 1, "socket");
    }
    lua.set_top(called.count);
    // It may have no need to wait, which only a task could.
    call_shim(lua, runtime, shim, called.count)
}

/// Replaces the inner socket of the new object on top by one with a descriptor, which nothing that raises can lose then;
/// leaves the object on top, or nil and why there is no descriptor.
pub(crate) fn open_in_place<S>(
    lua: State,
    runtime: &Runtime,
    class: Class<Rc<RefCell<S>>>,
    open: impl FnOnce(&mut Reactor) -> Result<S, SocketError>,
) -> c_int {
    lua.raw_get_field(-1, c"inner_sock");
    let Some(socket) = lua.userdata(-1, class) else {
        return 0;
    };
    let opened = runtime.enter(lua, |core| {
        *socket.borrow_mut() = open(&mut core.reactor)?;
        Ok(())
    });
    match opened {
        Ok(()) => {
            lua.pop(1);
            1
        }
        Err(error) => outcome::fail(lua, runtime, error),
    }
}

/// The class of the inner socket at `index`, as the field `class` of objects has it; `None` for what is not ours.
pub(crate) fn class_word(lua: State, index: c_int) -> Option<&'static str> {
    if let Some(socket) = lua.userdata(index, TCP) {
        return Some(socket.borrow().class_word());
    }
    if let Some(socket) = lua.userdata(index, UDP) {
        return Some(socket.borrow().class().word());
    }
    finalized::class_word(lua, index)
}

/// `__index` of inner sockets: the class, else the methods, which are in upvalue 2.
pub(crate) fn inner_index(lua: State, _: &Runtime) -> c_int {
    if lua.string(2) == Some(b"class")
        && let Some(word) = class_word(lua, 1)
    {
        lua.push_str(word);
        return 1;
    }
    lua.set_top(2);
    // Not raw: the first look makes them.
    lua.get(upvalue(2));
    1
}

/// `__tostring` of the inner sockets of TCP and UDP.
pub(crate) fn inner_to_string(lua: State, _: &Runtime) -> c_int {
    let identity = lua.identity(1);
    let class = class_word(lua, 1).unwrap_or("socket");
    push_format(lua, format_args!("{class}: {identity:#x}"));
    1
}

/// The class of socket objects that the value belongs to, as far as its metatable tells.
#[inline]
pub(crate) fn object_class(lua: State, runtime: &Runtime, index: c_int) -> Option<ObjectClass> {
    if lua.kind(index) != Kind::Table || !lua.metatable(index) {
        return None;
    }
    let identity = lua.identity(-1);
    lua.pop(1);
    let classes = runtime.classes.get();
    classes
        .of_sockets()
        .find(|class| class.metatable == identity)
}

/// Whether the value is a socket object of ours, with our inner socket, whose waking nobody
/// replaced.
pub(crate) fn is_native_at(lua: State, runtime: &Runtime, index: c_int) -> bool {
    let Some(class) = object_class(lua, runtime, index) else {
        return false;
    };
    let index = lua.absolute(index);
    lua.get_field(index, c"setwaker");
    lua.get_field(index, c"_wake");
    lua.raw_get_field(index, c"inner_sock");
    let ours = lua.identity(-3) == class.setwaker
        && lua.identity(-2) == class.wake
        && (lua.userdata(-1, TCP).is_some() || lua.userdata(-1, UDP).is_some());
    lua.pop(3);
    ours
}

/// `settimeout(t [, mode])`: stores the timeout in the object, where programs look for it.
pub(crate) fn settimeout(lua: State, _: &Runtime) -> c_int {
    let called = Called::direct(lua, "settimeout");
    push_inner(lua, called);
    let inner = lua.top();
    let timeout = crate::arguments::timeout(lua, called, 2);
    let mode = if lua.is_nil(3) {
        b'b'
    } else {
        *crate::arguments::bytes(lua, called, 3)
            .first()
            .unwrap_or(&b'?')
    };
    if !matches!(mode, b'b' | b'r' | b't') {
        crate::arguments::refuse(lua, called, 3, format_args!("invalid timeout mode"));
    }
    let total = mode != b'b';
    // As in LuaSocket, one mode leaves the other's limit as it is.
    if total {
        if let Some(socket) = lua.userdata(inner, TCP) {
            socket.borrow_mut().set_total_timeout(timeout);
        } else if let Some(socket) = lua.userdata(inner, UDP) {
            socket.borrow_mut().total_timeout = timeout;
        }
    } else if lua.kind(1) == Kind::Table {
        lua.push_value(TIMEOUT);
        lua.push_value(2);
        lua.raw_set(1);
    }
    lua.push_number(1.0);
    1
}

/// `limit_lines(inner, bytes)`: has a receive of a line fail once that many have come without its end.
/// Nothing happens to what is no TCP socket of ours.
pub(crate) fn limit_lines(lua: State, _: &Runtime) -> c_int {
    let longest = lua.to_number(2).unwrap_or(f64::MAX) as usize;
    if let Some(socket) = lua.userdata(1, TCP) {
        socket.borrow_mut().set_longest_line(longest);
    }
    0
}

/// The limit of a whole call on the inner socket at `index`, if that is ours.
fn total_timeout(lua: State, index: c_int) -> Option<f64> {
    match lua.userdata(index, TCP) {
        Some(socket) => socket.borrow().total_timeout(),
        None => lua
            .userdata(index, UDP)
            .and_then(|socket| socket.borrow().total_timeout),
    }
}

/// `time_limit(inner)`: when a call that begins now has to be over as a whole, by [`clock`]; nil when it
/// need not.
pub(crate) fn time_limit(lua: State, runtime: &Runtime) -> c_int {
    match total_timeout(lua, 1) {
        Some(total) => {
            let now = runtime.enter(lua, |core| core.clock.date(core.clock.now()));
            lua.push_number(now + total);
        }
        None => lua.push_nil(),
    }
    1
}

/// `clock()`: seconds that only ever grow.
pub(crate) fn clock(lua: State, runtime: &Runtime) -> c_int {
    let now = runtime.enter(lua, |core| core.clock.date(core.clock.now()));
    lua.push_number(now);
    1
}

/// `gettimeout()`: the limit of each wait and of a whole call, -1 where there is none.
pub(crate) fn gettimeout(lua: State, _: &Runtime) -> c_int {
    let called = Called::direct(lua, "gettimeout");
    push_inner(lua, called);
    let total = total_timeout(lua, -1);
    let mut each = None;
    if lua.kind(1) == Kind::Table {
        lua.push_value(TIMEOUT);
        lua.get(1);
        each = crate::arguments::timeout_value(lua, -1).ok().flatten();
    }
    lua.push_number(each.unwrap_or(-1.0));
    lua.push_number(total.unwrap_or(-1.0));
    2
}

/// `socket.skip(n, ...)`: the arguments after the first `n`.
pub(crate) fn skip(lua: State, _: &Runtime) -> c_int {
    let called = Called::direct(lua, "skip");
    let count = crate::arguments::number(lua, called, 1);
    if cfg!(integers) && count.fract() != 0.0 {
        crate::arguments::refuse(
            lua,
            called,
            1,
            format_args!("number has no integer representation"),
        );
    }
    let left = f64::from(lua.top()) - count.trunc() - 1.0;
    left.clamp(0.0, f64::from(lua.top())) as c_int
}
