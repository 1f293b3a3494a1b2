//! `send`: what the system takes at once, or a task that waits until it takes more.

use std::ffi::c_int;

use cosock_core::error::SocketError;
use cosock_core::operation::{Operation, Outcome, Part};
use cosock_core::socket::{Progress, Step, Tcp, TcpClass};

use super::check_class;
use crate::arguments::{self, Called};
use crate::ffi::State;
use crate::outcome;
use crate::runtime::{Runtime, Shape};
use crate::socket::{self, still, tcp, wait_on_foreign};
use crate::wait::{self, Blocked, Wait, go_on_in_lua};

/// The range that `send` is asked for: bytes `base..end`, both counted from the start of the data.
fn range(lua: State, called: Called, length: usize) -> (usize, usize) {
    let size = length as f64;
    let bound = |argument, default: f64| {
        let number = arguments::number_or(lua, called, argument, default).trunc();
        if number < 0.0 {
            size + number + 1.0
        } else {
            number
        }
    };
    let first = bound(3, 1.0).max(1.0);
    let last = bound(4, -1.0).min(size);
    let base = (first - 1.0).min(9.2e18) as usize;
    (base, (last.max(0.0) as usize).max(base))
}

/// `send(data, first, last)`.
pub(crate) fn send<const INNER: bool>(lua: State, runtime: &Runtime) -> c_int {
    // All of a string, by far the most frequent, needs no look at further arguments.
    if lua.top() == 2 {
        return send_whole::<INNER>(lua, runtime);
    }
    let called = Called::blocking::<INNER>(lua, "send");
    let Some(socket) = tcp(lua, called) else {
        return wait_on_foreign(lua, runtime, called, c"send");
    };
    let finalized = runtime.finalized.get();
    let data = arguments::bytes(lua, called, 2);
    let socket = still(lua, runtime, called, finalized, socket);
    check_class(lua, socket, TcpClass::Client, called);
    let (base, end) = if lua.is_nil(3) && lua.is_nil(4) {
        (0, data.len())
    } else {
        range(lua, called, data.len())
    };
    let part = if base < data.len() {
        &data[base..end.min(data.len())]
    } else {
        &[]
    };
    let mut next = 0;
    let step = runtime.enter(lua, |core| {
        socket.borrow_mut().send(part, &mut next, &mut core.reactor)
    });
    go_on::<INNER>(lua, runtime, socket, base, part, next, step)
}

/// `send(data)`.
#[inline(always)]
fn send_whole<const INNER: bool>(lua: State, runtime: &Runtime) -> c_int {
    let called = const { Called::blocking_with::<INNER>("send", 2) };
    let Some(socket) = socket::tcp_here(lua, called) else {
        return wait_on_foreign(lua, runtime, called, c"send");
    };
    let finalized = runtime.finalized.get();
    let data = arguments::bytes(lua, called, 2);
    let socket = still(lua, runtime, called, finalized, socket);
    check_class(lua, socket, TcpClass::Client, called);
    let mut next = 0;
    let step = runtime.enter(lua, |core| {
        socket.borrow_mut().send(data, &mut next, &mut core.reactor)
    });
    if let Step::Done(Ok(())) = step {
        return push_all(lua, data.len());
    }
    go_on::<INNER>(lua, runtime, socket, 0, data, next, step)
}

/// Pushes the results of a send whose last byte has this place.
#[inline]
fn push_all(lua: State, last: usize) -> c_int {
    // No place is 2^63, and signed numbers are converted at less cost.
    lua.push_number(last as i64 as f64);
    lua.push_nil();
    lua.push_nil();
    3
}

/// Sends `part`, which lies in the data after `base`, to its end: what is before `next` is sent, and the last try
/// has come to `step`. The inner socket is on top.
#[inline(never)]
fn go_on<const INNER: bool>(
    lua: State,
    runtime: &Runtime,
    socket: &Tcp,
    base: usize,
    part: &[u8],
    mut next: usize,
    mut step: Step<Result<(), SocketError>>,
) -> c_int {
    let inner = lua.top();
    let mut asked = false;
    loop {
        let (interest, progress) = match step {
            Step::Done(Ok(())) => return push_all(lua, base + next),
            Step::Done(Err(error)) => {
                let outcome = Outcome::Sent(base + next, Some(error));
                return outcome::push(lua, runtime, outcome, Shape::Sent, 1, 0);
            }
            Step::Wait { interest, progress } if INNER && asked && progress != Progress::Pause => {
                let error = socket.borrow().timeout_error(interest);
                let outcome = Outcome::Sent(base + next, Some(error));
                return outcome::push(lua, runtime, outcome, Shape::Sent, 1, 0);
            }
            Step::Wait { interest, progress } => (interest, progress),
        };
        if !(INNER && progress == Progress::Pause) {
            let operation = || {
                let socket = Tcp::clone(socket);
                let part = Box::new(Part {
                    start: base,
                    end: base + part.len(),
                    sent: next,
                });
                Some(Operation::Send { socket, part })
            };
            let blocked = if INNER {
                wait::doubt(lua, runtime, operation)
            } else {
                let wait = Wait {
                    interest,
                    progress,
                    shape: Shape::Sent,
                    extra: 2,
                    inner,
                };
                wait::block(lua, runtime, wait, asked, operation)
            };
            match blocked {
                Blocked::Parked(yielded) => return yielded,
                Blocked::Again => asked = true,
                Blocked::Protocol => {
                    lua.set_top(2);
                    lua.push_integer((base + next + 1) as i64);
                    lua.push_integer((base + part.len()) as i64);
                    return go_on_in_lua(lua, runtime, c"send", 4);
                }
            }
        }
        step = runtime.enter(lua, |core| {
            socket.borrow_mut().send(part, &mut next, &mut core.reactor)
        });
    }
}
