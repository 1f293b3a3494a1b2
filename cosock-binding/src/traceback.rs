//! Tracebacks of coroutines that do not run.

#[cfg(since_lua52)]
use std::ffi::c_int;

use crate::ffi::State;
#[cfg(since_lua52)]
use crate::ffi::Status;
use crate::runtime::Runtime;

/// Pushes the traceback of a coroutine that its caller keeps alive.
///
/// The collector does not wait meanwhile, as it does below: these versions do not tell whether the program has stopped
/// it, so nobody could know whether to start it again.
#[cfg(not(since_lua52))]
pub(crate) fn push(lua: State, _: &Runtime, coroutine: State) {
    lua.push_traceback(coroutine, None, 0);
}

/// Pushes the traceback of a coroutine that its caller keeps alive.
///
/// Between two looks at the same frame Lua makes strings. So that no finalizer closes the coroutine or goes
/// on with it then, which takes the frame away, the collector waits.
#[cfg(since_lua52)]
pub(crate) fn push(lua: State, runtime: &Runtime, coroutine: State) {
    if coroutine == lua {
        return lua.push_traceback(coroutine, None, 0);
    }
    lua.push_function(runtime, make, 0);
    lua.push_pointer(coroutine.raw().cast_const().cast());
    let stopped = lua.stop_collector();
    // For lack of memory it raises.
    let status = lua.pcall(1, 1, 0);
    if stopped {
        lua.restart_collector();
    }
    if status != Status::Ok {
        lua.raise_top();
    }
}

/// Called with the address of a coroutine.
#[cfg(since_lua52)]
fn make(lua: State, _: &Runtime) -> c_int {
    // SAFETY: it is from `push`, whose caller keeps the coroutine alive.
    let coroutine = unsafe { State::new(lua.to_pointer(1).cast_mut().cast()) };
    lua.push_traceback(coroutine, None, 0);
    1
}
