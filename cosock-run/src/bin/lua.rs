//! A plain interpreter, without cosock: what the module for Lua 5.5 is tested in, for no distribution
//! that the tests run on has a stock one. It exports Lua's symbols and loads C modules, as a stock one
//! does. A `lua5.5` on the path takes its place.

#![no_main]

use std::ffi::{c_char, c_int};

/// The entry point that the C runtime calls; the value is the exit code.
///
/// # Safety
///
/// `argv` holds `argc` C strings that live as long as the process.
#[unsafe(no_mangle)]
unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: the C runtime's arguments.
    unsafe { cosock_run::run(argc, argv, None) }
}
