//! The errors of tasks, and who is told of them.

use std::ffi::c_int;

use cosock_core::scheduler::TaskKey;

use super::leave;
use crate::anchors::{self, place_slot};
use crate::ffi::{Kind, State};
use crate::runtime::Runtime;
use crate::{tasks, traceback};

/// Fails a task with the error value on top, which somebody raised on its behalf.
pub(crate) fn fail_with(lua: State, runtime: &Runtime, key: TaskKey) {
    // First who is to be told: making the traceback may run a finalizer that ends the task.
    push_told(lua, runtime, key);
    match anchors::push_coroutine(lua, runtime, key) {
        Some(coroutine) => {
            traceback::push(lua, runtime, coroutine);
            lua.remove(-2);
        }
        None => lua.push_str("stack traceback:"),
    }
    lua.insert(-4);
    tell(lua, runtime, key);
}

/// Reports the error of a task, which is over: its traceback and its error value are on top.
///
/// Its handler is told, or the handler of all; without one the error leaves `run`.
pub(super) fn report(lua: State, runtime: &Runtime, key: TaskKey) {
    push_told(lua, runtime, key);
    tell(lua, runtime, key);
}

/// Pushes the handle of a task, and who is told of its error, or nil.
fn push_told(lua: State, runtime: &Runtime, key: TaskKey) {
    // One that is over, as after a `reset` of its own, has none: another task may have its place.
    if runtime.has_task(key) {
        lua.push_kept(runtime.kept.get().handlers);
        lua.raw_get_at(-1, place_slot(key.index));
        lua.remove(-2);
    } else {
        lua.push_nil();
    }
    if lua.is_nil(-1) && runtime.handler.get() != 0 {
        lua.pop(1);
        lua.push_kept(runtime.handler.get());
    }
    if lua.is_nil(-1) {
        lua.push_nil();
    } else {
        anchors::push_handle(lua, runtime, key);
    }
    lua.insert(-2);
}

/// Ends a task and tells of its error: on top are the traceback, the error value, and what `push_told`
/// pushes.
fn tell(lua: State, runtime: &Runtime, key: TaskKey) {
    let coroutine = tasks::push_and_forget(lua, runtime, key);
    leave(runtime);
    if coroutine {
        tasks::close_coroutine(lua, runtime);
    }
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

/// Whether the error on top, of something that the loop called on behalf of a task, is that of Ctrl-C. Then it
/// is popped and leaves `run` at the end of the turn, and the call is to be made again: the hook fires once.
pub(crate) fn was_interrupted(lua: State, runtime: &Runtime) -> bool {
    let interrupted = is_interruption(lua, -1);
    if interrupted {
        runtime.interrupted.set(true);
        lua.pop(1);
    }
    interrupted
}

/// Whether the error is that of Ctrl-C, which is raised in whatever the main state calls, and on LuaJIT in
/// whatever runs.
fn is_interruption(lua: State, index: c_int) -> bool {
    // The interpreter's own text, with or without a position before it.
    let text = lua.string(index).unwrap_or_default();
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
    match lua.kind(-1) {
        Kind::String | Kind::Number => {
            lua.push_str("\n");
            lua.push_value(-3);
            lua.concat(3);
        }
        // As in the rock, in which the traceback alone is left of nil since 5.2.
        Kind::Nil if cfg!(since_lua52) => lua.pop(1),
        _ => {}
    }
    lua.raise_top()
}
