//! `cosock.spawn` and task handles.

use std::ffi::c_int;

use cosock_core::scheduler::TaskKey;

use crate::anchors::{self, place_slot};
use crate::arguments::{Called, DIRECT, raise, refuse, refuse_kind};
use crate::ffi::{Kind, State, Status};
use crate::foreign;
use crate::run;
use crate::runtime::{Note, Runtime};

/// Where its table has the coroutine that called `reset`, until its run is over; else there is `false`.
const LAST_RESET: usize = 1;

/// Lets go of the coroutine that called `reset`. Does not raise, once it has been called.
pub(crate) fn release_last_reset(lua: State, runtime: &Runtime) {
    lua.push_kept(runtime.kept.get().last_reset);
    lua.push_bool(false);
    lua.raw_set_at(-2, LAST_RESET);
    lua.pop(1);
}

/// `cosock.spawn(fn [, name [, {onerror = fn}]])`: returns the task's handle.
pub(crate) fn spawn(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "spawn");
    if lua.kind(1) != Kind::Function {
        refuse_kind(lua, called, 1, "function");
    }
    let named = called.count > 1 && !lua.is_nil(2);
    let watched_over = called.count > 2 && push_handler(lua, called);
    let kept = runtime.kept.get();
    lua.new_table(0, c_int::from(named));
    let handle = lua.top();
    if named {
        lua.push_value(2);
        lua.raw_set_field(handle, c"name");
    }
    lua.push_kept(kept.handle_meta);
    lua.set_metatable(handle);
    let coroutine = lua.new_coroutine();
    lua.push_value(1);
    lua.move_to(coroutine, 1);
    if watched_over {
        // What may raise comes first, for a task without its handler must not exist. Setting fields runs no
        // collection, so the place stays free meanwhile.
        let place = anchors::prepare(lua, runtime);
        lua.push_kept(kept.handlers);
        lua.push_value(handle - 1);
        lua.raw_set_at(-2, place_slot(place));
        lua.pop(1);
    }
    let note = Note {
        has_more: watched_over,
        ..Note::default()
    };
    anchors::spawn(lua, runtime, coroutine, note, handle);
    1
}

/// Pushes the error handler among the options in argument 3; tells whether there is one.
#[cold]
fn push_handler(lua: State, called: Called) -> bool {
    if lua.kind(3) != Kind::Table {
        return false;
    }
    lua.set_top(3);
    lua.get_field(3, c"onerror");
    if !lua.is_nil(4) && lua.kind(4) != Kind::Function {
        let got = lua.type_name(4);
        refuse(
            lua,
            called,
            3,
            format_args!("function 'onerror' expected, got {got}"),
        );
    }
    !lua.is_nil(4)
}

/// The task of the handle in argument 1; `None` once it is over. Raises for anything but a handle.
fn task_of_handle(lua: State, runtime: &Runtime, called: Called) -> Option<TaskKey> {
    if lua.kind(1) != Kind::Table {
        refuse_kind(lua, called, 1, "task handle");
    }
    anchors::task_of_handle(lua, runtime, 1)
}

/// `handle:is_alive()`.
pub(crate) fn is_alive(lua: State, runtime: &Runtime) -> c_int {
    let key = task_of_handle(lua, runtime, Called::direct(lua, "is_alive"));
    let alive = key.is_some_and(|key| runtime.enter(lua, |core| core.is_alive(key)));
    lua.push_bool(alive);
    1
}

/// `handle:cancel()`.
pub(crate) fn cancel(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "cancel");
    let Some(key) = task_of_handle(lua, runtime, called) else {
        return 0;
    };
    if runtime.current.get() == Some(key) {
        raise(
            lua,
            called.level,
            format_args!("Attempt to cancel a spawned task from itself"),
        );
    }
    lua.set_top(1);
    let coroutine = push_and_forget(lua, runtime, key);
    if coroutine {
        close_coroutine(lua, runtime);
    }
    raise_interruption(lua, runtime);
    0
}

/// Ends a task: first here and in the core, then its foreign objects are told.
///
/// Pushes its coroutine; tells whether there was one.
pub(crate) fn push_and_forget(lua: State, runtime: &Runtime, key: TaskKey) -> bool {
    let kept = runtime.kept.get();
    if !runtime.has_task(key) {
        return false;
    }
    lua.check_stack(12);
    let found = anchors::push_coroutine(lua, runtime, key).is_some();
    let coroutine = lua.top();
    lua.push_kept(kept.selects);
    lua.raw_get_at(-1, place_slot(key.index));
    let objects = lua.top();
    for table in [kept.selects, kept.handlers] {
        lua.push_kept(table);
        lua.raw_get_at(-1, place_slot(key.index));
        if !lua.is_nil(-1) {
            lua.push_nil();
            lua.raw_set_at(-3, place_slot(key.index));
        }
        lua.set_top(objects);
    }
    anchors::release(runtime, key);
    lua.set_top(objects);
    runtime.enter(lua, |core| core.finish(key));
    if lua.kind(objects) == Kind::Table {
        // An error of theirs is lost: who ends a task is not who waited on them.
        foreign::disarm_all(lua, runtime, objects);
    }
    lua.set_top(coroutine);
    found
}

/// [`push_and_forget`] for a task that has returned, of which there is less to undo.
#[inline]
pub(crate) fn forget_returned(lua: State, runtime: &Runtime, key: TaskKey) {
    let is_over = runtime.enter(lua, |core| {
        core.finish_if(key, |note| !Note::of(note).has_more)
    });
    if is_over {
        anchors::release(runtime, key);
    } else if push_and_forget(lua, runtime, key) {
        lua.pop(1);
    }
}

/// Pops a coroutine and closes it where the language can: its to-be-closed variables run.
pub(crate) fn close_coroutine(lua: State, runtime: &Runtime) {
    lua.push_kept(runtime.kept.get().close);
    if lua.is_nil(-1) {
        lua.pop(2);
        return;
    }
    lua.insert(-2);
    let close = || {
        lua.push_value(-2);
        lua.push_value(-2);
        lua.pcall(1, 0, 0) == Status::Ok
    };
    // Ctrl-C comes before the call, which it keeps from being made.
    if !close() && (!run::was_interrupted(lua, runtime) || !close()) {
        // Other errors are lost, as those of a collected coroutine would be.
        lua.pop(1);
    }
    lua.pop(2);
}

/// Raises what Ctrl-C has left for the end of a turn, where none is under way.
fn raise_interruption(lua: State, runtime: &Runtime) {
    if !runtime.running.get() && runtime.interrupted.take() {
        raise(lua, DIRECT, format_args!("interrupted!"));
    }
}

/// `tostring(handle)`.
pub(crate) fn to_string(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "tostring");
    if lua.kind(1) != Kind::Table {
        refuse_kind(lua, called, 1, "task handle");
    }
    lua.raw_get_field(1, c"name");
    match lua.kind(-1) {
        Kind::String => return 1,
        Kind::Nil => {}
        Kind::Boolean if !lua.to_bool(-1) => {}
        _ => {
            lua.global(c"tostring");
            lua.insert(-2);
            lua.call(1, 1);
            return 1;
        }
    }
    let key = task_of_handle(lua, runtime, called);
    match key.and_then(|key| anchors::push_coroutine(lua, runtime, key)) {
        Some(coroutine) => lua.push_coroutine_text(coroutine.raw()),
        None => lua.push_str("dead-thread"),
    }
    1
}

/// `cosock.reset()`: forgets every task, timer and readiness.
pub(crate) fn reset(lua: State, runtime: &Runtime) -> c_int {
    // Once is enough, unless an object that is told of it spawns.
    while forget_others(lua, runtime) {}
    if let Some(key) = runtime.current.get() {
        // Its code goes on up to its next wait, and then it is gone like the others. Until then its
        // coroutine needs an anchor.
        if push_and_forget(lua, runtime, key) {
            lua.push_kept(runtime.kept.get().last_reset);
            lua.insert(-2);
            lua.raw_set_at(-2, LAST_RESET);
            // There is no task any more that could be parked.
            runtime.current.set(None);
        }
    }
    crate::timers::clear(lua, runtime);
    raise_interruption(lua, runtime);
    0
}

/// Ends every task but the one that runs; tells whether there were any.
fn forget_others(lua: State, runtime: &Runtime) -> bool {
    let mut any = false;
    for key in runtime.keys() {
        if runtime.current.get() != Some(key) && runtime.has_task(key) {
            any = true;
            if push_and_forget(lua, runtime, key) {
                lua.pop(1);
            }
        }
    }
    any
}

/// `cosock.seterrorhandler(fn)`: who is told of errors of tasks without a handler of their own.
pub(crate) fn set_error_handler(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "seterrorhandler");
    lua.set_top(1);
    if !lua.is_nil(1) && lua.kind(1) != Kind::Function {
        refuse_kind(lua, called, 1, "function");
    }
    let old = runtime.handler.replace(0);
    if old != 0 {
        lua.release(old);
    }
    if !lua.is_nil(1) {
        let number = lua.keep();
        runtime.handler.set(number);
    }
    0
}
