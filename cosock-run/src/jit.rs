//! The options that control LuaJIT's compiler.

use std::ffi::CStr;

use mlua::ffi;

use crate::messages::{self, Reported};
use crate::state::{REGISTRY, State};
use crate::stdio::{self, Output};

/// `-j command[=arguments]`: calls that function of the `jit` library, or else `start` of the module
/// `jit.command`, which has to be installed.
pub(crate) fn command(state: State, program: &CStr, command: &CStr) -> Result<(), Reported> {
    let (name, arguments) = match command.to_bytes().iter().position(|&byte| byte == b'=') {
        Some(mark) => (
            &command.to_bytes()[..mark],
            Some(&command.to_bytes()[mark + 1..]),
        ),
        None => (command.to_bytes(), None),
    };
    push_library(state, c"jit");
    state.push(name);
    state.lookup(-2);
    if state.kind(-1) != ffi::LUA_TFUNCTION {
        state.pop(1);
        push_module_start(state, program, name)?;
    }
    state.remove(-2);
    call(state, program, arguments.unwrap_or_default())
}

/// `-O[flags]`: gives the flags to `jit.opt.start`.
pub(crate) fn optimise(state: State, program: &CStr, flags: &CStr) -> Result<(), Reported> {
    push_library(state, c"jit.opt");
    state.field(-1, c"start");
    state.remove(-2);
    call(state, program, flags.to_bytes())
}

/// Prints whether the compiler is on, and what it uses.
pub(crate) fn show_status(state: State) {
    let base = state.top();
    push_library(state, c"jit");
    state.field(-1, c"status");
    state.remove(-2);
    state.invoke(0, ffi::LUA_MULTRET);
    let on: &[u8] = if state.truth(base + 1) {
        b"JIT: ON"
    } else {
        b"JIT: OFF"
    };
    stdio::write(Output::Standard, &[on]);
    for index in base + 2..=state.top() {
        // SAFETY: used up before the value leaves the stack.
        let word = unsafe { state.text(index) }.unwrap_or_default();
        stdio::write(Output::Standard, &[b" ", word.to_bytes()]);
    }
    stdio::write(Output::Standard, &[b"\n"]);
    state.truncate(base);
}

/// Pushes a library that is loaded from the start.
fn push_library(state: State, name: &CStr) {
    state.field(REGISTRY, c"_LOADED");
    state.field(-1, name);
    state.remove(-2);
}

/// Pushes the function `start` of the module `jit.name`.
fn push_module_start(state: State, program: &CStr, name: &[u8]) -> Result<(), Reported> {
    const UNKNOWN: &CStr = c"unknown luaJIT command or jit.* modules not installed";
    state.global(c"require");
    state.push(b"jit.");
    state.push(name);
    state.concat(2);
    let outcome = state.call(1, 1, None);
    // SAFETY: used up before the value leaves the stack.
    let text = unsafe { state.text(-1) }.unwrap_or_default();
    if outcome.is_err() && !text.to_bytes().starts_with(b"module ") {
        return messages::report(state, outcome, Some(program));
    }
    if outcome.is_ok() {
        state.field(-1, c"start");
        state.remove(-2);
    }
    if outcome.is_err() || state.kind(-1) == ffi::LUA_TNIL {
        messages::show(Some(program), UNKNOWN);
        return Err(Reported);
    }
    Ok(())
}

/// Calls the function on top of the stack with words that commas separate; an empty one is nil.
fn call(state: State, program: &CStr, arguments: &[u8]) -> Result<(), Reported> {
    let mut count = 0;
    if !arguments.is_empty() {
        for word in arguments.split(|&byte| byte == b',') {
            state.reserve(1, c"too many arguments");
            if word.is_empty() {
                state.push_nil();
            } else {
                state.push(word);
            }
            count += 1;
        }
    }
    messages::report(state, state.call(count, 0, None), Some(program))
}
