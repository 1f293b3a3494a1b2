//! States with cosock preloaded.

use mlua::{Lua, LuaOptions, StdLib};

/// A fresh state with all libraries and cosock's modules.
pub(crate) fn state() -> Lua {
    // Lua's own `pcall`: the one that passes panics on cannot be waited in.
    let options = LuaOptions::new().catch_rust_panics(true);
    // SAFETY: the scripts of these tests load no C modules and use no `debug` tricks.
    let lua = unsafe { Lua::unsafe_new_with(StdLib::ALL, options) };
    // SAFETY: the state is live and has its libraries; `preload` raises for lack of memory only.
    unsafe { lua.exec_raw::<()>((), |state| cosock_binding::preload(state)) }
        .expect("there is memory");
    lua
}

/// Runs a chunk that has `cosock`, `socket` and `channel` as locals.
#[track_caller]
pub(crate) fn run(lua: &Lua, code: &str) {
    if let Err(error) = try_run(lua, code) {
        panic!("{error}");
    }
}

/// Runs a chunk, and gives what it raised.
pub(crate) fn try_run(lua: &Lua, code: &str) -> mlua::Result<()> {
    const PRELUDE: &str = "local cosock = require 'cosock' \
        local socket, channel = cosock.socket, cosock.channel ";
    lua.load(format!("{PRELUDE}{code}"))
        .set_name("=test")
        .exec()
}
