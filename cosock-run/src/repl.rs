//! The interactive mode: reads a line, runs it, prints its values.

use std::ffi::{CStr, c_int};

use mlua::ffi;

use crate::chunk;
use crate::dialect::DIALECT;
use crate::messages;
use crate::state::{Failed, State};
use crate::stdio::{self, Output};

/// What `lua` reads at once; a longer line arrives in parts.
const MAX_INPUT: usize = 512;

/// Runs until the end of input. Messages do not begin with the program's name here.
pub(crate) fn run(state: State) {
    loop {
        state.truncate(0);
        let Some(loaded) = load(state) else { break };
        let outcome = loaded.and_then(|()| chunk::call(state, 0, ffi::LUA_MULTRET));
        if messages::report(state, outcome, None).is_ok() {
            print(state);
        }
    }
    state.truncate(0);
    stdio::write(Output::Standard, &[b"\n"]);
    stdio::flush(Output::Standard);
}

/// Reads a chunk of one or more lines and leaves its function or an error on an otherwise empty stack.
/// `None` at the end of input.
fn load(state: State) -> Option<Result<(), Failed>> {
    if !push_line(state, true) {
        return None;
    }
    if DIALECT.repl.expressions && load_expression(state) {
        state.remove(1);
        return Some(Ok(()));
    }
    if DIALECT.repl.warns_of_locals {
        warn_of_locals(state);
    }
    loop {
        // SAFETY: the text stays at index 1 while it is loaded.
        let text = unsafe { state.text(1) }.unwrap_or_default();
        let outcome = state.load_text(text.to_bytes(), c"=stdin");
        if outcome != Err(Failed::Syntax) || !is_unfinished(state) {
            state.remove(1);
            return Some(outcome);
        }
        if !push_line(state, false) {
            // With expressions, the error of the unfinished chunk is shown before the end.
            state.remove(1);
            return DIALECT.repl.expressions.then_some(outcome);
        }
        // Text, error, line: becomes the text of both lines.
        state.remove(2);
        state.push(b"\n");
        state.insert(2);
        state.concat(3);
    }
}

/// Tries the line at index 1 as an expression.
fn load_expression(state: State) -> bool {
    // SAFETY: the line stays at index 1.
    let line = unsafe { state.text(1) }.unwrap_or_default();
    state.push(b"return ");
    state.push(line.to_bytes());
    state.push(b";");
    state.concat(3);
    // SAFETY: the text stays at index 2 while it is loaded.
    let text = unsafe { state.text(2) }.unwrap_or_default();
    let loaded = state.load_text(text.to_bytes(), c"=stdin").is_ok();
    if loaded {
        state.remove(2);
    } else {
        state.truncate(1);
    }
    loaded
}

/// Warns when the line at index 1 declares locals, which its chunk takes with it.
fn warn_of_locals(state: State) {
    // SAFETY: the line stays at index 1.
    let line = unsafe { state.text(1) }.unwrap_or_default().to_bytes();
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = line.iter().take_while(|byte| is_space(byte)).count();
    let follows = line[start..].strip_prefix(b"local");
    // A line of that one word counts.
    if follows.is_some_and(|rest| rest.first().is_none_or(is_space)) {
        let warning = c"warning: locals do not survive across lines in interactive mode";
        messages::show(None, warning);
    }
}

/// Whether more input may cure the error on top of the stack.
fn is_unfinished(state: State) -> bool {
    // SAFETY: used up before the value leaves the stack.
    let message = unsafe { state.text(-1) }.unwrap_or_default();
    message.to_bytes().ends_with(DIALECT.repl.unfinished)
}

/// Asks for a line and pushes it; false at the end of input.
fn push_line(state: State, first: bool) -> bool {
    show_prompt(state, first);
    let mut buffer = [0; MAX_INPUT];
    let Some(line) = stdio::read_line(&mut buffer) else {
        return false;
    };
    match line.to_bytes() {
        [b'=', expression @ ..] if first && DIALECT.repl.equals => {
            state.push(b"return ");
            state.push(expression);
            state.concat(2);
        }
        line => state.push(line),
    }
    true
}

fn show_prompt(state: State, first: bool) {
    let (name, default): (&CStr, &CStr) = if first {
        (c"_PROMPT", c"> ")
    } else {
        (c"_PROMPT2", c">> ")
    };
    state.global(name);
    if DIALECT.repl.any_prompt && state.kind(-1) != ffi::LUA_TNIL {
        state.stringify();
    }
    // SAFETY: used up before the value leaves the stack.
    let prompt = unsafe { state.text(-1) }.unwrap_or(default);
    stdio::write(Output::Standard, &[prompt.to_bytes()]);
    stdio::flush(Output::Standard);
    state.pop(1);
}

/// Calls the global `print` with all values on the stack, if there are any.
fn print(state: State) {
    let count: c_int = state.top();
    if count == 0 {
        return;
    }
    state.reserve(ffi::LUA_MINSTACK, c"too many results to print");
    state.global(c"print");
    state.insert(1);
    if state.call(count, 0, None).is_err() {
        // SAFETY: used up before the value leaves the stack.
        let reason = unsafe { state.text(-1) }.unwrap_or(c"(null)");
        let parts: [&[u8]; 3] = [b"error calling 'print' (", reason.to_bytes(), b")\n"];
        stdio::write(Output::Error, &parts);
        stdio::flush(Output::Error);
    }
}
