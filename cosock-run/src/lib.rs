//! Lua's stand-alone interpreter, of the version that the features choose: `script.lua args...` behaves
//! as `lua script.lua args...`. Two programs are made of it: the runner with cosock built in
//! (`main.rs`), and a plain `lua` where there is none to test in (`bin/lua.rs`).
//!
//! What differs between the stock interpreters is data in `dialect`; what differs from all of them
//! is the missing line editor.
//!
//! Everything that is printed goes through C's stdio, as Lua's own `print` does, so that the order of
//! output is the program's. There is no Rust `main`: the standard library's start-up would ignore
//! SIGPIPE, and `lua script | head` has to end as quietly as it does everywhere else.

mod chunk;
mod dialect;
mod doctor;
mod interpreter;
mod interrupt;
#[cfg(feature = "luajit")]
mod jit;
mod messages;
mod options;
#[cfg(target_os = "linux")]
mod paths;
mod repl;
mod state;
mod stdio;
mod version;

use std::ffi::{CStr, c_char, c_int};

/// Adds cosock's modules to `package.preload` of a state that has its libraries.
///
/// The state has to be live, and the call a protected one: it may raise.
pub type Preload = unsafe fn(*mut mlua::ffi::lua_State);

/// Does what the command line says, and returns the exit code. With cosock, there are its modules and
/// the runner's own options; without, it is a plain `lua`.
///
/// # Safety
///
/// `argv` holds `argc` C strings that live as long as the process, and `preload` only asks for what it
/// says.
pub unsafe fn run(argc: c_int, argv: *const *const c_char, preload: Option<Preload>) -> c_int {
    let arguments: Vec<&'static CStr> = (0..usize::try_from(argc).unwrap_or(0))
        // SAFETY: the C runtime passes `argc` strings, and never frees or moves them.
        .map(|index| unsafe { CStr::from_ptr(*argv.add(index)) })
        .collect();
    interpreter::run(&arguments, preload)
}
