//! `cosock.socket.tcp`: the methods of TCP objects, and of the inner sockets inside them.

mod connect;
mod jit;
mod receive;
mod send;

use std::ffi::c_int;

use cosock_core::netdb::{Hints, SocketKind};
use cosock_core::operation::Then;
use cosock_core::socket::{Family, Tcp, TcpClass, TcpSocket};

use crate::arguments::{self, Called, check_memory, refuse};
use crate::classes;
use crate::dns;
use crate::ffi::State;
use crate::finalized;
use crate::outcome::{finish, succeed};
use crate::pusher::{Blocking, Plain};
use crate::runtime::{Runtime, TCP};
use crate::socket::{self, own_or_return, still, tcp};

use connect::{accept, connect};
pub(crate) use jit::{Loans, take_back};
pub(crate) use receive::receive;
pub(crate) use send::send;

/// Methods that never wait; those of the inner socket are the same.
pub(crate) const PLAIN: &[Plain] = &[
    (c"bind", |push| push.method(bind::<false>)),
    (c"close", |push| push.method(close)),
    (c"dirty", |push| push.method(dirty)),
    (c"getfamily", |push| push.method(getfamily)),
    (c"getfd", |push| push.method(getfd)),
    (c"getoption", |push| push.method(crate::options::get_tcp)),
    (c"getpeername", |push| push.method(getpeername)),
    (c"getsockname", |push| push.method(getsockname)),
    (c"getstats", |push| push.method(getstats)),
    (c"gettimeout", |push| push.method(socket::gettimeout)),
    (c"listen", |push| push.method(listen)),
    (c"setfd", |push| push.method(setfd)),
    (c"setoption", |push| push.method(crate::options::set_tcp)),
    (c"setsockname", |push| push.method(bind::<false>)),
    (c"setstats", |push| push.method(setstats)),
    (c"settimeout", |push| push.method(socket::settimeout)),
    (c"shutdown", |push| push.method(shutdown)),
];

/// Methods that wait, and the same on the inner socket, where they only try.
pub(crate) const BLOCKING: &[Blocking] = &[
    (
        c"accept",
        |push| push.method(accept::<false>),
        |push| push.method(accept::<true>),
    ),
    (
        c"connect",
        |push| push.method(connect::<false>),
        |push| push.method(connect::<true>),
    ),
    (
        c"receive",
        |push| push.method(receive::<false>),
        |push| push.method(receive::<true>),
    ),
    (
        c"send",
        |push| push.method(send::<false>),
        |push| push.method(send::<true>),
    ),
    (
        c"setpeername",
        |push| push.method(connect::<false>),
        |push| push.method(connect::<true>),
    ),
];

/// Fills the table of the methods of inner sockets.
pub(crate) fn fill_inner(lua: State, runtime: &Runtime) -> c_int {
    classes::fill_inner(lua, runtime, PLAIN, BLOCKING, || ())
}

/// `cosock.socket.tcp()`: a master whose family is undecided.
pub(crate) fn create(lua: State, runtime: &Runtime) -> c_int {
    push_object(lua, runtime, TcpSocket::new);
    1
}

/// `cosock.socket.tcp4()`: a master with an IPv4 descriptor.
pub(crate) fn create_v4(lua: State, runtime: &Runtime) -> c_int {
    create_opened(lua, runtime, Family::Inet)
}

/// `cosock.socket.tcp6()`: a master with an IPv6 descriptor.
pub(crate) fn create_v6(lua: State, runtime: &Runtime) -> c_int {
    create_opened(lua, runtime, Family::Inet6)
}

fn create_opened(lua: State, runtime: &Runtime, family: Family) -> c_int {
    push_object(lua, runtime, TcpSocket::new);
    socket::open_in_place(lua, runtime, TCP, |reactor| {
        TcpSocket::opened(family, reactor)
    })
}

/// Pushes a socket object around a new inner socket.
pub(crate) fn push_object(lua: State, runtime: &Runtime, make: impl FnOnce() -> TcpSocket) {
    let kept = runtime.kept.get();
    lua.new_table(0, 2);
    let object = lua.top();
    lua.push_userdata(TCP, || {
        // Before anything is made that this error would lose.
        check_memory(lua);
        Tcp::new(make().into())
    });
    lua.push_kept(kept.tcp_inner_meta);
    lua.set_metatable(-2);
    let class = lua
        .userdata(-1, TCP)
        .map_or(TcpClass::Master, |socket: &Tcp| socket.borrow().class());
    lua.raw_set_field(object, c"inner_sock");
    lua.push_str(class.word());
    lua.raw_set_field(object, c"class");
    lua.push_kept(kept.tcp_meta);
    lua.set_metatable(object);
}

/// Raises unless the socket is of the class that the method is for.
#[inline]
fn check_class(lua: State, socket: &Tcp, class: TcpClass, called: Called) {
    if socket.borrow().class() != class {
        refuse(lua, called, 1, format_args!("{} expected", class.word()));
    }
}

/// `bind(address, port)`; with `REUSE` the address may be in use by connections that are ending.
pub(crate) fn bind<const REUSE: bool>(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "bind");
    let socket = own_or_return!(tcp, lua, called);
    check_class(lua, socket, TcpClass::Master, called);
    let finalized = runtime.finalized.get();
    let address = arguments::bytes(lua, called, 2);
    let service = arguments::bytes(lua, called, 3);
    let socket = still(lua, runtime, called, finalized, socket);
    let family = socket.borrow().family();
    let hints = Hints {
        family,
        passive: true,
        ..Hints::new(SocketKind::Tcp)
    };
    dns::with_addresses(
        lua,
        runtime,
        dns::any(address, family),
        service,
        hints,
        |addresses, reactor| socket.borrow_mut().bind(addresses, REUSE, reactor),
        || Then::BindTcp(Tcp::clone(socket), REUSE),
    )
}

fn listen(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "listen");
    let socket = own_or_return!(tcp, lua, called);
    check_class(lua, socket, TcpClass::Master, called);
    let backlog = arguments::number_or(lua, called, 2, 32.0);
    let result = socket.borrow_mut().listen(backlog as i32);
    finish(lua, runtime, result)
}

fn close(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "close");
    let Some(socket) = tcp(lua, called) else {
        return socket::close_foreign(lua, runtime, called);
    };
    runtime.enter(lua, |core| {
        socket.borrow_mut().close(&mut core.reactor);
        core.wake_closed_lookups();
    });
    succeed(lua)
}

pub(crate) fn shutdown(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "shutdown");
    let socket = own_or_return!(tcp, lua, called);
    check_class(lua, socket, TcpClass::Client, called);
    let how = match if lua.is_nil(2) {
        b"both"
    } else {
        arguments::bytes(lua, called, 2)
    } {
        b"both" => std::net::Shutdown::Both,
        b"send" => std::net::Shutdown::Write,
        b"receive" => std::net::Shutdown::Read,
        _ => refuse(
            lua,
            called,
            2,
            format_args!("expected 'both', 'send' or 'receive'"),
        ),
    };
    runtime.enter(lua, |_| socket.borrow_mut().shutdown(how));
    succeed(lua)
}

fn dirty(lua: State, runtime: &Runtime) -> c_int {
    let socket = own_or_return!(tcp, lua, Called::direct(lua, "dirty"));
    take_back(lua, runtime, socket);
    let dirty = socket.borrow().has_unread();
    lua.push_bool(dirty);
    1
}

pub(crate) fn getfd(lua: State, _: &Runtime) -> c_int {
    let socket = own_or_return!(tcp, lua, Called::direct(lua, "getfd"));
    let fd = socket.borrow().raw_fd();
    lua.push_number(f64::from(fd));
    1
}

pub(crate) fn setfd(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "setfd");
    let socket = own_or_return!(tcp, lua, called);
    let fd = arguments::descriptor(lua, called, 2);
    runtime.enter(lua, |core| {
        socket.borrow_mut().set_fd(fd, &mut core.reactor);
        core.wake_closed_lookups();
    });
    0
}

pub(crate) fn getfamily(lua: State, _: &Runtime) -> c_int {
    let socket = own_or_return!(tcp, lua, Called::direct(lua, "getfamily"));
    let family = socket.borrow().family();
    lua.push_str(crate::addresses::family_word(family));
    1
}

pub(crate) fn getsockname(lua: State, runtime: &Runtime) -> c_int {
    let socket = own_or_return!(tcp, lua, Called::direct(lua, "getsockname"));
    let address = socket.borrow().local_address();
    crate::addresses::push_local(lua, runtime, address)
}

pub(crate) fn getpeername(lua: State, runtime: &Runtime) -> c_int {
    let socket = own_or_return!(tcp, lua, Called::direct(lua, "getpeername"));
    let address = socket.borrow().peer_address();
    crate::addresses::push_peer(lua, runtime, address)
}

pub(crate) fn getstats(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "getstats");
    let socket = own_or_return!(tcp, lua, called);
    check_class(lua, socket, TcpClass::Client, called);
    take_back(lua, runtime, socket);
    let (received, sent, age) = socket.borrow().stats();
    lua.push_number(received);
    lua.push_number(sent);
    lua.push_number(age);
    3
}

pub(crate) fn setstats(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "setstats");
    let socket = own_or_return!(tcp, lua, called);
    check_class(lua, socket, TcpClass::Client, called);
    let given =
        |argument| (!lua.is_nil(argument)).then(|| arguments::number(lua, called, argument));
    let (received, sent, age) = (given(2), given(3), given(4));
    take_back(lua, runtime, socket);
    socket.borrow_mut().set_stats(received, sent, age);
    succeed(lua)
}

/// `__gc` of the inner socket: closes it, and whoever still waits on it is told.
pub(crate) fn collect(lua: State, runtime: &Runtime) -> c_int {
    if let Some(socket) = lua.userdata(1, TCP) {
        jit::forget(lua, runtime, socket);
    }
    let remains = |socket: &Tcp| finalized::of_tcp(&socket.borrow());
    if let Some(socket) = lua.take_userdata_leaving(1, TCP, remains) {
        runtime.note_finalized();
        runtime.quietly(|core| socket.borrow_mut().close(&mut core.reactor));
    }
    0
}
