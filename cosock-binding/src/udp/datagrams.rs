//! Datagrams: sent, received, or a task that waits for one.

use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;
use std::net::SocketAddr;

use cosock_core::error::SocketError;
use cosock_core::netdb::{self, Family, Hints, LookupError, SocketKind};
use cosock_core::operation::{Operation, Outcome};
use cosock_core::reactor::Interest;
use cosock_core::scheduler::NextDatagram;
use cosock_core::socket::{DATAGRAM_SIZE, Datagram, Progress, Room, Step, Udp, UdpClass};

use super::check_class;
use crate::addresses::push_sender;
use crate::arguments::{self, Called, DIRECT};
use crate::ffi::{Kind, State};
use crate::outcome::{self, fail};
use crate::runtime::{Runtime, Shape, UDP};
use crate::socket::{call_inner, inner_fd, raise_waited, still, udp_with, wait_on_foreign};
use crate::wait::{self, Blocked, Wait, go_on_in_lua};

/// Pushes what a send to this address, or to the peer, has come to. The inner socket is at `inner`.
#[inline]
fn push_sent(
    lua: State,
    runtime: &Runtime,
    result: Result<usize, SocketError>,
    to: Option<SocketAddr>,
    inner: c_int,
) -> c_int {
    match result {
        Ok(length) => {
            // Signed numbers are converted at less cost.
            lua.push_number(length as i64 as f64);
            1
        }
        Err(SocketError::Timeout) => wait_for_room(lua, runtime, to, inner),
        Err(error) => fail(lua, runtime, error),
    }
}

/// Waits until the system has room for a datagram, where that is possible; elsewhere there is a timeout at once.
#[cold]
#[inline(never)]
fn wait_for_room(lua: State, runtime: &Runtime, to: Option<SocketAddr>, inner: c_int) -> c_int {
    let interest = Interest::Write;
    if lua.kind(1) != Kind::Table {
        return fail(lua, runtime, SocketError::Timeout);
    }
    // Here, for no Lua function stands in front of this one on any version.
    let fd = inner_fd(lua, runtime, 1);
    let object = lua.identity(1);
    if runtime.enter(lua, |core| {
        core.reactor.is_object_waited(fd, interest, object)
    }) {
        raise_waited(lua, DIRECT, interest);
    }
    let wait = Wait {
        interest,
        progress: Progress::None,
        shape: Shape::SentDatagram,
        extra: 2,
        inner,
    };
    let operation = || {
        let socket = Udp::clone(lua.userdata(inner, UDP)?);
        let to = to.map(Box::new);
        Some(Operation::SendDatagram { socket, to })
    };
    match wait::block(lua, runtime, wait, true, operation) {
        Blocked::Parked(yielded) => yielded,
        // Without a Lua function in front, it cannot go on in Lua there.
        _ if !cfg!(continuations) || lua.push_self() => fail(lua, runtime, SocketError::Timeout),
        _ if to.is_some() => {
            lua.set_top(4);
            go_on_in_lua(lua, runtime, c"sendto", 4)
        }
        _ => {
            lua.set_top(2);
            go_on_in_lua(lua, runtime, c"send_datagram", 2)
        }
    }
}

/// Has a foreign inner socket send, which is on top, and waits as long as it has no room, where that is possible.
fn send_on_foreign(lua: State, runtime: &Runtime, called: Called, shim: &CStr) -> c_int {
    if cfg!(continuations) && lua.kind(1) == Kind::Table {
        wait_on_foreign(lua, runtime, called, shim)
    } else {
        call_inner(lua, called)
    }
}

pub(super) fn send(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "send");
    let Some(socket) = udp_with(lua, called, 2) else {
        return send_on_foreign(lua, runtime, called, c"send_datagram");
    };
    let inner = lua.top();
    check_class(lua, socket, UdpClass::Connected, called);
    let finalized = runtime.finalized.get();
    let data = arguments::bytes(lua, called, 2);
    let socket = still(lua, runtime, called, finalized, socket);
    let result = runtime.enter(lua, |core| {
        socket.borrow_mut().send(data, None, &mut core.reactor)
    });
    push_sent(lua, runtime, result, None, inner)
}

pub(super) fn sendto(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "sendto");
    let Some(mut socket) = udp_with(lua, called, 4) else {
        return send_on_foreign(lua, runtime, called, c"sendto");
    };
    let inner = lua.top();
    check_class(lua, socket, UdpClass::Unconnected, called);
    let finalized = runtime.finalized.get();
    let data = arguments::bytes(lua, called, 2);
    let host = arguments::bytes(lua, called, 3);
    socket = still(lua, runtime, called, finalized, socket);
    let family = socket.borrow().family();
    // The port that `receivefrom` gave: an integer, which needs no text.
    let port = lua.integer(4).and_then(|port| u16::try_from(port).ok());
    let quickly = port.and_then(|port| match runtime.last_sender.told_as(host) {
        Some(ip) => netdb::of_family(ip, port, family),
        None => netdb::literal(host, port, family),
    });
    let to = match quickly {
        Some(to) => to,
        None => match address(lua, called, host, family) {
            Ok(to) => {
                socket = still(lua, runtime, called, finalized, socket);
                to
            }
            Err(error) => {
                let text = error.resolver_text();
                lua.push_nil();
                runtime.pins.push_text(lua, text);
                return 2;
            }
        },
    };
    let result = runtime.enter(lua, |core| {
        socket.borrow_mut().send(data, Some(to), &mut core.reactor)
    });
    push_sent(lua, runtime, result, Some(to), inner)
}

/// The address of a numeric host and the port in argument 4; of no other, as in LuaSocket: nothing here may wait.
#[inline(never)]
fn address(
    lua: State,
    called: Called,
    host: &[u8],
    family: Family,
) -> Result<SocketAddr, LookupError> {
    let service = arguments::bytes(lua, called, 4);
    let hints = Hints {
        family,
        numeric_only: true,
        ..Hints::new(SocketKind::Udp)
    };
    let addresses = netdb::addresses(host, service, hints)?;
    addresses.first().copied().ok_or(LookupError::NO_NAME)
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
    let Some(socket) = udp_with(lua, called, if plain { 1 } else { 2 }) else {
        return wait_on_foreign(lua, runtime, called, shim);
    };
    let inner = lua.top();
    if FROM {
        check_class(lua, socket, UdpClass::Unconnected, called);
    }
    let size = if plain {
        DATAGRAM_SIZE
    } else {
        let size = arguments::number_or(lua, called, 2, DATAGRAM_SIZE as f64);
        if size.is_nan() || size < 0.0 {
            return fail(lua, runtime, SocketError::Text("out of memory"));
        }
        size as usize
    };
    let shape = Shape::Datagram { from: FROM };
    let operation = || Some(NextDatagram { socket, size });
    let mut asked = false;
    loop {
        let (interest, progress) = match attempt::<FROM>(lua, runtime, socket, size) {
            Step::Done(results) => return results,
            Step::Wait {
                progress: Progress::Pause,
                ..
            } if INNER => continue,
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
                inner,
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

/// Tries to receive once; pushes what has come of it, and tells how many values that is.
#[inline(never)]
fn attempt<const FROM: bool>(
    lua: State,
    runtime: &Runtime,
    socket: &Udp,
    size: usize,
) -> Step<c_int> {
    if size > DATAGRAM_SIZE {
        return attempt_large(lua, runtime, socket, size, FROM);
    }
    let mut room: Room = [MaybeUninit::uninit(); DATAGRAM_SIZE];
    let step = runtime.enter(lua, |core| {
        let mut socket = socket.borrow_mut();
        socket.receive_to(&mut room[..size], FROM, &mut core.reactor)
    });
    step.map(|result| match result {
        Ok(datagram) => push_datagram(lua, runtime, datagram),
        Err(error) => fail(lua, runtime, error),
    })
}

/// The same, for a datagram that is too large for the stack.
#[inline(never)]
fn attempt_large(
    lua: State,
    runtime: &Runtime,
    socket: &Udp,
    size: usize,
    from: bool,
) -> Step<c_int> {
    let step = runtime.enter(lua, |core| {
        socket.borrow_mut().receive(size, &mut core.reactor)
    });
    step.map(|result| {
        let outcome = result.map_or_else(Outcome::Failed, Outcome::Datagram);
        outcome::push(lua, runtime, outcome, Shape::Datagram { from }, 1, 0)
    })
}

/// Pushes what has come, and the sender's address if that was asked for; tells how many values that is.
#[inline(always)]
pub(crate) fn push_datagram(lua: State, runtime: &Runtime, datagram: Datagram<&[u8]>) -> c_int {
    lua.push_bytes(datagram.data);
    match datagram.from {
        Some(sender) => {
            push_sender(lua, runtime, sender);
            3
        }
        None => 1,
    }
}
