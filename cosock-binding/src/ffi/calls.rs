//! Calls, coroutines and errors.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
use std::ffi::{CStr, c_int};

use mlua::ffi;

use super::{RawState, State, Status};
#[cfg(continuations)]
use crate::runtime::token;

// SAFETY of the whole block: rules 1 to 3 of `ffi`; each method adds what is its own.
#[allow(clippy::undocumented_unsafe_blocks)]
impl State {
    /// Calls; raises whatever the callee raises.
    pub(crate) fn call(self, arguments: c_int, results: c_int) {
        unsafe { ffi::lua_call(self.0, arguments, results) }
    }

    /// Calls and catches; on error the error value is on top. `handler` is 0 or a stack index.
    pub(crate) fn pcall(self, arguments: c_int, results: c_int, handler: c_int) -> Status {
        Status::of(unsafe { ffi::lua_pcall(self.0, arguments, results, handler) })
    }

    /// Calls, and tells whether there was enough memory; raises whatever else the callee raises.
    pub(crate) fn call_in_memory(self, arguments: c_int, results: c_int) -> bool {
        match unsafe { ffi::lua_pcall(self.0, arguments, results, 0) } {
            ffi::LUA_OK => true,
            ffi::LUA_ERRMEM => {
                self.pop(1);
                false
            }
            _ => self.raise_top(),
        }
    }

    /// Calls as the last act, and returns all the results of the callee, which may yield.
    #[cfg(continuations)]
    pub(crate) fn tail_call(self, arguments: c_int) -> c_int {
        let base = self.top() - arguments - 1;
        // What lies below the call does not matter: only results are above it afterwards.
        for _ in 0..base {
            self.remove(1);
        }
        unsafe {
            ffi::lua_callk(self.0, arguments, ffi::LUA_MULTRET, 0, Some(all_results));
        }
        self.top()
    }

    /// Yields the top `count` values; to be returned at once.
    pub(crate) fn yield_values(self, count: c_int) -> c_int {
        unsafe { ffi::lua_yield(self.0, count) }
    }

    /// [`State::yield_values`]; what is resumed with the token and an error raises the error, where C
    /// functions go on after a yield. Elsewhere a Lua frame in front does so, which on LuaJIT yields as
    /// well: see `is_in_hook`.
    pub(crate) fn yield_or_raise(self, count: c_int) -> c_int {
        #[cfg(feature = "luajit")]
        if unsafe { lua_isyieldable(self.0) } != 0 {
            return count;
        }
        #[cfg(not(continuations))]
        return self.yield_values(count);
        #[cfg(continuations)]
        unsafe {
            ffi::lua_yieldk(self.0, count, 0, Some(results_or_raise))
        }
    }

    /// Has the processor fetch the coroutine at this address, which is to be resumed soon. It is a hint:
    /// nothing is read.
    #[inline]
    pub(crate) fn fetch(coroutine: *const RawState) {
        #[cfg(target_arch = "x86_64")]
        for line in 0..4 {
            let place = coroutine.cast::<i8>().wrapping_add(line * 64);
            unsafe { _mm_prefetch::<_MM_HINT_T0>(place) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = coroutine;
    }

    /// Resumes this coroutine from `from`; tells how it ended and how many values it left on top.
    pub(crate) fn resume(self, from: State, arguments: c_int) -> (Status, c_int) {
        let mut results = 0;
        let code = unsafe { ffi::lua_resume(self.0, from.0, arguments, &mut results) };
        (Status::of(code), results)
    }

    /// [`State::resume`], counting the depth of calls from that of `from`, as 5.1 does not by itself.
    pub(crate) fn resume_nested(self, from: State, arguments: c_int) -> (Status, c_int) {
        #[cfg(feature = "lua51")]
        unsafe {
            lua_setlevel(from.0, self.0);
        }
        self.resume(from, arguments)
    }

    /// Whether this coroutine waits in a yield.
    pub(crate) fn is_yielded(self) -> bool {
        unsafe { ffi::lua_status(self.0) == ffi::LUA_YIELD }
    }

    /// Whether this coroutine has not started.
    pub(crate) fn is_fresh(self) -> bool {
        unsafe { ffi::lua_status(self.0) == ffi::LUA_OK && ffi::lua_gettop(self.0) > 0 }
    }

    /// Makes a coroutine and pushes it. May raise for lack of memory.
    pub(crate) fn new_coroutine(self) -> State {
        unsafe { State(ffi::lua_newthread(self.0)) }
    }

    /// Whether a yield is possible here, as far as this version tells.
    pub(crate) fn is_yieldable(self) -> Option<bool> {
        #[cfg(any(feature = "lua51", feature = "lua52"))]
        return None;
        #[cfg(feature = "luajit")]
        return unsafe { Some(lua_isyieldable(self.0) != 0) };
        #[cfg(since_lua53)]
        return unsafe { Some(ffi::lua_isyieldable(self.0) != 0) };
    }

    /// Joins the top `count` strings into one. May raise for lack of memory.
    pub(crate) fn concat(self, count: c_int) {
        unsafe { ffi::lua_concat(self.0, count) }
    }

    /// Raises the value on top.
    pub(crate) fn raise_top(self) -> ! {
        unsafe { ffi::lua_error(self.0) }
    }

    /// Pushes the position of the function at `level`, or of the one that called it where that is
    /// our own Lua; an empty string for a C function.
    pub(crate) fn push_where(self, level: c_int) {
        for level in level.. {
            unsafe { ffi::luaL_where(self.0, level) };
            let ours = |place: &[u8]| place.starts_with(b"[cosock");
            if !self.to_bytes(-1).is_some_and(ours) {
                return;
            }
            self.pop(1);
        }
    }

    /// Pushes the source and line at `level` of another coroutine, where nothing is made: an error in
    /// it would have nobody to catch it. An empty string for a C function, or beyond the end.
    pub(crate) fn push_place(self, of: State, level: c_int) {
        unsafe {
            let mut debug: ffi::lua_Debug = std::mem::zeroed();
            if ffi::lua_getstack(of.0, level, &mut debug) != 0
                && ffi::lua_getinfo(of.0, c"Sl".as_ptr(), &mut debug) != 0
                && debug.currentline > 0
            {
                let (source, line) = (debug.short_src.as_ptr(), debug.currentline);
                ffi::lua_pushfstring(self.0, c"%s:%d".as_ptr(), source, line);
                return;
            }
        }
        self.push_bytes(b"");
    }

    /// Pushes a traceback of `of`, below the message on top, which it replaces when there is one.
    pub(crate) fn push_traceback(self, of: State, message: Option<&CStr>, level: c_int) {
        let message = message.map_or(std::ptr::null(), CStr::as_ptr);
        unsafe { ffi::luaL_traceback(self.0, of.0, message, level) }
    }

    /// Pushes the function that runs at `level` of this coroutine's stack; `None` beyond its end.
    /// Tells whether it is a C function.
    pub(crate) fn push_running(self, level: c_int) -> Option<bool> {
        unsafe {
            let mut debug: ffi::lua_Debug = std::mem::zeroed();
            if ffi::lua_getstack(self.0, level, &mut debug) == 0 {
                return None;
            }
            ffi::lua_getinfo(self.0, c"f".as_ptr(), &mut debug);
        }
        Some(self.is_c_function(-1))
    }

    /// Whether no yield passes the function at `level` of this coroutine's stack, as it is one of C or
    /// the iterator of a `for`; `None` beyond the stack's end.
    #[cfg(own_pcall)]
    pub(crate) fn stops_yields_at(self, level: c_int) -> Option<bool> {
        unsafe {
            let mut debug: ffi::lua_Debug = std::mem::zeroed();
            if ffi::lua_getstack(self.0, level, &mut debug) == 0 {
                return None;
            }
            ffi::lua_getinfo(self.0, c"nS".as_ptr(), &mut debug);
            // Lua's words are "C", "Lua", "main" and "tail".
            let is_c = *debug.what.cast::<u8>() == b'C';
            let is_iterator =
                !debug.name.is_null() && CStr::from_ptr(debug.name) == c"(for generator)";
            Some(is_c || is_iterator)
        }
    }

    /// Whether this coroutine died for lack of memory.
    #[cfg(own_pcall)]
    pub(crate) fn is_out_of_memory(self) -> bool {
        unsafe { ffi::lua_status(self.0) == ffi::LUA_ERRMEM }
    }

    /// Whether a debug hook is set, such as the one by which Ctrl-C interrupts.
    pub(crate) fn has_hook(self) -> bool {
        unsafe { ffi::lua_gethook(self.0).is_some() }
    }

    /// Whether the hook is one as interpreters set at Ctrl-C: for the next thing that happens, of any kind.
    pub(crate) fn is_interrupted(self) -> bool {
        const EVENTS: c_int = ffi::LUA_MASKCALL | ffi::LUA_MASKRET | ffi::LUA_MASKCOUNT;
        unsafe {
            ffi::lua_gethookmask(self.0) & EVENTS == EVENTS && ffi::lua_gethookcount(self.0) == 1
        }
    }

    /// Whether this runs in a finalizer or a hook. There LuaJIT takes whatever a C function yields, in any
    /// coroutine, for the yield of a hook, and breaks the coroutine's stack. It tells by hooks that are
    /// not called; `nothing` is what would have one called.
    #[cfg(feature = "luajit")]
    pub(crate) fn is_in_hook(self, nothing: impl FnOnce()) -> bool {
        unsafe extern "C-unwind" fn fired(state: *mut RawState, _: *mut ffi::lua_Debug) {
            unsafe { ffi::lua_sethook(state, None, 0, 0) };
        }
        let is_ours = |hook: Option<ffi::lua_Hook>| {
            hook.is_some_and(|hook| std::ptr::fn_addr_eq(hook, fired as ffi::lua_Hook))
        };
        unsafe {
            let before = ffi::lua_gethook(self.0);
            let events = ffi::lua_gethookmask(self.0);
            let count = ffi::lua_gethookcount(self.0);
            ffi::lua_sethook(self.0, Some(fired), ffi::LUA_MASKCALL, 0);
            nothing();
            let now = ffi::lua_gethook(self.0);
            let is_silent = is_ours(now);
            // Else Ctrl-C has set one meanwhile.
            if is_silent || now.is_none() {
                ffi::lua_sethook(self.0, before, events, count);
            }
            is_silent
        }
    }

    /// One full collection. Finalizers run, so anything may happen.
    pub(crate) fn collect(self) {
        unsafe {
            ffi::lua_gc(self.0, ffi::LUA_GCCOLLECT, 0);
        }
    }

    /// Whether a full collection may be asked for. 5.3 never returns from one in a finalizer while the
    /// state closes, and does not tell that from a collector that was stopped.
    pub(crate) fn may_collect(self) -> bool {
        #[cfg(feature = "lua53")]
        return unsafe { ffi::lua_gc(self.0, ffi::LUA_GCISRUNNING, 0) != 0 };
        #[cfg(not(feature = "lua53"))]
        true
    }

    /// Stops the collector; tells whether it ran. In finalizers of 5.4 and later it never does.
    #[cfg(since_lua52)]
    pub(crate) fn stop_collector(self) -> bool {
        unsafe {
            let runs = ffi::lua_gc(self.0, ffi::LUA_GCISRUNNING, 0) == 1;
            if runs {
                ffi::lua_gc(self.0, ffi::LUA_GCSTOP, 0);
            }
            runs
        }
    }

    /// Undoes [`State::stop_collector`].
    #[cfg(since_lua52)]
    pub(crate) fn restart_collector(self) {
        unsafe {
            ffi::lua_gc(self.0, ffi::LUA_GCRESTART, 0);
        }
    }

    /// Loads a chunk of our own and pushes it as a function; raises if it does not compile.
    pub(crate) fn load(self, name: &CStr, source: &str) {
        let status = unsafe {
            ffi::luaL_loadbuffer(self.0, source.as_ptr().cast(), source.len(), name.as_ptr())
        };
        if status != ffi::LUA_OK {
            self.raise_top();
        }
    }
}

#[cfg(feature = "lua51")]
unsafe extern "C-unwind" {
    fn lua_setlevel(from: *mut RawState, to: *mut RawState);
}

#[cfg(feature = "luajit")]
unsafe extern "C-unwind" {
    fn lua_isyieldable(state: *mut RawState) -> c_int;
}

#[cfg(feature = "lua52")]
unsafe extern "C-unwind" fn all_results(raw: *mut RawState) -> c_int {
    // SAFETY: Lua calls the continuation with a live state.
    unsafe { ffi::lua_gettop(raw) }
}

#[cfg(since_lua53)]
unsafe extern "C-unwind" fn all_results(
    raw: *mut RawState,
    _status: c_int,
    _context: ffi::lua_KContext,
) -> c_int {
    // SAFETY: Lua calls the continuation with a live state.
    unsafe { ffi::lua_gettop(raw) }
}

#[cfg(feature = "lua52")]
unsafe extern "C-unwind" fn results_or_raise(raw: *mut RawState) -> c_int {
    raise_if_failed(State(raw))
}

#[cfg(since_lua53)]
unsafe extern "C-unwind" fn results_or_raise(
    raw: *mut RawState,
    _status: c_int,
    _context: ffi::lua_KContext,
) -> c_int {
    raise_if_failed(State(raw))
}

#[cfg(continuations)]
fn raise_if_failed(lua: State) -> c_int {
    let count = lua.top();
    if count == 2 && lua.to_pointer(1) == token() {
        lua.raise_top();
    }
    count
}

/// The main coroutine of the state, or null where it cannot be told: on 5.1 and LuaJIT from within
/// another coroutine.
pub(crate) fn main_coroutine(lua: State) -> *mut RawState {
    if lua.push_self() {
        lua.pop(1);
        return lua.0;
    }
    lua.pop(1);
    #[cfg(not(since_lua52))]
    return std::ptr::null_mut();
    #[cfg(since_lua52)]
    {
        // SAFETY: rules 1 and 3.
        unsafe { ffi::lua_rawgeti(lua.0, super::REGISTRY, ffi::LUA_RIDX_MAINTHREAD as _) };
        let main = lua.to_coroutine(-1).unwrap_or(std::ptr::null_mut());
        lua.pop(1);
        main
    }
}
