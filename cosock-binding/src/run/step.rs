//! One step of a task: it is resumed with what it waited for, and parked or ended by what it does.

use std::ffi::c_int;
use std::io::{self, Write as _};
use std::mem::MaybeUninit;

use cosock_core::buffer::{Small, Taken};
use cosock_core::operation::Outcome;
use cosock_core::scheduler::{Scheduler, Start, Started, TaskKey, Tried};
use cosock_core::socket::{DATAGRAM_SIZE, Room};

use super::Next;
use super::failure::{fail_with, report, was_interrupted};
use crate::arguments::{DIRECT, raise};
use crate::channel::{self, Looked};
use crate::ffi::{State, Status};
use crate::runtime::{Runtime, Shape, is_token, token, token_above_object};
use crate::{outcome, select, tasks, traceback, udp};

/// Resumes a task with what it waited for.
#[inline]
pub(super) fn run_task(
    lua: State,
    runtime: &Runtime,
    next: Next,
    place: &Small,
    tried: &mut Option<Tried>,
) {
    let Started { key, owner, .. } = next.started;
    let coroutine = runtime.coroutine_of(owner);
    runtime.current.set(Some(key));
    let arguments = if let Some(length) = next.line {
        lua.push_bytes(&place[..length]);
        lua.move_to(coroutine, 1);
        Some(1)
    } else {
        complete_any(lua, runtime, next.started, coroutine, tried)
    };
    if let Some(arguments) = arguments {
        resume(lua, runtime, key, coroutine, arguments);
    }
    runtime.current.set(None);
}

/// Tries a receive of a line without a prefix, by far the most frequent operation. Tells how many bytes of a small line
/// are in `place` now, or puts into `tried` what else has come of it. It needs nothing of what the coroutine keeps on its
/// stack; that stays below the result, where nobody sees it.
#[inline]
pub(super) fn try_line(
    core: &mut Scheduler,
    runtime: &Runtime,
    started: Started,
    place: &mut Small,
    tried: &mut Option<Tried>,
) -> Option<usize> {
    // That runs no Lua.
    if !is_parked(runtime.coroutine_of(started.owner)) {
        return None;
    }
    *tried = Some(match core.try_line(started.key, place) {
        Ok(Taken::Small(length)) => return Some(length),
        Ok(Taken::Chunk(line)) => Tried::Complete(Outcome::Received(line)),
        Err(tried) => tried,
    });
    None
}

/// Prepares the resume of a task with anything but a small line: moves it to the coroutine and tells how many
/// values it is, unless the task is parked again or over.
#[inline]
fn complete_any(
    lua: State,
    runtime: &Runtime,
    started: Started,
    coroutine: State,
    tried: &mut Option<Tried>,
) -> Option<c_int> {
    let Started { key, start, .. } = started;
    match start {
        Start::First if coroutine.is_fresh() => {
            // They fit: its stack has but the function.
            for _ in 0..3 {
                coroutine.push_nil();
            }
            Some(3)
        }
        Start::Select { timed_out } if coroutine.is_yielded() => {
            Some(hand_over_selected(lua, runtime, key, timed_out, coroutine))
        }
        Start::First | Start::Select { .. } => {
            abandon(lua, runtime, key, coroutine);
            None
        }
        Start::Look { timed_out } => look(lua, runtime, started, coroutine, timed_out),
        _ if !is_parked(coroutine) => {
            abandon(lua, runtime, key, coroutine);
            None
        }
        Start::Slept => Some(0),
        Start::Line => {
            let shape = Shape::Received { prefixed: false };
            hand_over_outcome(lua, runtime, tried.take()?, shape, coroutine)
        }
        Start::Operation => complete(lua, runtime, key, coroutine),
    }
}

/// Whether the coroutine still is as a method left it when it parked the task: then the token is on top of its stack.
/// After somebody else has resumed or closed it, something else is there, or nothing.
#[inline]
fn is_parked(coroutine: State) -> bool {
    coroutine.top() > 0 && is_token(coroutine.to_pointer(-1))
}

/// If an operation is over, moves its results to the coroutine: for those whose results need none of the values that
/// the coroutine keeps on its stack.
#[inline(never)]
fn hand_over_outcome(
    lua: State,
    runtime: &Runtime,
    tried: Tried,
    shape: Shape,
    coroutine: State,
) -> Option<c_int> {
    let Tried::Complete(outcome) = tried else {
        return None;
    };
    let count = outcome::push_in_loop(lua, runtime, outcome, shape, 0, 0);
    hand_over(lua, coroutine, count);
    Some(count)
}

/// Tries the operation of a parked task; moves its results to the coroutine, or parks it again.
#[inline(never)]
fn complete(lua: State, runtime: &Runtime, key: TaskKey, coroutine: State) -> Option<c_int> {
    let shape = runtime.note(key)?.shape;
    if let Shape::Datagram { from } = shape {
        return complete_datagram(lua, runtime, key, from, coroutine);
    }
    let wants_anchors = match shape {
        Shape::Received { prefixed } => prefixed,
        Shape::Connected | Shape::One | Shape::Sent | Shape::SentDatagram => true,
        _ => false,
    };
    if wants_anchors && coroutine.to_pointer(-1) != token_above_object() {
        // What it has yielded is another wait's: code that ran between that wait and the yield has parked it on this.
        abandon(lua, runtime, key, coroutine);
        return None;
    }
    let is_send = matches!(shape, Shape::Sent | Shape::SentDatagram);
    let data = if is_send {
        coroutine.to_bytes(-2).unwrap_or_default()
    } else {
        &[]
    };
    let tried = runtime.enter(lua, |core| core.try_operation(key, data));
    if !wants_anchors || is_send {
        return hand_over_outcome(lua, runtime, tried, shape, coroutine);
    }
    let Tried::Complete(outcome) = tried else {
        return None;
    };
    let base = lua.top();
    coroutine.pop(1);
    coroutine.move_to(lua, 2);
    let count = outcome::push_in_loop(lua, runtime, outcome, shape, base + 1, base + 2);
    hand_over(lua, coroutine, count);
    lua.set_top(base);
    Some(count)
}

/// [`complete`] for a task that waits for a datagram, which goes from the system to Lua by way of this stack.
#[inline(never)]
fn complete_datagram(
    lua: State,
    runtime: &Runtime,
    key: TaskKey,
    from: bool,
    coroutine: State,
) -> Option<c_int> {
    let mut room: Room = [MaybeUninit::uninit(); DATAGRAM_SIZE];
    match runtime.enter(lua, |core| core.try_datagram(key, &mut room, from)) {
        Ok(datagram) => {
            let count = udp::push_datagram(lua, runtime, datagram);
            hand_over(lua, coroutine, count);
            Some(count)
        }
        Err(tried) => hand_over_outcome(lua, runtime, tried, Shape::Datagram { from }, coroutine),
    }
}

/// Moves the top `count` values to the coroutine.
fn hand_over(lua: State, coroutine: State, count: c_int) {
    // Up to three fit into the slots that its own call guarantees.
    if count > 3 && !coroutine.has_stack(count) {
        raise(
            lua,
            DIRECT,
            format_args!("too many values on the stack of a task"),
        );
    }
    lua.move_to(coroutine, count);
}

/// Gives a task parked in a channel's `receive` its message, or parks it again.
#[inline]
fn look(
    lua: State,
    runtime: &Runtime,
    Started { key, object, .. }: Started,
    coroutine: State,
    timed_out: bool,
) -> Option<c_int> {
    match channel::look(runtime, coroutine, object, timed_out) {
        Looked::Message => Some(1),
        Looked::Over { closed } => {
            lua.push_nil();
            lua.push_str(if closed { "closed" } else { "timeout" });
            hand_over(lua, coroutine, 2);
            Some(2)
        }
        Looked::Nothing => {
            runtime.enter(lua, |core| core.park_message_again(key));
            None
        }
        Looked::Elsewhere => {
            abandon(lua, runtime, key, coroutine);
            None
        }
    }
}

/// Moves the results of a select to the coroutine; returns how many they are.
#[inline(never)]
fn hand_over_selected(
    lua: State,
    runtime: &Runtime,
    key: TaskKey,
    timed_out: bool,
    coroutine: State,
) -> c_int {
    runtime.enter(lua, |core| {
        let mut woken = runtime.woken.borrow_mut();
        woken.clear();
        if let Some(mut select) = core.take_select(key) {
            woken.append(&mut select.take_woken());
        }
    });
    if select::is_marked(coroutine) {
        coroutine.set_top(0);
    }
    select::push_results(lua, runtime, key, timed_out);
    hand_over(lua, coroutine, 3);
    3
}

/// Drops a task whose coroutine somebody else has resumed or closed while it was parked.
#[cold]
fn abandon(lua: State, runtime: &Runtime, key: TaskKey, coroutine: State) {
    if coroutine.is_yielded() {
        // Not by `eprintln`, which panics when nobody reads.
        let _ = writeln!(
            io::stderr(),
            "cosock: a parked task was resumed from outside and waits no longer"
        );
    }
    if tasks::push_and_forget(lua, runtime, key) {
        lua.pop(1);
    }
}

#[inline]
fn resume(lua: State, runtime: &Runtime, key: TaskKey, coroutine: State, mut arguments: c_int) {
    loop {
        runtime.current_coroutine.set(coroutine.raw());
        let (status, count) = coroutine.resume(lua, arguments);
        // From here on, what Lua calls runs outside the task.
        runtime.current_coroutine.set(std::ptr::null_mut());
        if status != Status::Yield {
            return finish(lua, runtime, key, coroutine, status, count);
        }
        // A method has parked its task before it yielded.
        let parked = count > 0 && is_token(coroutine.to_pointer(-1));
        // After a `reset` it is not waited for any more.
        if parked || !runtime.has_task(key) {
            return;
        }
        match park(lua, runtime, key, coroutine, count) {
            Some(error) => arguments = error,
            None => return,
        }
    }
}

/// Ends a task that has failed, or has returned so many values.
#[inline(never)]
fn finish(
    lua: State,
    runtime: &Runtime,
    key: TaskKey,
    coroutine: State,
    status: Status,
    count: c_int,
) {
    if status == Status::Ok {
        if count > 0 {
            // With values left on its stack it would count as suspended.
            coroutine.set_top(0);
        }
        tasks::forget_returned(lua, runtime, key);
    } else {
        fail(lua, runtime, key, coroutine);
    }
}

/// Ends a task that has failed.
#[inline(never)]
fn fail(lua: State, runtime: &Runtime, key: TaskKey, coroutine: State) {
    // The original stays: to-be-closed variables are told of it. A stack that is full has no room for
    // the copy, so that one gives its own. The traceback comes after it: a finalizer may close the coroutine
    // while it is made.
    if coroutine.has_stack(1) {
        coroutine.push_value(-1);
    }
    coroutine.move_to(lua, 1);
    traceback::push(lua, runtime, coroutine);
    lua.insert(-2);
    report(lua, runtime, key);
    lua.set_top(0);
}

/// Parks a task that has yielded by the protocol. A wait of our own that cannot be raises in the task:
/// then it is to be resumed with so many values.
#[inline(never)]
fn park(
    lua: State,
    runtime: &Runtime,
    key: TaskKey,
    coroutine: State,
    count: c_int,
) -> Option<c_int> {
    let own = count > 3 && select::is_marked(coroutine);
    if !coroutine.has_stack(3) {
        lua.push_str("stack overflow");
        fail_with(lua, runtime, key);
        return None;
    }
    let lists = lua.top();
    let given = count.min(3);
    if !own {
        // A C function of the program's may keep values below them, which are its own: so only these go, and before
        // anything runs that may resume it.
        coroutine.pop(count - given);
        coroutine.move_to(lua, given);
    }
    let arm = || {
        lua.push_function(runtime, select::arm, 0);
        if own {
            for _ in 0..given {
                // Each push moves the next value to the same distance from the top.
                coroutine.push_value(-count);
            }
            coroutine.move_to(lua, given);
        } else {
            for place in 1..=given {
                lua.push_value(lists + place);
            }
        }
        lua.pcall(given, 0, 0) == Status::Ok
    };
    let mut armed = arm();
    if !armed && was_interrupted(lua, runtime) {
        select::take_back(lua, runtime, key);
        armed = arm();
    }
    let mut error = None;
    if !armed {
        if own && runtime.has_task(key) {
            error = hand_back(lua, runtime, key, coroutine);
        }
        if error.is_none() {
            fail_with(lua, runtime, key);
        }
    }
    lua.set_top(0);
    error
}

/// Hands the error on top to the `select` that has yielded, unless somebody else has resumed or ended
/// its task.
#[cold]
fn hand_back(lua: State, runtime: &Runtime, key: TaskKey, coroutine: State) -> Option<c_int> {
    select::take_back(lua, runtime, key);
    let as_left = runtime.has_task(key) && coroutine.is_yielded() && select::is_marked(coroutine);
    if !as_left {
        return None;
    }
    coroutine.set_top(0);
    coroutine.push_pointer(token());
    lua.move_to(coroutine, 1);
    Some(2)
}
