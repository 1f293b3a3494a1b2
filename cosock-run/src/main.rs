//! The runner: Lua's interpreter with cosock built in. What differs from `lua` are three options
//! (`--install-coroutine`, `--install-pcall`, `--help`), the word `doctor`, and the modules in
//! `package.preload`.

#![no_main]

use std::ffi::{c_char, c_int};

/// The entry point that the C runtime calls; the value is the exit code.
///
/// # Safety
///
/// `argv` holds `argc` C strings that live as long as the process.
#[unsafe(no_mangle)]
unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: the C runtime's arguments, and a function that asks for no more than it may.
    unsafe { cosock_run::run(argc, argv, Some(cosock_binding::preload)) }
}
