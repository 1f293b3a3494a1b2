//! Ctrl-C: the first one raises "interrupted!" in the main coroutine, a second one ends the process.

use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use mlua::ffi;

use crate::dialect::DIALECT;
use crate::state::State;

/// The main state, for the signal handler.
static INTERRUPTED: AtomicPtr<ffi::lua_State> = AtomicPtr::new(ptr::null_mut());

/// From now on Ctrl-C interrupts `state`, which has to be the main one.
pub(crate) fn arm(state: State) {
    INTERRUPTED.store(state.as_raw(), Ordering::Relaxed);
    set_handler(libc::SIGINT, on_signal as *const () as libc::sighandler_t);
}

/// From now on Ctrl-C ends the process.
pub(crate) fn disarm() {
    set_handler(libc::SIGINT, libc::SIG_DFL);
}

/// Only sets a hook: nothing else may be done to a state that is in the middle of something.
extern "C" fn on_signal(signal: c_int) {
    set_handler(signal, libc::SIG_DFL);
    let mut events = ffi::LUA_MASKCALL | ffi::LUA_MASKRET | ffi::LUA_MASKCOUNT;
    if DIALECT.interrupt.on_lines {
        events |= ffi::LUA_MASKLINE;
    }
    let state = INTERRUPTED.load(Ordering::Relaxed);
    // SAFETY: the handler is set while a chunk runs in the state, so it is live, and Lua allows this
    // one function to be called from a signal handler.
    unsafe { ffi::lua_sethook(state, Some(stop), events, 1) };
}

/// The hook: raises the error, once.
unsafe extern "C-unwind" fn stop(state: *mut ffi::lua_State, _event: *mut ffi::lua_Debug) {
    // SAFETY: Lua calls this with a live state.
    unsafe { ffi::lua_sethook(state, None, 0, 0) };
    // SAFETY: the same, and it is used up here.
    let state = unsafe { State::from_raw(state) };
    state.position(DIALECT.interrupt.level);
    state.push(b"interrupted!");
    state.concat(2);
    state.raise();
}

fn set_handler(signal: c_int, handler: libc::sighandler_t) {
    if DIALECT.interrupt.restarts_calls {
        // SAFETY: `handler` is the default action or `on_signal`, which is safe to run at any time.
        unsafe { libc::signal(signal, handler) };
        return;
    }
    // SAFETY: as above; all zeroes is a valid action without flags, whose mask is set here.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        libc::sigemptyset(&mut action.sa_mask);
        libc::sigaction(signal, &action, ptr::null_mut());
    }
}
