//! Running chunks, with a traceback when they fail and with Ctrl-C.

use std::ffi::{CStr, c_int};

use crate::dialect::{CollectAfterError, DIALECT};
use crate::interrupt;
use crate::messages::{self, Reported};
use crate::state::{Failed, State};

/// Calls the function below `arguments` values; as [`State::call`], with the usual message handler.
pub(crate) fn call(state: State, arguments: c_int, results: c_int) -> Result<(), Failed> {
    let handler = state.top() - arguments;
    state.push_function(messages::handle_error);
    state.insert(handler);
    interrupt::arm(state);
    let outcome = state.call(arguments, results, Some(handler));
    interrupt::disarm();
    state.remove(handler);
    if outcome.is_err() && DIALECT.errors.collect == CollectAfterError::BeforeReport {
        state.collect();
    }
    outcome
}

/// Runs a file, or standard input.
pub(crate) fn run_file(state: State, program: &CStr, path: Option<&CStr>) -> Result<(), Reported> {
    let outcome = state.load_file(path).and_then(|()| call(state, 0, 0));
    messages::report(state, outcome, Some(program))
}

/// Runs a text.
pub(crate) fn run_text(
    state: State,
    program: &CStr,
    text: &CStr,
    name: &CStr,
) -> Result<(), Reported> {
    let outcome = state
        .load_text(text.to_bytes(), name)
        .and_then(|()| call(state, 0, 0));
    messages::report(state, outcome, Some(program))
}
