//! What goes to standard error: messages with the program's name in front, and what turns an error
//! object into a message.

use std::ffi::{CStr, c_int};

use mlua::ffi;

use crate::dialect::{CollectAfterError, DIALECT, Handler};
use crate::state::{Failed, State};
use crate::stdio::{self, Output};

/// An error occurred and has been shown.
#[derive(Debug)]
pub(crate) struct Reported;

/// Writes a line, behind the name of the program outside the interactive mode.
pub(crate) fn show(program: Option<&CStr>, message: &CStr) {
    if let Some(program) = program {
        stdio::write(Output::Error, &[program.to_bytes(), b": "]);
    }
    stdio::write(Output::Error, &[message.to_bytes(), b"\n"]);
    stdio::flush(Output::Error);
}

/// Shows the error of a failed outcome, and takes it off the stack.
pub(crate) fn report(
    state: State,
    outcome: Result<(), Failed>,
    program: Option<&CStr>,
) -> Result<(), Reported> {
    outcome.map_err(|_| {
        let shown = show_error(state, program);
        if shown && DIALECT.errors.collect == CollectAfterError::AfterReport {
            state.collect();
        }
        Reported
    })
}

/// Shows the error object on top of the stack, and takes it off. One that is nil by now is shown by no
/// version.
pub(crate) fn show_error(state: State, program: Option<&CStr>) -> bool {
    let is_shown = state.kind(-1) != ffi::LUA_TNIL;
    if is_shown {
        // SAFETY: used up before the value leaves the stack.
        let message = unsafe { state.text(-1) };
        show(program, message.unwrap_or(DIALECT.errors.not_a_string));
    }
    state.pop(1);
    is_shown
}

/// The message handler of all chunks: puts a message in the place of the error object, with a
/// traceback where the version gives one.
pub(crate) unsafe extern "C-unwind" fn handle_error(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: Lua calls this, with the error object.
    let state = unsafe { State::from_raw(state) };
    if state.kind(1) == ffi::LUA_TSTRING || state.kind(1) == ffi::LUA_TNUMBER {
        trace(state);
        return 1;
    }
    match DIALECT.errors.handler {
        Handler::KeepObject => {}
        Handler::AnyMetamethod => {
            if state.kind(1) != ffi::LUA_TNIL && !state.metamethod(1, c"__tostring") {
                state.push(b"(no error message)");
            }
        }
        Handler::NameType => {
            let found = state.metamethod(1, c"__tostring");
            if !found || state.kind(-1) != ffi::LUA_TSTRING {
                state.push(b"(error object is a ");
                state.push(state.kind_name(1).to_bytes());
                state.push(b" value)");
                state.concat(3);
                trace(state);
            }
        }
        Handler::TraceMetamethod => {
            let found = state.kind(1) != ffi::LUA_TNIL && state.metamethod(1, c"__tostring");
            if found && matches!(state.kind(-1), ffi::LUA_TSTRING | ffi::LUA_TNUMBER) {
                trace(state);
            }
        }
    }
    1
}

/// Pushes the message on top of the stack again, with a traceback.
#[cfg(not(feature = "lua51"))]
fn trace(state: State) {
    // SAFETY: the value stays on the stack.
    if let Some(message) = unsafe { state.text(-1) } {
        state.traceback(message, 1);
    }
}

/// The same; 5.1 has no function for it but the one in the `debug` library, which may be gone.
#[cfg(feature = "lua51")]
fn trace(state: State) {
    let message = state.top();
    state.global(c"debug");
    if state.kind(-1) == ffi::LUA_TTABLE {
        state.field(-1, c"traceback");
        if state.kind(-1) == ffi::LUA_TFUNCTION {
            state.copy(message);
            // Leaves out this handler and `debug.traceback` itself.
            state.push_integer(2);
            return state.invoke(2, 1);
        }
    }
    state.truncate(message);
}
