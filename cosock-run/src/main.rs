//! The runner: `cosock script.lua args...` behaves as `lua script.lua args...`, with cosock built in.
//!
//! Which `lua`: the stock interpreter of the version that the features choose. What differs between
//! those is data in [`dialect`]; what differs from all of them are three options
//! (`--install-coroutine`, `--install-pcall`, `--help`), the missing line editor, and the modules in
//! `package.preload`.
//!
//! Everything that is printed goes through C's stdio, as Lua's own `print` does, so that the order of
//! output is the program's. There is no Rust `main`: the standard library's start-up would ignore
//! SIGPIPE, and `lua script | head` has to end as quietly as it does everywhere else.

#![no_main]

mod chunk;
mod dialect;
mod interpreter;
mod interrupt;
#[cfg(feature = "luajit")]
mod jit;
mod messages;
mod options;
mod repl;
mod state;
mod stdio;
mod version;

use std::ffi::{CStr, c_char, c_int};

/// The entry point that the C runtime calls; the value is the exit code.
///
/// # Safety
///
/// `argv` holds `argc` C strings that live as long as the process.
#[unsafe(no_mangle)]
unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    let arguments: Vec<&'static CStr> = (0..usize::try_from(argc).unwrap_or(0))
        // SAFETY: the C runtime passes `argc` strings, and never frees or moves them.
        .map(|index| unsafe { CStr::from_ptr(*argv.add(index)) })
        .collect();
    interpreter::run(&arguments)
}
