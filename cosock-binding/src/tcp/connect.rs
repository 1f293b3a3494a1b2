//! Where connections come from: `connect` and `accept`.

use std::ffi::c_int;

use cosock_core::error::SocketError;
use cosock_core::netdb::{Hints, SocketKind};
use cosock_core::operation::{Operation, Outcome, Then};
use cosock_core::reactor::Interest;
use cosock_core::socket::{Attempt, Step, Tcp, TcpClass, TcpSocket};

use super::{check_class, push_object, take_back};
use crate::arguments::{self, Called};
use crate::dns::{self, Begun};
use crate::ffi::State;
use crate::outcome::{self, fail};
use crate::runtime::{Runtime, Shape, TCP};
use crate::socket::{still, tcp, wait_on_foreign};
use crate::wait::{self, Blocked, Wait, go_on_in_lua};

/// `accept()`.
pub(super) fn accept<const INNER: bool>(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::blocking::<INNER>(lua, "accept");
    let Some(socket) = tcp(lua, called) else {
        return wait_on_foreign(lua, runtime, called, c"accept");
    };
    let inner = lua.top();
    check_class(lua, socket, TcpClass::Server, called);
    let finalized = runtime.finalized.get();
    if !runtime.running.get() && accept_in_place::<INNER>(lua, runtime, inner) {
        return 1;
    }
    let socket = still(lua, runtime, called, finalized, socket);
    match runtime.enter(lua, |core| socket.borrow_mut().accept(&mut core.reactor)) {
        Step::Done(Ok(accepted)) => {
            let outcome = Outcome::Accepted(Box::new(accepted));
            if INNER {
                runtime.keep_outcome(outcome);
                push_inner(lua, runtime, || runtime.take_connection());
                return 1;
            }
            outcome::push(lua, runtime, outcome, Shape::Accepted, 1, 0)
        }
        Step::Done(Err(error)) => fail(lua, runtime, error),
        Step::Wait { .. } if INNER => fail(lua, runtime, SocketError::Timeout),
        Step::Wait { interest, progress } => {
            let wait = Wait {
                interest,
                progress,
                shape: Shape::Accepted,
                extra: 0,
                inner,
            };
            // `accept` has just asked the system.
            let blocked = wait::block(lua, runtime, wait, true, || {
                let socket = Tcp::clone(socket);
                Some(Operation::Accept { socket })
            });
            match blocked {
                Blocked::Parked(yielded) => yielded,
                Blocked::Again | Blocked::Protocol => {
                    lua.set_top(called.count);
                    go_on_in_lua(lua, runtime, c"accept", called.count)
                }
            }
        }
    }
}

/// Accepts a connection on the inner socket at `inner` into an object that is made before, and pushes that; tells
/// whether there was one. A connection that waits to become an object stays open where an error leaves it, until `run`
/// sees to it, which here does not run.
fn accept_in_place<const INNER: bool>(lua: State, runtime: &Runtime, inner: c_int) -> bool {
    if INNER {
        push_inner(lua, runtime, TcpSocket::new);
        lua.push_value(-1);
    } else {
        push_object(lua, runtime, TcpSocket::new);
        lua.raw_get_field(-1, c"inner_sock");
    }
    let accepted = match (lua.userdata(inner, TCP), lua.userdata(-1, TCP)) {
        (Some(listener), Some(place)) => runtime.enter(lua, |core| {
            let accepted = listener.borrow_mut().accept(&mut core.reactor);
            let Step::Done(Ok(accepted)) = accepted else {
                return false;
            };
            *place.borrow_mut() = accepted;
            true
        }),
        _ => false,
    };
    if accepted {
        lua.pop(1);
        outcome::refresh_class(lua, -1);
    } else {
        lua.set_top(inner);
    }
    accepted
}

/// Pushes an inner socket without an object.
fn push_inner(lua: State, runtime: &Runtime, make: impl FnOnce() -> TcpSocket) {
    lua.push_userdata(TCP, || {
        arguments::check_memory(lua);
        Tcp::new(make().into())
    });
    lua.push_kept(runtime.kept.get().tcp_inner_meta);
    lua.set_metatable(-2);
}

/// `connect(address, port)`.
pub(super) fn connect<const INNER: bool>(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::blocking::<INNER>(lua, "connect");
    let Some(socket) = tcp(lua, called) else {
        return wait_on_foreign(lua, runtime, called, c"connect");
    };
    let inner = lua.top();
    take_back(lua, runtime, socket);
    let finalized = runtime.finalized.get();
    let address = arguments::bytes(lua, called, 2);
    let service = arguments::bytes(lua, called, 3);
    let socket = still(lua, runtime, called, finalized, socket);
    let is_taken = {
        let socket = socket.borrow();
        socket.raw_fd() >= 0 && (socket.class() == TcpClass::Server || socket.is_encrypted())
    };
    if is_taken {
        return fail(lua, runtime, SocketError::Text("already connected"));
    }
    let family = socket.borrow().family();
    let hints = Hints {
        family,
        ..Hints::new(SocketKind::Tcp)
    };
    let address = dns::any(address, family);
    let begun = if INNER {
        dns::at_once(address, service, hints)
    } else {
        dns::begin(lua, runtime, address, service, hints)
    };
    match begun {
        Ok(addresses) => connect_to(lua, runtime, called, socket, Attempt::new(addresses), INNER),
        Err(Begun::Failed(error)) => {
            socket.borrow_mut().become_client();
            let outcome = Outcome::Failed(error.into());
            outcome::push(lua, runtime, outcome, Shape::Connected, 1, 0)
        }
        Err(Begun::Wanted(wanted)) => {
            socket.borrow_mut().become_client();
            let timeout = wait::object_timeout(lua);
            // Looking at the object may have ended its inner socket.
            let Some(socket) = lua.userdata(inner, TCP) else {
                return fail(lua, runtime, SocketError::Closed);
            };
            let then = Then::Connect(Tcp::clone(socket));
            dns::park(lua, runtime, wanted, then, Shape::Connected, timeout)
        }
    }
}

fn connect_to(
    lua: State,
    runtime: &Runtime,
    called: Called,
    socket: &Tcp,
    mut attempt: Attempt,
    inner_only: bool,
) -> c_int {
    match runtime.enter(lua, |core| {
        socket.borrow_mut().connect(&mut attempt, &mut core.reactor)
    }) {
        Step::Done(result) => {
            drop(attempt);
            let outcome = Outcome::from(result);
            outcome::push(lua, runtime, outcome, Shape::Connected, 1, 0)
        }
        Step::Wait { .. } if inner_only => {
            drop(attempt);
            fail(lua, runtime, SocketError::Timeout)
        }
        Step::Wait { interest, progress } => {
            debug_assert_eq!(interest, Interest::Write);
            let number = runtime.stage(Operation::Connect {
                socket: Tcp::clone(socket),
                attempt: Box::new(attempt),
            });
            let wait = Wait {
                interest,
                progress,
                shape: Shape::Connected,
                extra: 0,
                // The staged operation has its own share of the socket.
                inner: 0,
            };
            match wait::block(lua, runtime, wait, true, || runtime.staged(number)) {
                Blocked::Parked(yielded) => yielded,
                Blocked::Again | Blocked::Protocol => {
                    drop(runtime.staged(number));
                    lua.set_top(called.count);
                    go_on_in_lua(lua, runtime, c"connect", called.count)
                }
            }
        }
    }
}
