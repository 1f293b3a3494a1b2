//! `cosock.run`: turn after turn, until every task is over.

use std::ffi::c_int;
use std::io::{self, Write as _};

use cosock_core::operation::Outcome;
use cosock_core::scheduler::{Scheduler, Start, TaskKey, Tried, Turn};

use crate::arguments::{self, Called, DIRECT, raise};
use crate::channel::{self, Looked};
use crate::ffi::{Kind as ValueKind, State, Status};
use crate::runtime::{Runtime, Shape, token};
use crate::{deadlock, foreign, outcome, select, tasks, timers, wait};

/// `cosock.run()`.
pub(crate) fn run(lua: State, runtime: &Runtime) -> c_int {
    if runtime.running.get() {
        raise(lua, DIRECT, format_args!("cosock.run is already running"));
    }
    lua.set_top(0);
    #[cfg(feature = "lua55")]
    notice_closing(lua, runtime);
    lua.push_function(runtime, turns, 0);
    runtime.running.set(true);
    let status = lua.pcall(0, 0, 0);
    stop(lua, runtime);
    if status == Status::Ok {
        return 0;
    }
    lua.raise_top()
}

/// Notes that nothing runs any more, whatever ended it.
fn stop(lua: State, runtime: &Runtime) {
    runtime.running.set(false);
    tasks::release_last_reset(lua, runtime);
    if let Some(key) = runtime.current.take() {
        // What ended it came between the task and us, as when memory ran out.
        if tasks::push_and_forget(lua, runtime, key) {
            lua.pop(1);
        }
    }
    leave(runtime);
}

/// A coroutine that closes itself, in an error handler say, ends past every protected call. What is to
/// be closed is closed even then.
#[cfg(feature = "lua55")]
fn notice_closing(lua: State, runtime: &Runtime) {
    fn closed(lua: State, runtime: &Runtime) -> c_int {
        if runtime.running.get() {
            stop(lua, runtime);
        }
        0
    }
    lua.new_table(0, 0);
    lua.new_table(0, 1);
    lua.push_function(runtime, closed, 0);
    lua.raw_set_field(-2, c"__close");
    lua.set_metatable(-2);
    lua.to_be_closed(-1);
}

/// Notes that no task runs.
fn leave(runtime: &Runtime) {
    runtime.current.set(None);
    runtime.current_coroutine.set(std::ptr::null_mut());
}

fn turns(lua: State, runtime: &Runtime) -> c_int {
    let pinned = runtime.pins.depth();
    let unpushed = runtime.outcomes.borrow().len();
    lua.check_stack(20);
    let mut turn = runtime.enter(lua, |core| core.begin());
    loop {
        // Everything that is about to run is disarmed before any of it runs.
        if turn.foreign {
            disarm_foreign(lua, runtime, turn.ready);
        }
        let mut left = turn.ready;
        while let Some(next) = runtime.enter(lua, |core| next_of_turns(core, &mut left)) {
            run_task(lua, runtime, next);
        }
        // What errors that were raised on the way have left.
        if runtime.pins.depth() > pinned {
            runtime.pins.unwind_to(pinned);
        }
        if runtime.outcomes.borrow().len() > unpushed {
            runtime.outcomes.borrow_mut().truncate(unpushed);
        }
        turn = end_turn(lua, runtime);
        if turn.finished {
            return 0;
        }
        if turn.deadlocked && !deadlock::resolve(lua, runtime) {
            deadlock::report(lua, runtime);
        }
        if turn.callbacks {
            timers::call_due(lua, runtime);
        }
        if turn.calls {
            foreign::call_wakes(lua, runtime);
        }
    }
}

/// The next task of this turn, of which so many are left; `None` when it is over and has to be ended in
/// full.
#[inline]
fn next_of_turns(core: &mut Scheduler, left: &mut usize) -> Option<Next> {
    loop {
        if *left == 0 {
            *left = core.end_quick_turn()?;
        }
        *left -= 1;
        if let Some((key, start)) = core.start_next() {
            let (owner, object) = (core.owner(key), core.object(key));
            return Some(Next {
                key,
                start,
                owner,
                object,
            });
        }
    }
}

/// A task that is to run, why, and what the core knows of it for us.
#[derive(Clone, Copy)]
struct Next {
    key: TaskKey,
    start: Start,
    /// The address of its coroutine.
    owner: usize,
    /// Identity of what it waited on.
    object: usize,
}

/// Waits for something to happen, and lets the interpreter act on signals.
fn end_turn(lua: State, runtime: &Runtime) -> Turn {
    // A signal that interrupts the wait ends an empty turn, and its hook fires before the next.
    let_hook_fire(lua, runtime);
    let ended = runtime.enter(lua, |core| {
        core.end_turn()
            .map_err(|error| error.raw_os_error().unwrap_or(0))
    });
    match ended {
        Ok(turn) => turn,
        Err(code) => raise(
            lua,
            DIRECT,
            format_args!("cosock: waiting failed (errno {code})"),
        ),
    }
}

fn disarm_foreign(lua: State, runtime: &Runtime, ready: usize) {
    for position in 0..ready {
        let key = runtime.enter(lua, |core| core.ready_at(position));
        if let Some(key) = key {
            foreign::disarm(lua, runtime, key);
        }
    }
}

/// Ctrl-C sets a hook, which fires at the next call in this state: here is one.
fn let_hook_fire(lua: State, runtime: &Runtime) {
    if lua.has_hook() {
        lua.push_function(runtime, nothing, 0);
        lua.call(0, 0);
    } else if runtime
        .main_state()
        .is_some_and(|main| main != lua && main.has_hook())
    {
        // The hook of Ctrl-C waits in the main state, which waits for this coroutine.
        raise(lua, DIRECT, format_args!("interrupted!"));
    }
}

fn nothing(_: State, _: &Runtime) -> c_int {
    0
}

/// Resumes a task with what it waited for.
#[inline]
fn run_task(lua: State, runtime: &Runtime, next: Next) {
    let Next { key, start, .. } = next;
    let coroutine = runtime.coroutine_of(next.owner);
    runtime.current.set(Some(key));
    let arguments = match start {
        Start::First | Start::Select { .. } => start_or_select(lua, runtime, key, start, coroutine),
        Start::Look { timed_out } => look(lua, runtime, next, coroutine, timed_out),
        _ if !is_parked(coroutine) => {
            abandon(lua, runtime, key, coroutine);
            None
        }
        Start::Slept => Some(0),
        Start::Operation => complete(lua, runtime, key, coroutine),
    };
    if let Some(arguments) = arguments {
        resume(lua, runtime, key, coroutine, arguments);
    }
    runtime.current.set(None);
}

/// Whether the coroutine still is as a method parked it: then the token is on top of its stack. When
/// somebody else has resumed or closed it, something else is, or nothing.
#[inline]
pub(crate) fn is_parked(coroutine: State) -> bool {
    coroutine.top() > 0 && coroutine.to_pointer(-1) == token()
}

/// Tries the operation of a parked task; moves its results to the coroutine, or parks it again.
fn complete(lua: State, runtime: &Runtime, key: TaskKey, coroutine: State) -> Option<c_int> {
    let prefixed = runtime.look(key, |task| match task.shape {
        Shape::Received { prefixed } => Some(prefixed),
        _ => None,
    })?;
    if prefixed != Some(false) {
        return complete_any(lua, runtime, key, coroutine);
    }
    // A receive without a prefix, by far the most frequent, needs nothing of what is anchored, which
    // stays below the result, where nobody sees it.
    match runtime.enter(lua, |core| core.try_operation(key, &[])) {
        Tried::Parked => None,
        Tried::Complete(Outcome::Received(chunk)) => {
            runtime.pins.push_chunk(lua, chunk);
            lua.move_to(coroutine, 1);
            Some(1)
        }
        Tried::Complete(outcome) => {
            let shape = Shape::Received { prefixed: false };
            let count = outcome::push(lua, runtime, outcome, shape, 0, 0);
            hand_over(lua, coroutine, count);
            Some(count)
        }
    }
}

/// [`complete`], for every operation.
#[inline(never)]
fn complete_any(lua: State, runtime: &Runtime, key: TaskKey, coroutine: State) -> Option<c_int> {
    let shape = runtime.look(key, |task| task.shape)?;
    let data = match shape {
        Shape::Sent { base, end } => match coroutine.to_bytes(-2) {
            Some(data) if end <= data.len() => &data[base..end],
            _ => &[],
        },
        _ => &[],
    };
    let tried = runtime.enter(lua, |core| core.try_operation(key, data));
    let Tried::Complete(outcome) = tried else {
        return None;
    };
    let wants_anchors = match shape {
        Shape::Received { prefixed } => prefixed,
        Shape::Connected | Shape::One => true,
        _ => false,
    };
    if !wants_anchors {
        let count = outcome::push(lua, runtime, outcome, shape, 0, 0);
        hand_over(lua, coroutine, count);
        return Some(count);
    }
    let base = lua.top();
    coroutine.pop(1);
    coroutine.move_to(lua, 2);
    let count = outcome::push(lua, runtime, outcome, shape, base + 1, base + 2);
    hand_over(lua, coroutine, count);
    lua.set_top(base);
    Some(count)
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
    Next { key, object, .. }: Next,
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

/// Prepares the first resume of a task, or one with the results of a select.
#[inline(never)]
fn start_or_select(
    lua: State,
    runtime: &Runtime,
    key: TaskKey,
    start: Start,
    coroutine: State,
) -> Option<c_int> {
    let as_left = match start {
        Start::First => coroutine.is_fresh(),
        _ => coroutine.is_yielded(),
    };
    if !as_left {
        abandon(lua, runtime, key, coroutine);
        return None;
    }
    match start {
        Start::Select { timed_out } => {
            runtime.enter(lua, |core| {
                let mut woken = runtime.woken.borrow_mut();
                woken.clear();
                if let Some(mut select) = core.take_select(key) {
                    woken.append(&mut select.take_woken());
                }
            });
            coroutine.set_top(0);
            select::push_results(lua, runtime, key, timed_out);
        }
        _ => {
            for _ in 0..3 {
                lua.push_nil();
            }
        }
    }
    hand_over(lua, coroutine, 3);
    Some(3)
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
            return finish(lua, runtime, key, coroutine, status);
        }
        // A method has parked its task before it yielded.
        let parked = count > 0 && coroutine.to_pointer(-1) == token();
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

/// Ends a task that has returned or failed.
#[inline(never)]
fn finish(lua: State, runtime: &Runtime, key: TaskKey, coroutine: State, status: Status) {
    if status == Status::Ok {
        if tasks::push_and_forget(lua, runtime, key) {
            lua.pop(1);
        }
        return;
    }
    lua.push_traceback(coroutine, None, 0);
    // The original stays: to-be-closed variables are told of it. A stack that is full has no room for
    // the copy, so that one gives its own.
    if coroutine.has_stack(1) {
        coroutine.push_value(-1);
    }
    coroutine.move_to(lua, 1);
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
    lua.push_function(runtime, select::arm, 0);
    let given = count.min(3);
    if !coroutine.has_stack(3) {
        lua.pop(1);
        lua.push_str("stack overflow");
        fail_with(lua, runtime, key);
        return None;
    }
    for _ in 0..given {
        // Each push moves the next value to the same distance from the top.
        coroutine.push_value(-count);
    }
    coroutine.move_to(lua, given);
    let mut error = None;
    if lua.pcall(given, 0, 0) != Status::Ok {
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

/// Fails a task with the error value on top, which somebody raised on its behalf.
pub(crate) fn fail_with(lua: State, runtime: &Runtime, key: TaskKey) {
    match runtime.task(key) {
        Some(task) => {
            let coroutine = task.state();
            lua.push_traceback(coroutine, None, 0);
        }
        None => lua.push_str("stack traceback:"),
    }
    lua.insert(-2);
    report(lua, runtime, key);
}

/// Reports the error of a task, which is over: its traceback and its error value are on top.
///
/// Its handler is told, or the handler of all; without one the error leaves `run`.
fn report(lua: State, runtime: &Runtime, key: TaskKey) {
    let kept = runtime.kept.get();
    if runtime.task(key).is_some() {
        lua.push_kept(kept.slots);
        lua.raw_get_at(-1, tasks::handle_slot(key.index));
        lua.remove(-2);
        lua.push_kept(kept.handlers);
        lua.raw_get_at(-1, key.index as usize + 1);
        lua.remove(-2);
    } else {
        // It has called `reset`: another task may have its place.
        lua.push_nil();
        lua.push_nil();
    }
    if lua.is_nil(-1) && runtime.handler.get() != 0 {
        lua.pop(1);
        lua.push_kept(runtime.handler.get());
    }
    let coroutine = tasks::push_and_forget(lua, runtime, key);
    leave(runtime);
    if coroutine {
        tasks::close_coroutine(lua, runtime);
    }
    // The stack is: traceback, value, handle, handler or nil.
    let interrupted = cfg!(feature = "luajit") && is_interruption(lua, -3);
    if lua.is_nil(-1) || interrupted {
        lua.pop(2);
        raise_report(lua);
    }
    lua.insert(-4);
    // The handler gets (value, traceback, handle).
    lua.push_value(-3);
    lua.remove(-4);
    lua.insert(-2);
    lua.call(3, 0);
}

/// Whether the error is that of Ctrl-C, which on LuaJIT is raised in whatever runs.
fn is_interruption(lua: State, index: c_int) -> bool {
    let text = match lua.kind(index) {
        ValueKind::String => lua.to_bytes(index).unwrap_or_default(),
        _ => return false,
    };
    // The interpreter's own text, with or without a position before it.
    let Some(position) = text.strip_suffix(b"interrupted!") else {
        return false;
    };
    let position = position.strip_suffix(b": ").unwrap_or(position);
    let line = position
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    position.is_empty() || (line > 0 && position[..position.len() - line].ends_with(b":"))
}

/// Raises the error value on top, with the traceback below it when it is a text.
fn raise_report(lua: State) -> ! {
    let old = cfg!(any(feature = "lua51", feature = "luajit"));
    match lua.kind(-1) {
        ValueKind::String | ValueKind::Number => {
            lua.push_str("\n");
            lua.push_value(-3);
            lua.concat(3);
        }
        ValueKind::Nil if !old => lua.pop(1),
        _ => {}
    }
    lua.raise_top()
}

/// `socket.sleep(t)`: nil waits for ever, a negative time for one turn.
pub(crate) fn sleep(lua: State, runtime: &Runtime) -> c_int {
    let timeout = match lua.to_number(1) {
        Some(seconds) if !seconds.is_nan() => Some(seconds.max(0.0)),
        _ => arguments::timeout(lua, Called::wrapped(lua, "sleep"), 1),
    };
    let Some(task) = runtime.task_of(lua) else {
        match timeout {
            // As it was given, for it is yielded to the user.
            Some(seconds) if lua.to_number(1) == Some(seconds) => lua.push_value(1),
            Some(seconds) => lua.push_number(seconds),
            None => lua.push_nil(),
        }
        return wait::go_on_in_lua(lua, runtime, c"sleep", 1);
    };
    runtime.enter(lua, |core| core.park_sleep(task, timeout));
    wait::note(runtime, task, Shape::Nothing, timeout, (0, 0));
    lua.push_pointer(token());
    lua.yield_values(1)
}
