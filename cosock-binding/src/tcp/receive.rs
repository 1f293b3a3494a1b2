//! `receive`: what is there already, or a task that waits for it.

use std::ffi::c_int;

use cosock_core::buffer::{Pattern, SMALL, Taken};
use cosock_core::error::SocketError;
use cosock_core::operation::{Operation, Outcome};
use cosock_core::reactor::Interest;
use cosock_core::scheduler;
use cosock_core::socket::{Progress, Step, Tcp, TcpClass, TcpSocket};

use super::{check_class, jit, take_back};
use crate::arguments::{self, Called, refuse};
use crate::ffi::{Kind, State};
use crate::outcome;
use crate::runtime::{Runtime, Shape, TCP, guard};
use crate::socket::{self, tcp, wait_on_foreign};
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

/// [`pattern`] where argument 2 is a whole number, the most frequent of those that are given, and Lua tells that at once.
#[inline(always)]
fn frequent_pattern(lua: State) -> Option<Pattern> {
    let count = usize::try_from(lua.to_whole(2)?).ok()?;
    Some(Pattern::Count(count))
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
    if !INNER && lua.kind(1) == Kind::Table {
        // By far the most frequent, and they need no look at further arguments.
        match lua.top() {
            1 => return receive_line(lua, runtime),
            2 => return receive_pattern(lua, runtime),
            _ => {}
        }
    }
    let called = Called::blocking::<INNER>(lua, "receive");
    let Some(socket) = tcp(lua, called) else {
        return wait_on_foreign(lua, runtime, called, c"receive");
    };
    take_back(lua, runtime, socket);
    let extra = if lua.kind(3) == Kind::String { 3 } else { 0 };
    let prefix = if extra == 0 { 0 } else { lua.raw_len(3) };
    let pattern = pattern(lua, called, prefix);
    check_class(lua, socket, TcpClass::Client, called);
    receive_as::<INNER>(lua, runtime, called, socket, pattern, extra, false)
}

/// `receive()` of an object: a line.
#[inline(always)]
fn receive_line(lua: State, runtime: &Runtime) -> c_int {
    let called = const { Called::blocking_with::<false>("receive", 1) };
    // Above the one argument.
    const INNER_SOCKET: c_int = 2;
    let Some(socket) = socket::tcp_in_table(lua) else {
        return wait_on_foreign(lua, runtime, called, c"receive");
    };
    take_back(lua, runtime, socket);
    check_class(lua, socket, TcpClass::Client, called);
    if socket.borrow().has_unread() {
        return receive_unread(lua, runtime, called, socket, Pattern::Line);
    }
    let is_drained = runtime.enter(lua, |core| socket.borrow().is_drained(&core.reactor));
    let mut asked = false;
    if is_drained {
        let wait = Wait {
            interest: Interest::Read,
            progress: Progress::None,
            shape: Shape::Received { prefixed: false },
            extra: 0,
            inner: INNER_SOCKET,
        };
        let line = || Some(scheduler::Line(socket));
        match wait::block_object(lua, runtime, wait, false, line) {
            Blocked::Parked(yielded) => return yielded,
            Blocked::Protocol => return speak(lua, runtime, called),
            Blocked::Again => {
                lua.set_top(INNER_SOCKET);
                asked = true;
            }
        }
    }
    receive_as::<false>(lua, runtime, called, socket, Pattern::Line, 0, asked)
}

/// `receive(pattern)` of an object.
#[inline(always)]
fn receive_pattern(lua: State, runtime: &Runtime) -> c_int {
    let called = const { Called::blocking_with::<false>("receive", 2) };
    let Some(socket) = socket::tcp_in_table(lua) else {
        return wait_on_foreign(lua, runtime, called, c"receive");
    };
    take_back(lua, runtime, socket);
    let pattern = frequent_pattern(lua).unwrap_or_else(|| pattern(lua, called, 0));
    check_class(lua, socket, TcpClass::Client, called);
    receive_unread(lua, runtime, called, socket, pattern)
}

/// Receives what has come already, without asking the system; else goes on. The inner socket is on top.
#[inline(never)]
fn receive_unread(
    lua: State,
    runtime: &Runtime,
    called: Called,
    socket: &Tcp,
    pattern: Pattern,
) -> c_int {
    let finalized = runtime.finalized.get();
    let mut place = [0; SMALL];
    let taken = guard(lua, || socket.borrow_mut().take_unread(pattern, &mut place));
    match taken {
        Some(Taken::Small(0)) if pattern == Pattern::Count(0) => {
            return receive_as::<false>(lua, runtime, called, socket, pattern, 0, false);
        }
        Some(Taken::Small(length)) => lua.push_bytes(&place[..length]),
        Some(Taken::Chunk(chunk)) => runtime.pins.push_chunk(lua, chunk),
        None => return receive_as::<false>(lua, runtime, called, socket, pattern, 0, false),
    }
    if jit::MAY_LEND {
        let inner = lua.top() - 1;
        if runtime.finalized.get() == finalized || lua.userdata(inner, TCP).is_some() {
            jit::lend(lua, runtime, socket, inner);
        }
    }
    1
}

/// Goes on in Lua, by the protocol.
fn speak(lua: State, runtime: &Runtime, called: Called) -> c_int {
    lua.set_top(called.count);
    go_on_in_lua(lua, runtime, c"receive", called.count)
}

/// Zero bytes are always there, but for a socket that the program has closed and emptied.
fn asks_closed_for_nothing(socket: &TcpSocket, pattern: Pattern, extra: c_int) -> bool {
    pattern == Pattern::Count(0) && extra == 0 && socket.raw_fd() < 0 && !socket.has_unread()
}

/// Receives by `pattern`, to be joined to the prefix at `extra` unless that is 0. `asked` says that the next try
/// asks the system itself. The inner socket is on top.
#[inline(never)]
fn receive_as<const INNER: bool>(
    lua: State,
    runtime: &Runtime,
    called: Called,
    socket: &Tcp,
    pattern: Pattern,
    extra: c_int,
    mut asked: bool,
) -> c_int {
    let shape = Shape::Received {
        prefixed: extra != 0,
    };
    let inner = lua.top();
    let is_bare_line = called.count == 1;
    let operation = |interest| {
        let socket = Tcp::clone(socket);
        Some(if is_bare_line && interest == Interest::Read {
            Operation::Line { socket }
        } else {
            Operation::Receive { socket, pattern }
        })
    };
    loop {
        let step = runtime.enter(lua, |core| {
            let mut socket = socket.borrow_mut();
            let step = if asks_closed_for_nothing(&socket, pattern, extra) {
                Step::Done(Err(SocketError::Closed))
            } else {
                socket.receive(pattern, &mut core.reactor)
            };
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
            wait::doubt(lua, runtime, || operation(interest))
        } else {
            let wait = Wait {
                interest,
                progress,
                shape,
                extra,
                inner,
            };
            wait::block(lua, runtime, wait, asked, || operation(interest))
        };
        match blocked {
            Blocked::Parked(yielded) => return yielded,
            Blocked::Again => asked = true,
            Blocked::Protocol => return speak(lua, runtime, called),
        }
    }
}
