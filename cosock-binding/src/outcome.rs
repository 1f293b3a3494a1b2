//! Turns the result of an operation into Lua values.

use std::ffi::c_int;

use cosock_core::error::SocketError;
use cosock_core::operation::Outcome;

use crate::addresses::push_sender;
use crate::ffi::{Kind, State};
use crate::runtime::{Runtime, Shape};
use crate::socket;

/// From so many bytes on, received bytes are pushed by [`push_in_loop`] in a protected call.
const LARGE: usize = 1024 * 1024;

/// Pushes what the method of a parked task returns, and returns how many values that is. Like [`push`], but where there
/// is no memory for what a peer has sent, the task's receive fails, and not the loop in which all tasks run.
pub(crate) fn push_in_loop(
    lua: State,
    runtime: &Runtime,
    outcome: Outcome,
    shape: Shape,
    object: c_int,
    extra: c_int,
) -> c_int {
    let results = match &outcome {
        Outcome::Received(chunk) if chunk.as_slice().len() >= LARGE => 1,
        Outcome::Partial(_, chunk) if chunk.as_slice().len() >= LARGE => 3,
        _ => return push(lua, runtime, outcome, shape, object, extra),
    };
    let (pinned, unpushed) = (runtime.pins.depth(), runtime.outcomes.borrow().len());
    runtime.keep_outcome(outcome);
    lua.push_function(runtime, push_kept, 0);
    if extra == 0 {
        lua.push_nil();
    } else {
        lua.push_value(extra);
    }
    if lua.call_in_memory(1, results) {
        return results;
    }
    runtime.pins.unwind_to(pinned);
    runtime.outcomes.borrow_mut().truncate(unpushed);
    runtime.pins.push_failure(lua, SocketError::no_memory());
    lua.push_str("");
    3
}

/// Pushes a receive's outcome that is kept, joined to the prefix that is its argument, unless that is nil.
fn push_kept(lua: State, runtime: &Runtime) -> c_int {
    let kept = runtime.outcomes.borrow_mut().pop();
    match kept {
        Some(outcome) => push(
            lua,
            runtime,
            outcome,
            Shape::Received { prefixed: true },
            0,
            1,
        ),
        None => 0,
    }
}

/// Pushes what the method returns, and returns how many values that is.
///
/// `object` and `extra` are where the operation's anchored values are: the socket object, and the
/// prefix of a receive. Raises for lack of memory only.
pub(crate) fn push(
    lua: State,
    runtime: &Runtime,
    outcome: Outcome,
    shape: Shape,
    object: c_int,
    extra: c_int,
) -> c_int {
    match outcome {
        Outcome::Received(chunk) => {
            if extra != 0 && lua.kind(extra) == Kind::String {
                lua.push_value(extra);
                runtime.pins.push_chunk(lua, chunk);
                lua.concat(2);
            } else {
                runtime.pins.push_chunk(lua, chunk);
            }
            1
        }
        Outcome::Partial(error, chunk) => {
            runtime.pins.push_partial(lua, error, chunk);
            if extra != 0 && lua.kind(extra) == Kind::String {
                lua.push_value(extra);
                lua.insert(-2);
                lua.concat(2);
            }
            3
        }
        Outcome::Sent(length, _) if shape == Shape::SentDatagram => {
            lua.push_number(length as f64);
            1
        }
        Outcome::Sent(last, error) => {
            let last = last as f64;
            match error {
                None => {
                    lua.push_number(last);
                    lua.push_nil();
                    lua.push_nil();
                }
                Some(error) => {
                    runtime.pins.push_failure(lua, error);
                    lua.push_number(last);
                }
            }
            3
        }
        Outcome::Accepted(socket) => {
            runtime.keep_outcome(Outcome::Accepted(socket));
            crate::tcp::push_object(lua, runtime, || runtime.take_connection());
            1
        }
        Outcome::Datagram(datagram) => {
            let from = datagram.from;
            runtime.pins.push_chunk(lua, datagram.data);
            match from {
                Some(from) if shape == (Shape::Datagram { from: true }) => {
                    push_sender(lua, runtime, from);
                    3
                }
                _ => 1,
            }
        }
        Outcome::Answer(answer) => {
            runtime.keep_outcome(Outcome::Answer(answer));
            crate::dns::push_answer(lua, runtime, shape)
        }
        Outcome::Done if shape == Shape::Handshake => {
            lua.push_bool(true);
            1
        }
        Outcome::Asks => {
            lua.push_nil();
            1
        }
        Outcome::Done => {
            refresh_class(lua, object);
            succeed(lua)
        }
        Outcome::Failed(error) => {
            if shape == Shape::Connected {
                refresh_class(lua, object);
            }
            runtime.pins.push_failure(lua, error);
            if shape == Shape::Handshake {
                lua.push_bool(false);
                lua.replace(-3);
            }
            2
        }
    }
}

/// Pushes nil and the error's word: the way most methods fail.
pub(crate) fn fail(lua: State, runtime: &Runtime, error: SocketError) -> c_int {
    runtime.pins.push_failure(lua, error);
    2
}

/// Pushes one, LuaSocket's success.
pub(crate) fn succeed(lua: State) -> c_int {
    lua.push_number(1.0);
    1
}

/// Pushes what a method has come to that may have changed the class of its object, which is argument 1.
pub(crate) fn finish(lua: State, runtime: &Runtime, result: Result<(), SocketError>) -> c_int {
    push(lua, runtime, Outcome::from(result), Shape::One, 1, 0)
}

/// Brings the `class` field of the object up to date.
pub(crate) fn refresh_class(lua: State, object: c_int) {
    if object == 0 || lua.kind(object) != Kind::Table {
        return;
    }
    let object = lua.absolute(object);
    lua.raw_get_field(object, c"inner_sock");
    let word = socket::class_word(lua, -1);
    lua.pop(1);
    if let Some(word) = word {
        lua.push_str(word);
        lua.raw_set_field(object, c"class");
    }
}
