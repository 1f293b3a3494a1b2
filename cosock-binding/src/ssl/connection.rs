//! Methods of TLS objects beside those that they share with TCP ones, and `wrap`.

use std::ffi::c_int;

use cosock_core::error::SocketError;
use cosock_core::operation::{Operation, Outcome};
use cosock_core::socket::{Handshake, Step, Tcp, TcpClass, TcpSocket};
use cosock_core::tls::Session;

use super::CONTEXT;
use crate::arguments::{self, Called, refuse, refuse_kind};
use crate::ffi::{Kind, State};
use crate::outcome;
use crate::pusher::{Blocking, Plain};
use crate::runtime::{Runtime, Shape, TCP, UDP};
use crate::socket::{self, own_or_return, tcp};
use crate::tcp::take_back;
use crate::wait::{self, Blocked, Wait, go_on_in_lua};
use crate::{classes, shims};

/// Methods that never wait; those of the inner object are the same.
pub(crate) const PLAIN: &[Plain] = &[
    (c"close", |push| push.method(close)),
    (c"dirty", |push| push.method(dirty)),
    (c"getfamily", |push| push.method(crate::tcp::getfamily)),
    (c"getfd", |push| push.method(crate::tcp::getfd)),
    (c"getoption", |push| push.method(crate::options::get_tcp)),
    (c"getpeername", |push| push.method(crate::tcp::getpeername)),
    (c"getsockname", |push| push.method(crate::tcp::getsockname)),
    (c"getstats", |push| push.method(crate::tcp::getstats)),
    (c"gettimeout", |push| push.method(socket::gettimeout)),
    (c"setdane", |push| push.method(super::dane::setdane)),
    (c"setfd", |push| push.method(crate::tcp::setfd)),
    (c"setoption", |push| push.method(crate::options::set_tcp)),
    (c"setstats", |push| push.method(crate::tcp::setstats)),
    (c"settimeout", |push| push.method(socket::settimeout)),
    (c"settlsa", |push| push.method(super::dane::settlsa)),
    (c"shutdown", |push| push.method(crate::tcp::shutdown)),
    (c"sni", |push| push.method(super::names::sni)),
    (c"want", |push| push.method(want)),
    (c"exportkeyingmaterial", |push| {
        push.method(super::peer::exportkeyingmaterial)
    }),
    (c"getalpn", |push| push.method(super::peer::getalpn)),
    (c"getfinished", |push| push.method(super::peer::getfinished)),
    (c"getlocalcertificate", |push| {
        push.method(super::peer::getlocalcertificate)
    }),
    (c"getlocalchain", |push| {
        push.method(super::peer::getlocalchain)
    }),
    (c"getpeercertificate", |push| {
        push.method(super::peer::getpeercertificate)
    }),
    (c"getpeerchain", |push| {
        push.method(super::peer::getpeerchain)
    }),
    (c"getpeerfinished", |push| {
        push.method(super::peer::getpeerfinished)
    }),
    (c"getpeerverification", |push| {
        push.method(super::peer::getpeerverification)
    }),
    (c"getsniname", |push| push.method(super::names::getsniname)),
    (c"info", |push| push.method(super::peer::info)),
];

/// Methods that wait, and the same on the inner object, where they only try.
pub(crate) const BLOCKING: &[Blocking] = &[
    (
        c"receive",
        |push| push.method(crate::tcp::receive::<false>),
        |push| push.method(crate::tcp::receive::<true>),
    ),
    (
        c"send",
        |push| push.method(crate::tcp::send::<false>),
        |push| push.method(crate::tcp::send::<true>),
    ),
];

/// What the Lua part builds on, beside the methods.
pub(crate) const NATIVE: &[Plain] = &[
    (c"wrap", |push| push.method_with_names(&socket::NAMES, wrap)),
    (c"question", |push| {
        push.method_with_names(&socket::NAMES, super::names::question)
    }),
    (c"answer", |push| {
        push.method_with_names(&socket::NAMES, super::names::answer)
    }),
    (c"contexts", |push| push.method(super::context::open)),
    (c"dohandshake", |push| {
        push.method_with_names(&socket::NAMES, handshake::<false>)
    }),
    (c"try_handshake", |push| {
        push.method_with_names(&socket::NAMES, handshake::<true>)
    }),
];

/// Fills the table of the methods of inner objects.
pub(super) fn fill_inner(lua: State, runtime: &Runtime) -> c_int {
    classes::fill_inner(lua, runtime, PLAIN, BLOCKING, || {
        shims::push_later(lua, runtime, super::FUNCTIONS, c"try_handshake");
        lua.raw_set_field(-2, c"dohandshake");
    })
}

/// Looks at the session of a TLS connection, if it has one.
pub(super) fn look<T>(
    lua: State,
    runtime: &Runtime,
    socket: &Tcp,
    look: impl FnOnce(&Session) -> T,
) -> Option<T> {
    runtime.enter(lua, |_| socket.borrow().session().map(look))
}

/// Changes the session of a TLS connection, if it has one.
pub(super) fn change<T>(
    lua: State,
    runtime: &Runtime,
    socket: &Tcp,
    change: impl FnOnce(&mut Session) -> T,
) -> Option<T> {
    runtime.enter(lua, |_| socket.borrow_mut().session_mut().map(change))
}

/// [`look`], where the handshake is complete and the connection open.
pub(super) fn look_open<T>(
    lua: State,
    runtime: &Runtime,
    socket: &Tcp,
    look: impl FnOnce(&Session) -> T,
) -> Option<T> {
    runtime.enter(lua, |_| {
        let socket = socket.borrow();
        let session = socket.session().filter(|session| session.is_open());
        session.map(look)
    })
}

/// Pushes nil and "closed": what most methods say before the handshake and after the end.
pub(super) fn closed(lua: State) -> c_int {
    lua.push_nil();
    lua.push_str("closed");
    2
}

/// Pushes false and the error's word: the way a handshake fails.
fn fail_handshake(lua: State, runtime: &Runtime, error: SocketError) -> c_int {
    outcome::push(lua, runtime, Outcome::Failed(error), Shape::Handshake, 0, 0)
}

/// `wrap(tcp, context)`, the native part: a TLS object on the connection, which the TCP object gives
/// away. Pushes nothing for a socket that is not ours.
fn wrap(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::wrapped(lua, "wrap");
    lua.set_top(2);
    let invalid_context = || -> ! {
        let called = Called {
            name: "create",
            ..called
        };
        refuse(lua, called, 1, format_args!("invalid context"))
    };
    if lua.userdata(2, CONTEXT).is_none() {
        invalid_context();
    }
    match lua.kind(1) {
        Kind::Userdata => lua.push_value(1),
        Kind::Table => lua.get_field(1, c"inner_sock"),
        _ => refuse_kind(lua, called, 1, "socket"),
    }
    if lua.userdata(3, UDP).is_some() {
        let why = format_args!("connection expected, got a UDP socket");
        refuse(lua, called, 1, why);
    }
    let Some(socket) = lua.userdata(3, TCP) else {
        return 0;
    };
    if socket.borrow().class() == TcpClass::Server {
        let why = format_args!("connection expected, got a listener");
        refuse(lua, called, 1, why);
    }
    // Before the connection, which nobody would have where there is no memory for its object.
    push_object(lua, runtime);
    lua.raw_get_field(-1, c"inner_sock");
    // Only now, for looking at the object, or making one, may have ended it.
    let Some(context) = lua.userdata(2, CONTEXT) else {
        invalid_context();
    };
    let (Some(socket), Some(inner)) = (lua.userdata(3, TCP), lua.userdata(-1, TCP)) else {
        return closed(lua);
    };
    take_back(lua, runtime, socket);
    let wrapped = runtime.enter(lua, |core| {
        *inner.borrow_mut() = socket.borrow_mut().wrap(context, &mut core.reactor)?;
        Ok(())
    });
    match wrapped {
        Ok(()) => {
            lua.pop(1);
            1
        }
        Err(error) => outcome::fail(lua, runtime, error),
    }
}

/// Pushes an object whose context is argument 2, and which gets the connection of the TCP object that is argument 1,
/// from which it inherits the timeout.
fn push_object(lua: State, runtime: &Runtime) {
    let kept = runtime.kept.get();
    lua.new_table(0, 3);
    let object = lua.top();
    lua.push_userdata_with_room(TCP, || {
        arguments::check_memory(lua);
        Tcp::new(TcpSocket::new().into())
    });
    lua.push_kept(kept.ssl.inner_meta);
    lua.set_metatable(-2);
    // Its context goes with it, for the function that chooses a protocol.
    lua.new_table(0, 2);
    lua.push_value(2);
    lua.raw_set_field(-2, c"context");
    lua.set_user_table(-2);
    lua.raw_set_field(object, c"inner_sock");
    lua.push_str("tls{}");
    lua.raw_set_field(object, c"class");
    if lua.kind(1) == Kind::Table {
        lua.raw_get_field(1, c"timeout");
        lua.raw_set_field(object, c"timeout");
    }
    lua.push_kept(kept.ssl.object_meta);
    lua.set_metatable(object);
}

/// `dohandshake()`, the native part: `true`; `false` and why; nil alone when it asks which protocol
/// to choose.
fn handshake<const INNER: bool>(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::wrapped(lua, "dohandshake");
    let Some(socket) = tcp(lua, called) else {
        return socket::wait_on_foreign(lua, runtime, called, c"dohandshake");
    };
    let inner = lua.top();
    if !socket.borrow().is_encrypted() {
        refuse(lua, called, 1, format_args!("SSL:Connection expected"));
    }
    match runtime.enter(lua, |core| socket.borrow_mut().handshake(&mut core.reactor)) {
        Step::Done(Ok(Handshake::Complete)) => {
            lua.push_bool(true);
            1
        }
        Step::Done(Ok(Handshake::Asks)) => {
            lua.push_nil();
            1
        }
        Step::Done(Err(error)) => fail_handshake(lua, runtime, error),
        Step::Wait { interest, .. } if INNER => {
            let error = socket.borrow().timeout_error(interest);
            fail_handshake(lua, runtime, error)
        }
        Step::Wait { interest, progress } => {
            let wait = Wait {
                interest,
                progress,
                shape: Shape::Handshake,
                extra: 0,
                inner,
            };
            // A handshake that would block has just asked the system.
            let blocked = wait::block(lua, runtime, wait, true, || {
                let socket = Tcp::clone(socket);
                Some(Operation::Handshake { socket })
            });
            match blocked {
                Blocked::Parked(yielded) => yielded,
                Blocked::Again | Blocked::Protocol => {
                    lua.set_top(called.count);
                    go_on_in_lua(lua, runtime, c"dohandshake", called.count)
                }
            }
        }
    }
}

fn close(lua: State, runtime: &Runtime) -> c_int {
    let socket = own_or_return!(tcp, lua, Called::direct(lua, "close"));
    runtime.enter(lua, |core| socket.borrow_mut().close(&mut core.reactor));
    0
}

fn dirty(lua: State, runtime: &Runtime) -> c_int {
    let socket = own_or_return!(tcp, lua, Called::direct(lua, "dirty"));
    take_back(lua, runtime, socket);
    let dirty = runtime.enter(lua, |_| socket.borrow_mut().is_dirty());
    lua.push_bool(dirty);
    1
}

fn want(lua: State, runtime: &Runtime) -> c_int {
    let socket = own_or_return!(tcp, lua, Called::direct(lua, "want"));
    let want = look(lua, runtime, socket, Session::want);
    lua.push_str(want.unwrap_or("nothing"));
    1
}

/// `__tostring` of the inner object.
pub(crate) fn to_string(lua: State, _: &Runtime) -> c_int {
    let identity = lua.identity(1);
    let open = lua
        .userdata(1, TCP)
        .is_some_and(|socket: &Tcp| socket.borrow().session().is_some());
    let closed = if open { "" } else { " (closed)" };
    arguments::push_format(lua, format_args!("SSL connection: {identity:#x}{closed}"));
    1
}
