//! `cosock.run`: turn after turn, until every task is over.

use std::ffi::c_int;
use std::io;

use cosock_core::operation::{Operation, Outcome};
use cosock_core::scheduler::{TaskKey, Tried, Wait};

use crate::arguments::{DIRECT, raise};
use crate::channel;
use crate::ffi::{Kind, State, Status};
use crate::runtime::{Runtime, Shape, Task, token};
use crate::{deadlock, foreign, outcome, select, tasks, timers};

/// `cosock.run()`.
pub(crate) fn run(lua: State, runtime: &Runtime) -> c_int {
    if runtime.running.get() {
        raise(lua, DIRECT, format_args!("cosock.run is already running"));
    }
    lua.set_top(0);
    runtime.running.set(true);
    lua.push_function(runtime, turns, 0);
    let status = lua.pcall(0, 0, 0);
    runtime.running.set(false);
    if status == Status::Ok {
        return 0;
    }
    if let Some(key) = runtime.current.take() {
        // The error came between the task and us: memory ran out.
        if tasks::push_and_forget(lua, runtime, key) {
            lua.pop(1);
        }
    }
    leave(runtime);
    lua.raise_top()
}

/// Notes that no task runs.
fn leave(runtime: &Runtime) {
    runtime.current.set(None);
    runtime.current_coroutine.set(std::ptr::null_mut());
}

/// What one turn starts with.
struct Turn {
    ready: usize,
    foreign: bool,
}

fn turns(lua: State, runtime: &Runtime) -> c_int {
    let pinned = runtime.pins.depth();
    lua.check_stack(20);
    loop {
        runtime.pins.unwind_to(pinned);
        // Everything that is about to run is disarmed before any of it runs.
        let turn = runtime.enter(lua, |core| {
            let ready = core.ready();
            let foreign = core.disarm_ready(ready);
            Turn { ready, foreign }
        });
        if turn.foreign {
            disarm_foreign(lua, runtime, turn.ready);
        }
        let now = runtime.enter(lua, |core| core.clock.now());
        for _ in 0..turn.ready {
            if let Some(key) = runtime.enter(lua, |core| core.start_next(now)) {
                run_task(lua, runtime, key);
                lua.set_top(0);
            }
        }
        if runtime.enter(lua, |core| core.live() == 0) {
            return 0;
        }
        if runtime.enter(lua, |core| core.is_deadlocked()) && !deadlock::resolve(lua, runtime) {
            deadlock::report(lua, runtime);
        }
        wait(lua, runtime);
        timers::call_due(lua, runtime);
        foreign::call_wakes(lua, runtime);
        lua.set_top(0);
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

/// Waits for something to happen, and lets the interpreter act on signals.
fn wait(lua: State, runtime: &Runtime) {
    let failure = runtime.enter(lua, |core| match core.poll() {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => error.raw_os_error(),
        _ => None,
    });
    if let Some(code) = failure {
        raise(lua, DIRECT, format_args!("cosock: waiting failed (errno {code})"));
    }
    if lua.has_hook() {
        // Ctrl-C sets a hook, which fires at the next call in this state.
        lua.push_function(runtime, nothing, 0);
        lua.call(0, 0);
    }
}

fn nothing(_: State, _: &Runtime) -> c_int {
    0
}

/// Resumes a task with what it waited for.
fn run_task(lua: State, runtime: &Runtime, key: TaskKey) {
    let Some(task) = runtime.task(key) else { return };
    // SAFETY: a living task's coroutine is anchored in the slots table.
    let coroutine = unsafe { State::new(task.coroutine) };
    runtime.current.set(Some(key));
    let arguments = match task.anchored {
        0 => match start_or_select(lua, runtime, key, coroutine) {
            Some(arguments) => arguments,
            None => return leave(runtime),
        },
        anchored => {
            if !coroutine.is_yielded()
                || coroutine.top() < anchored
                || coroutine.to_pointer(-1) != token()
            {
                abandon(lua, runtime, key, coroutine);
                return leave(runtime);
            }
            match complete(lua, runtime, key, &task, coroutine) {
                Some(arguments) => arguments,
                None => return leave(runtime),
            }
        }
    };
    resume(lua, runtime, key, coroutine, arguments);
    leave(runtime);
}

/// Tries the operation of a parked task; moves its results to the coroutine, or parks it again.
fn complete(
    lua: State,
    runtime: &Runtime,
    key: TaskKey,
    task: &Task,
    coroutine: State,
) -> Option<c_int> {
    let data = match task.shape {
        // An interrupted task's anchor was checked; a string it is, as `send` left it.
        Shape::Sent { base, end } => match coroutine.to_bytes(-2) {
            Some(data) if end <= data.len() => &data[base..end],
            _ => &[],
        },
        _ => &[],
    };
    let tried = runtime.enter(lua, |core| match core.take_wait(key) {
        (Wait::Operation(operation), _) => core.try_operation(key, operation, data),
        _ => Tried::Complete(Outcome::Slept),
    });
    let Tried::Complete(outcome) = tried else { return None };
    if let Outcome::Look { timed_out } = outcome {
        return look(lua, runtime, key, coroutine, timed_out);
    }
    let base = lua.top();
    let (object, extra) = if task.anchored == 4 {
        coroutine.pop(1);
        coroutine.move_to(lua, 3);
        (base + 1, base + 3)
    } else {
        coroutine.pop(task.anchored);
        (0, 0)
    };
    let count = outcome::push(lua, runtime, outcome, task.shape, object, extra);
    if !coroutine.has_stack(count) {
        raise(lua, DIRECT, format_args!("too many results to resume a task with"));
    }
    lua.move_to(coroutine, count);
    lua.set_top(base);
    Some(count)
}

/// Gives a task parked in a channel's `receive` its message, or parks it again.
fn look(
    lua: State,
    runtime: &Runtime,
    key: TaskKey,
    coroutine: State,
    timed_out: bool,
) -> Option<c_int> {
    let base = lua.top();
    let queue = coroutine.userdata(-3, runtime.classes.get().queue);
    let Some(queue) = queue else {
        abandon(lua, runtime, key, coroutine);
        return None;
    };
    coroutine.push_value(-3);
    coroutine.move_to(lua, 1);
    let count = if channel::pop(lua, queue, base + 1) {
        1
    } else if queue.is_closed() || timed_out {
        lua.push_nil();
        lua.push_str(if queue.is_closed() { "closed" } else { "timeout" });
        2
    } else {
        // Somebody else took the message.
        let serial = runtime.enter(lua, |core| core.park_again(key, Operation::Message));
        queue.wait(key, serial);
        lua.set_top(base);
        return None;
    };
    coroutine.pop(4);
    lua.move_to(coroutine, count);
    lua.set_top(base);
    Some(count)
}

/// Prepares the first resume of a task, or one with the results of a select.
fn start_or_select(
    lua: State,
    runtime: &Runtime,
    key: TaskKey,
    coroutine: State,
) -> Option<c_int> {
    let timed_out = runtime.enter(lua, |core| {
        let (wait, timed_out) = core.take_wait(key);
        let mut woken = runtime.woken.borrow_mut();
        woken.clear();
        match wait {
            Wait::Select(mut select) => {
                woken.append(&mut select.take_woken());
                Some(timed_out)
            }
            _ => None,
        }
    });
    let base = lua.top();
    match timed_out {
        Some(timed_out) => {
            if !coroutine.is_yielded() {
                abandon(lua, runtime, key, coroutine);
                return None;
            }
            coroutine.set_top(0);
            select::push_results(lua, runtime, key, timed_out);
        }
        None => {
            if !coroutine.is_fresh() {
                abandon(lua, runtime, key, coroutine);
                return None;
            }
            lua.set_top(base + 3);
        }
    }
    if !coroutine.has_stack(3) {
        raise(lua, DIRECT, format_args!("too many values on the stack of a task"));
    }
    lua.move_to(coroutine, 3);
    Some(3)
}

/// Drops a task whose coroutine somebody else has resumed or closed while it was parked.
fn abandon(lua: State, runtime: &Runtime, key: TaskKey, coroutine: State) {
    if coroutine.is_yielded() {
        eprintln!("cosock: a parked task was resumed from outside and waits no longer");
    }
    if tasks::push_and_forget(lua, runtime, key) {
        lua.pop(1);
    }
}

fn resume(lua: State, runtime: &Runtime, key: TaskKey, coroutine: State, arguments: c_int) {
    runtime.current_coroutine.set(coroutine.raw());
    let (status, count) = coroutine.resume(lua, arguments);
    runtime.current_coroutine.set(std::ptr::null_mut());
    match status {
        Status::Yield if runtime.task(key).is_none() => {
            // `reset` was called: it is not waited for any more.
        }
        Status::Yield => park(lua, runtime, key, coroutine, count),
        Status::Ok => {
            if tasks::push_and_forget(lua, runtime, key) {
                lua.pop(1);
            }
        }
        Status::Error => {
            lua.push_traceback(coroutine, None, 0);
            coroutine.move_to(lua, 1);
            report(lua, runtime, key);
        }
    }
}

/// Parks a task that has yielded: on a method's operation, or by the protocol.
fn park(lua: State, runtime: &Runtime, key: TaskKey, coroutine: State, count: c_int) {
    if count > 0 && coroutine.to_pointer(-1) == token() {
        let shape = park_operation(lua, runtime, key);
        if shape == Some(Shape::Message)
            && let Some(queue) = coroutine.userdata(-3, runtime.classes.get().queue)
        {
            let serial = runtime.enter(lua, |core| core.serial(key));
            queue.wait(key, serial.unwrap_or(0));
        }
        return;
    }
    runtime.note(key, |task| task.anchored = 0);
    lua.push_function(runtime, select::arm, 0);
    let given = count.min(3);
    for _ in 0..given {
        // Each push moves the next value to the same distance from the top.
        coroutine.push_value(-count);
    }
    coroutine.move_to(lua, given);
    if lua.pcall(given, 0, 0) != Status::Ok {
        fail_with(lua, runtime, key);
    }
}

fn park_operation(lua: State, runtime: &Runtime, key: TaskKey) -> Option<Shape> {
    runtime.enter(lua, |core| {
        let pending = runtime.pending.borrow_mut().take()?;
        let (shape, timeout) = (pending.shape, pending.timeout);
        runtime.note(key, |task| {
            task.shape = shape;
            task.anchored = pending.anchored;
            task.timeout = timeout;
            task.listed = match (&pending.operation, pending.interest) {
                (Operation::Sleep | Operation::Lookup { .. }, _) => (0, 0),
                (_, cosock_core::reactor::Interest::Read) => (1, 0),
                (_, cosock_core::reactor::Interest::Write) => (0, 1),
            };
        });
        core.park_operation(key, pending.operation, pending.interest, timeout, pending.object);
        Some(shape)
    })
}

/// Fails a task with the error value on top, which somebody raised on its behalf.
pub(crate) fn fail_with(lua: State, runtime: &Runtime, key: TaskKey) {
    match runtime.task(key) {
        Some(task) => {
            // SAFETY: a living task's coroutine is anchored in the slots table.
            let coroutine = unsafe { State::new(task.coroutine) };
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
    lua.push_kept(kept.slots);
    lua.raw_get_at(-1, tasks::handle_slot(key.index));
    lua.remove(-2);
    lua.push_kept(kept.handlers);
    lua.raw_get_at(-1, key.index as usize + 1);
    lua.remove(-2);
    if lua.is_nil(-1) && runtime.handler.get() != 0 {
        lua.pop(1);
        lua.push_kept(runtime.handler.get());
    }
    if tasks::push_and_forget(lua, runtime, key) {
        lua.pop(1);
    }
    leave(runtime);
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
    lua.kind(index) == Kind::String
        && lua.to_bytes(index).is_some_and(|text| text.ends_with(b"interrupted!"))
}

/// Raises the error value on top, with the traceback below it when it is a text.
fn raise_report(lua: State) -> ! {
    let old = cfg!(any(feature = "lua51", feature = "luajit"));
    match lua.kind(-1) {
        Kind::String | Kind::Number => {
            lua.push_str("\n");
            lua.push_value(-3);
            lua.concat(3);
        }
        Kind::Nil if !old => lua.pop(1),
        _ => {}
    }
    lua.raise_top()
}

/// `sleep(t)` in a task's own coroutine.
pub(crate) fn sleep(lua: State, runtime: &Runtime) -> c_int {
    let called = crate::arguments::Called::wrapped(lua, "sleep");
    lua.set_top(1);
    let timeout = match crate::arguments::timeout(lua, called, 1) {
        None if lua.to_number(1).is_some() => Some(0.0),
        timeout => timeout,
    };
    if runtime.task_of(lua).is_none() {
        match timeout {
            Some(seconds) => lua.push_number(seconds),
            None => lua.push_nil(),
        }
        return crate::socket::go_on_in_lua(lua, runtime, c"sleep", 1);
    }
    *runtime.pending.borrow_mut() = Some(crate::runtime::Pending {
        operation: Operation::Sleep,
        interest: cosock_core::reactor::Interest::Read,
        timeout,
        object: 0,
        shape: Shape::Nothing,
        anchored: 1,
    });
    lua.push_pointer(token());
    lua.yield_values(1)
}
