//! Datagrams: sent, received, or a task that waits for one.

use std::ffi::c_int;

use cosock_core::error::SocketError;
use cosock_core::netdb::{self, Hints, SocketKind};
use cosock_core::operation::{Operation, Outcome};
use cosock_core::socket::{Step, Udp, UdpClass};

use super::{check_class, fail};
use crate::arguments::{self, Called};
use crate::ffi::State;
use crate::outcome;
use crate::runtime::{Runtime, Shape};
use crate::socket::{self, call_inner, udp};
use crate::tcp::foreign;
use crate::wait::{self, Blocked, Wait, go_on_in_lua};

/// How many bytes of a datagram are received where the program does not say, as in LuaSocket.
const DATAGRAM_SIZE: f64 = 8192.0;

fn push_sent(lua: State, runtime: &Runtime, result: Result<usize, SocketError>) -> c_int {
    match result {
        Ok(length) => {
            lua.push_number(length as f64);
            1
        }
        Err(error) => fail(lua, runtime, error),
    }
}

pub(super) fn send(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "send");
    let socket = own!(lua, called);
    check_class(lua, socket, UdpClass::Connected, called);
    let data = arguments::bytes(lua, called, 2);
    let result = runtime.enter(lua, |core| {
        socket.borrow_mut().send(data, None, &mut core.reactor)
    });
    push_sent(lua, runtime, result)
}

pub(super) fn sendto(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "sendto");
    let socket = own!(lua, called);
    check_class(lua, socket, UdpClass::Unconnected, called);
    let data = arguments::bytes(lua, called, 2);
    let host = arguments::bytes(lua, called, 3);
    let family = socket.borrow().family();
    let send = |to| {
        let result = runtime.enter(lua, |core| {
            socket.borrow_mut().send(data, to, &mut core.reactor)
        });
        push_sent(lua, runtime, result)
    };
    // The port that `receivefrom` gave: an integer, which needs no text.
    let port = lua.integer(4).and_then(|port| u16::try_from(port).ok());
    if let Some(to) = port.and_then(|port| netdb::literal(host, port, family)) {
        return send(Some(to));
    }
    let service = arguments::bytes(lua, called, 4);
    let hints = Hints {
        family,
        numeric_only: true,
        ..Hints::new(SocketKind::Udp)
    };
    // Numeric addresses only, as in LuaSocket: nothing here may wait.
    match netdb::addresses(host, service, hints) {
        Ok(addresses) => {
            let to = addresses.first().copied();
            drop(addresses);
            send(to)
        }
        Err(error) => {
            let text = error.resolver_text();
            lua.push_nil();
            runtime.pins.push_text(lua, text);
            2
        }
    }
}

pub(super) fn receive<const INNER: bool, const FROM: bool>(lua: State, runtime: &Runtime) -> c_int {
    let name = if FROM { "receivefrom" } else { "receive" };
    let shim = if FROM {
        c"receivefrom"
    } else {
        c"receive_datagram"
    };
    let called = Called::blocking::<INNER>(lua, name);
    // Without a size, as most often, there is no further argument to look at.
    let plain = called.count == 1;
    let found = if plain {
        socket::udp_here(lua, called)
    } else {
        udp(lua, called)
    };
    let Some(socket) = found else {
        return foreign(lua, runtime, called, shim);
    };
    if FROM {
        check_class(lua, socket, UdpClass::Unconnected, called);
    }
    let size = if plain {
        DATAGRAM_SIZE
    } else {
        arguments::number_or(lua, called, 2, DATAGRAM_SIZE)
    };
    if size.is_nan() || size < 0.0 {
        return fail(lua, runtime, SocketError::Text("out of memory"));
    }
    let size = size as usize;
    let shape = Shape::Datagram { from: FROM };
    let operation = || {
        let socket = Udp::clone(socket);
        Some(Operation::Datagram { socket, size })
    };
    let mut asked = false;
    loop {
        let step = runtime.enter(lua, |core| {
            socket.borrow_mut().receive(size, &mut core.reactor)
        });
        let (interest, progress) = match step {
            Step::Done(Ok(datagram)) => {
                return outcome::push(lua, runtime, Outcome::Datagram(datagram), shape, 1, 0);
            }
            Step::Done(Err(error)) => return fail(lua, runtime, error),
            Step::Wait { .. } if INNER && asked => {
                return fail(lua, runtime, SocketError::Timeout);
            }
            Step::Wait { interest, progress } => (interest, progress),
        };
        let blocked = if INNER {
            wait::doubt(lua, runtime, operation)
        } else {
            let wait = Wait {
                interest,
                progress,
                shape,
                extra: 0,
            };
            wait::block(lua, runtime, wait, asked, operation)
        };
        match blocked {
            Blocked::Parked(yielded) => return yielded,
            Blocked::Again => asked = true,
            Blocked::Protocol => {
                lua.set_top(called.count);
                return go_on_in_lua(lua, runtime, shim, called.count);
            }
        }
    }
}
