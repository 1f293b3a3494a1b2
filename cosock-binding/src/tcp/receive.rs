//! `receive`: what is there already, or a task that waits for it.

use std::ffi::c_int;

use cosock_core::buffer::Pattern;
use cosock_core::operation::{Operation, Outcome};
use cosock_core::socket::{Progress, Step, Tcp, TcpClass};

use super::{check_class, foreign};
use crate::arguments::{self, Called, refuse};
use crate::ffi::{Kind, State};
use crate::outcome;
use crate::runtime::{Runtime, Shape};
use crate::socket::{self, tcp};
use crate::wait::{self, Blocked, Wait, go_on_in_lua};
/// Reads the pattern in argument 2, less what a prefix of `prefix` bytes has already.
fn pattern(lua: State, called: Called, prefix: usize) -> Pattern {
    match lua.kind(2) {
        Kind::None | Kind::Nil => Pattern::Line,
        Kind::Number => count(lua, called, prefix),
        Kind::String => match arguments::bytes(lua, called, 2) {
            [b'*', b'l', ..] | b"l" => Pattern::Line,
            [b'*', b'a', ..] | b"a" => Pattern::All,
            _ if lua.to_number(2).is_some() => count(lua, called, prefix),
            _ => refuse(lua, called, 2, format_args!("invalid receive pattern")),
        },
        _ => arguments::refuse_kind(lua, called, 2, "string"),
    }
}

fn count(lua: State, called: Called, prefix: usize) -> Pattern {
    let number = arguments::number(lua, called, 2);
    if number.is_nan() || number < 0.0 {
        refuse(lua, called, 2, format_args!("invalid receive pattern"));
    }
    Pattern::Count((number as usize).saturating_sub(prefix))
}

/// `receive(pattern, prefix)`.
pub(crate) fn receive<const INNER: bool>(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::blocking::<INNER>(lua, "receive");
    // A line without a prefix, by far the most frequent, needs no look at further arguments.
    let plain = called.count == 1;
    let found = if plain {
        socket::tcp_here(lua, called)
    } else {
        tcp(lua, called)
    };
    let Some(socket) = found else {
        return foreign(lua, runtime, called, c"receive");
    };
    let (pattern, extra) = if plain {
        (Pattern::Line, 0)
    } else {
        let extra = if lua.kind(3) == Kind::String { 3 } else { 0 };
        let prefix = if extra == 0 { 0 } else { lua.raw_len(3) };
        (pattern(lua, called, prefix), extra)
    };
    if socket.borrow().class() != TcpClass::Client {
        check_class(lua, socket, TcpClass::Client, called);
    }
    let shape = Shape::Received {
        prefixed: extra != 0,
    };
    let operation = || {
        let socket = Tcp::clone(socket);
        Some(Operation::Receive { socket, pattern })
    };
    let mut asked = false;
    loop {
        let step = runtime.enter(lua, |core| {
            let mut socket = socket.borrow_mut();
            let step = socket.receive(pattern, &mut core.reactor);
            step.map(|result| result.map_err(|error| (error, socket.partial(pattern))))
        });
        let (interest, progress) = match step {
            Step::Done(Ok(chunk)) if extra == 0 => {
                runtime.pins.push_chunk(lua, chunk);
                return 1;
            }
            Step::Done(result) => {
                let outcome = match result {
                    Ok(chunk) => Outcome::Received(chunk),
                    Err((error, chunk)) => Outcome::Partial(error, chunk),
                };
                return outcome::push(lua, runtime, outcome, shape, 1, extra);
            }
            Step::Wait {
                progress: Progress::Pause,
                ..
            } if INNER => continue,
            Step::Wait { interest, .. } if INNER && asked => {
                let mut socket = socket.borrow_mut();
                let error = socket.timeout_error(interest);
                let outcome = Outcome::Partial(error, socket.partial(pattern));
                drop(socket);
                return outcome::push(lua, runtime, outcome, shape, 1, extra);
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
                extra,
            };
            wait::block(lua, runtime, wait, asked, operation)
        };
        match blocked {
            Blocked::Parked(yielded) => return yielded,
            Blocked::Again => asked = true,
            Blocked::Protocol => {
                lua.set_top(called.count);
                return go_on_in_lua(lua, runtime, c"receive", called.count);
            }
        }
    }
}
