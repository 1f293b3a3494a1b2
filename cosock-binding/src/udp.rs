//! `cosock.socket.udp`: the methods of UDP objects, and of the inner sockets inside them.

mod datagrams;

use std::ffi::c_int;

use cosock_core::netdb::{Hints, SocketKind};
use cosock_core::operation::Then;
use cosock_core::socket::{Family, Udp, UdpClass, UdpSocket};

use crate::addresses::{family_word, push_local, push_peer};
use crate::arguments::{self, Called, refuse};
use crate::classes;
use crate::dns;
use crate::ffi::State;
use crate::finalized;
use crate::outcome::{finish, succeed};
use crate::pusher::{Blocking, Plain};
use crate::runtime::{Runtime, UDP};
use crate::socket::{self, own_or_return, still, udp};
pub(crate) use datagrams::push_datagram;
use datagrams::{receive, send, sendto};

/// Methods that never wait; those of the inner socket are the same.
pub(crate) const PLAIN: &[Plain] = &[
    (c"close", |push| push.method(close)),
    (c"dirty", |push| push.method(dirty)),
    (c"getfamily", |push| push.method(getfamily)),
    (c"getfd", |push| push.method(getfd)),
    (c"getoption", |push| push.method(crate::options::get_udp)),
    (c"getpeername", |push| push.method(getpeername)),
    (c"getsockname", |push| push.method(getsockname)),
    (c"gettimeout", |push| push.method(socket::gettimeout)),
    (c"send", |push| push.method(send)),
    (c"sendto", |push| push.method(sendto)),
    (c"setfd", |push| push.method(setfd)),
    (c"setoption", |push| push.method(crate::options::set_udp)),
    (c"setpeername", |push| push.method(setpeername)),
    (c"setsockname", |push| push.method(setsockname)),
    (c"settimeout", |push| push.method(socket::settimeout)),
];

/// Methods that wait, and the same on the inner socket, where they only try.
pub(crate) const BLOCKING: &[Blocking] = &[
    (
        c"receive",
        |push| push.method(receive::<false, false>),
        |push| push.method(receive::<true, false>),
    ),
    (
        c"receivefrom",
        |push| push.method(receive::<false, true>),
        |push| push.method(receive::<true, true>),
    ),
];

/// Fills the table of the methods of inner sockets.
pub(crate) fn fill_inner(lua: State, runtime: &Runtime) -> c_int {
    classes::fill_inner(lua, runtime, PLAIN, BLOCKING, || ())
}

/// `cosock.socket.udp()`: a socket whose family is undecided.
pub(crate) fn create(lua: State, runtime: &Runtime) -> c_int {
    push_object(lua, runtime, UdpSocket::new);
    1
}

/// `cosock.socket.udp4()`: a socket with an IPv4 descriptor.
pub(crate) fn create_v4(lua: State, runtime: &Runtime) -> c_int {
    create_opened(lua, runtime, Family::Inet)
}

/// `cosock.socket.udp6()`: a socket with an IPv6 descriptor.
pub(crate) fn create_v6(lua: State, runtime: &Runtime) -> c_int {
    create_opened(lua, runtime, Family::Inet6)
}

fn create_opened(lua: State, runtime: &Runtime, family: Family) -> c_int {
    push_object(lua, runtime, UdpSocket::new);
    socket::open_in_place(lua, runtime, UDP, |reactor| {
        UdpSocket::opened(family, reactor)
    })
}

fn push_object(lua: State, runtime: &Runtime, make: impl FnOnce() -> UdpSocket) {
    let kept = runtime.kept.get();
    lua.new_table(0, 2);
    let object = lua.top();
    lua.push_userdata(UDP, || {
        arguments::check_memory(lua);
        Udp::new(make().into())
    });
    lua.push_kept(kept.udp_inner_meta);
    lua.set_metatable(-2);
    lua.raw_set_field(object, c"inner_sock");
    lua.push_str(UdpClass::Unconnected.word());
    lua.raw_set_field(object, c"class");
    lua.push_kept(kept.udp_meta);
    lua.set_metatable(object);
}

/// Raises unless the socket is of the class that the method is for.
fn check_class(lua: State, socket: &Udp, class: UdpClass, called: Called) {
    if socket.borrow().class() != class {
        refuse(lua, called, 1, format_args!("{} expected", class.word()));
    }
}

fn close(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "close");
    let Some(socket) = udp(lua, called) else {
        return socket::close_foreign(lua, runtime, called);
    };
    runtime.enter(lua, |core| {
        socket.borrow_mut().close(&mut core.reactor);
        core.wake_closed_lookups();
    });
    succeed(lua)
}

fn dirty(lua: State, _: &Runtime) -> c_int {
    own_or_return!(udp, lua, Called::direct(lua, "dirty"));
    lua.push_bool(false);
    1
}

fn getfd(lua: State, _: &Runtime) -> c_int {
    let socket = own_or_return!(udp, lua, Called::direct(lua, "getfd"));
    let fd = socket.borrow().raw_fd();
    lua.push_number(f64::from(fd));
    1
}

fn setfd(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "setfd");
    let socket = own_or_return!(udp, lua, called);
    let fd = arguments::descriptor(lua, called, 2);
    runtime.enter(lua, |core| {
        socket.borrow_mut().set_fd(fd, &mut core.reactor);
        core.wake_closed_lookups();
    });
    0
}

fn getfamily(lua: State, _: &Runtime) -> c_int {
    let socket = own_or_return!(udp, lua, Called::direct(lua, "getfamily"));
    let family = socket.borrow().family();
    lua.push_str(family_word(family));
    1
}

fn getsockname(lua: State, runtime: &Runtime) -> c_int {
    let socket = own_or_return!(udp, lua, Called::direct(lua, "getsockname"));
    let address = socket.borrow().local_address();
    push_local(lua, runtime, address)
}

fn getpeername(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "getpeername");
    let socket = own_or_return!(udp, lua, called);
    check_class(lua, socket, UdpClass::Connected, called);
    let address = socket.borrow().peer_address();
    push_peer(lua, runtime, address)
}

fn setsockname(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "setsockname");
    let socket = own_or_return!(udp, lua, called);
    check_class(lua, socket, UdpClass::Unconnected, called);
    let finalized = runtime.finalized.get();
    let host = arguments::bytes(lua, called, 2);
    let service = arguments::bytes(lua, called, 3);
    let socket = still(lua, runtime, called, finalized, socket);
    let family = socket.borrow().family();
    let hints = Hints {
        family,
        passive: true,
        ..Hints::new(SocketKind::Udp)
    };
    dns::with_addresses(
        lua,
        runtime,
        dns::any(host, family),
        service,
        hints,
        |addresses, reactor| socket.borrow_mut().bind(addresses, reactor),
        || Then::BindUdp(Udp::clone(socket)),
    )
}

fn setpeername(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "setpeername");
    let socket = own_or_return!(udp, lua, called);
    let finalized = runtime.finalized.get();
    let host = arguments::bytes(lua, called, 2);
    if host == b"*" {
        let result = socket.borrow_mut().clear_peer();
        return finish(lua, runtime, result);
    }
    let service = arguments::bytes(lua, called, 3);
    let socket = still(lua, runtime, called, finalized, socket);
    let family = socket.borrow().family();
    let hints = Hints {
        family,
        ..Hints::new(SocketKind::Udp)
    };
    dns::with_addresses(
        lua,
        runtime,
        host,
        service,
        hints,
        |addresses, reactor| socket.borrow_mut().set_peer(addresses, reactor),
        || Then::Peer(Udp::clone(socket)),
    )
}

/// `__gc` of the inner socket.
pub(crate) fn collect(lua: State, runtime: &Runtime) -> c_int {
    let remains = |socket: &Udp| finalized::of_udp(&socket.borrow());
    if let Some(socket) = lua.take_userdata_leaving(1, UDP, remains) {
        runtime.note_finalized();
        runtime.quietly(|core| socket.borrow_mut().close(&mut core.reactor));
    }
    0
}
