//! Functions: ours, which find the runtime, and what can be asked of others.

use std::ffi::{CStr, c_int};
use std::sync::atomic::{AtomicPtr, Ordering};

use mlua::ffi;

use super::{RawState, State};
use crate::runtime::{Runtime, raise_closing};

/// A Rust function that Lua can call: it gets the state and the runtime and returns how many
/// results it pushed.
pub(crate) trait Function: Fn(State, &Runtime) -> c_int + Copy + 'static {}
impl<F: Fn(State, &Runtime) -> c_int + Copy + 'static> Function for F {}

/// The first runtime of the process until there is a second: nearly always the only one, and found
/// here at less than the cost of a look at an upvalue. Null from the second on.
static ONLY: AtomicPtr<Runtime> = AtomicPtr::new(NONE_YET);

const NONE_YET: *mut Runtime = std::ptr::without_provenance_mut(1);

/// Notes a runtime before any of its functions can be called.
pub(super) fn note_runtime(runtime: *mut Runtime) {
    let first = ONLY.compare_exchange(NONE_YET, runtime, Ordering::Relaxed, Ordering::Relaxed);
    if first.is_err() {
        ONLY.store(std::ptr::null_mut(), Ordering::Relaxed);
    }
}

/// The runtime of the state whose function runs.
///
/// # Safety
///
/// Upvalue 1 of the function is the runtime's userdata.
#[inline]
unsafe fn runtime_of<'a>(raw: *mut RawState) -> &'a Runtime {
    let only = ONLY.load(Ordering::Relaxed);
    // SAFETY: who has noted a second runtime, and so all that is called in its state, sees null. The
    // runtime lies in the userdata, which lives as long as the state.
    unsafe {
        if only.is_null() {
            &*ffi::lua_touserdata(raw, ffi::lua_upvalueindex(1)).cast::<Runtime>()
        } else {
            &*only
        }
    }
}

/// Calls the zero-sized `F`, with the runtime whose userdata is upvalue 1.
unsafe extern "C-unwind" fn trampoline<F: Function>(raw: *mut RawState) -> c_int {
    // SAFETY: Lua passes a live state. `F` has no size (checked where it is pushed), so any address
    // is an instance. Upvalue 1 is the runtime's userdata, put there by `push_function`.
    unsafe {
        let function = std::ptr::NonNull::<F>::dangling().as_ref();
        let runtime = runtime_of(raw);
        if runtime.is_closed() {
            raise_closing(State(raw));
        }
        function(State(raw), runtime)
    }
}

// SAFETY of the whole block: rules 1 to 3 of `ffi`; each method adds what is its own.
#[allow(clippy::undocumented_unsafe_blocks)]
impl State {
    /// Pushes a function over the top `upvalues` values, to which the runtime is added as first.
    ///
    /// May raise for lack of memory.
    pub(crate) fn push_function(self, runtime: &Runtime, function: impl Function, upvalues: c_int) {
        runtime.push_anchor(self);
        self.insert(-upvalues - 1);
        unsafe { ffi::lua_pushcclosure(self.0, pointer(function), upvalues + 1) }
    }

    /// Pushes an upvalue; returns its name, which lives as long as the function, or `None` if there is
    /// none of this number.
    pub(crate) fn push_upvalue<'a>(self, function: c_int, number: c_int) -> Option<&'a [u8]> {
        unsafe {
            let name = ffi::lua_getupvalue(self.0, function, number);
            (!name.is_null()).then(|| CStr::from_ptr(name).to_bytes())
        }
    }

    /// Pops a value and makes it the upvalue.
    pub(crate) fn set_upvalue(self, function: c_int, number: c_int) {
        unsafe { ffi::lua_setupvalue(self.0, function, number) };
    }

    /// Makes two Lua functions that have an upvalue of this number share it; tells whether this Lua can.
    pub(crate) fn share_upvalue(self, to: c_int, from: c_int, number: c_int) -> bool {
        #[cfg(not(feature = "lua51"))]
        unsafe {
            lua_upvaluejoin(self.0, to, number, from, number);
        }
        #[cfg(feature = "lua51")]
        let _ = (to, from, number);
        cfg!(not(feature = "lua51"))
    }

    /// Whether this coroutine and another have the same table of globals, which `setfenv(0)` replaces.
    #[cfg(own_pcall)]
    pub(crate) fn shares_globals(self, other: State) -> bool {
        self.identity(ffi::LUA_GLOBALSINDEX) == other.identity(ffi::LUA_GLOBALSINDEX)
    }

    /// Gives the coroutine at `index` the globals of this one.
    #[cfg(own_pcall)]
    pub(crate) fn give_globals(self, index: c_int) {
        unsafe {
            ffi::lua_pushvalue(self.0, ffi::LUA_GLOBALSINDEX);
            ffi::lua_setfenv(self.0, index);
        }
    }

    /// Takes over the globals of the coroutine at `index`.
    #[cfg(own_pcall)]
    pub(crate) fn take_globals(self, index: c_int) {
        unsafe {
            ffi::lua_getfenv(self.0, index);
            ffi::lua_replace(self.0, ffi::LUA_GLOBALSINDEX);
        }
    }

    /// Pops a table and makes it the function's environment.
    #[cfg(function_environments)]
    pub(crate) fn set_function_environment(self, function: c_int) {
        unsafe { ffi::lua_setfenv(self.0, function) };
    }

    /// Pushes what the function's chunk is called by, or its text. May raise for lack of memory.
    pub(crate) fn push_source(self, function: c_int) {
        unsafe {
            let mut debug: ffi::lua_Debug = std::mem::zeroed();
            ffi::lua_pushvalue(self.0, function);
            ffi::lua_getinfo(self.0, c">S".as_ptr(), &mut debug);
            ffi::lua_pushstring(self.0, debug.source);
        }
    }

    pub(crate) fn push_globals(self) {
        unsafe { ffi::lua_pushglobaltable(self.0) };
    }
}

#[cfg(feature = "luajit")]
unsafe extern "C-unwind" {
    fn lua_upvaluejoin(state: *mut RawState, to: c_int, to_place: c_int, from: c_int, place: c_int);
}

#[cfg(since_lua52)]
use ffi::lua_upvaluejoin;

fn pointer<F: Function>(_: F) -> ffi::lua_CFunction {
    const { assert!(size_of::<F>() == 0, "a function that captures nothing") };
    trampoline::<F>
}

/// Pushes a plain C function.
///
/// # Safety
///
/// The function holds to the rules of `ffi`.
pub(crate) unsafe fn push_loader(lua: State, function: ffi::lua_CFunction) {
    // SAFETY: rule 1, and the caller's promise.
    unsafe { ffi::lua_pushcfunction(lua.0, function) }
}
