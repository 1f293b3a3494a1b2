//! `send`: what the system takes at once, or a task that waits until it takes more.

use std::ffi::c_int;

use cosock_core::operation::{Operation, Outcome};
use cosock_core::socket::{Progress, Step, Tcp, TcpClass};

use super::{check_class, foreign};
use crate::arguments::{self, Called};
use crate::ffi::State;
use crate::outcome;
use crate::runtime::{Runtime, Shape};
use crate::socket::{self, tcp};
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
    let called = Called::blocking::<INNER>(lua, "send");
    // All of a string, by far the most frequent, needs no look at further arguments.
    let plain = called.count == 2;
    let found = if plain {
        socket::tcp_here(lua, called)
    } else {
        tcp(lua, called)
    };
    let Some(socket) = found else {
        return foreign(lua, runtime, called, c"send");
    };
    let data = arguments::bytes(lua, called, 2);
    check_class(lua, socket, TcpClass::Client, called);
    let whole = plain || (lua.is_nil(3) && lua.is_nil(4));
    let (base, end) = if whole {
        (0, data.len())
    } else {
        range(lua, called, data.len())
    };
    let part = if base < data.len() {
        &data[base..end.min(data.len())]
    } else {
        &[]
    };
    let shape = Shape::Sent {
        base,
        end: base + part.len(),
    };
    let mut next = 0;
    let mut asked = false;
    loop {
        let step = runtime.enter(lua, |core| {
            socket.borrow_mut().send(part, &mut next, &mut core.reactor)
        });
        let (interest, progress) = match step {
            Step::Done(Ok(())) => {
                lua.push_number((base + next) as f64);
                lua.push_nil();
                lua.push_nil();
                return 3;
            }
            Step::Done(result) => {
                let outcome = Outcome::Sent(next, result.err());
                return outcome::push(lua, runtime, outcome, shape, 1, 0);
            }
            Step::Wait {
                progress: Progress::Pause,
                ..
            } if INNER => continue,
            Step::Wait { interest, .. } if INNER && asked => {
                let error = socket.borrow().timeout_error(interest);
                let outcome = Outcome::Sent(next, Some(error));
                return outcome::push(lua, runtime, outcome, shape, 1, 0);
            }
            Step::Wait { interest, progress } => (interest, progress),
        };
        let operation = || {
            let socket = Tcp::clone(socket);
            Some(Operation::Send { socket, next })
        };
        let blocked = if INNER {
            wait::doubt(lua, runtime, operation)
        } else {
            let wait = Wait {
                interest,
                progress,
                shape,
                extra: 2,
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
}
