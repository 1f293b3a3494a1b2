//! The line that names the Lua which is built in.

#[cfg(not(feature = "luajit"))]
use std::ffi::CStr;

use crate::dialect::DIALECT;
#[cfg(feature = "luajit")]
use crate::state::REGISTRY;
use crate::state::State;
use crate::stdio;

/// Prints the version of Lua that is built in.
#[cfg(not(feature = "luajit"))]
pub(crate) fn show(_state: State) {
    unsafe extern "C" {
        /// "$Lua...: release copyright $" and more, a constant of every Lua.
        static lua_ident: std::ffi::c_char;
    }
    // SAFETY: the constant is a C string.
    let text = unsafe { CStr::from_ptr(&raw const lua_ident) };
    let text = text.to_bytes();
    let mut parts = text.splitn(3, |&byte| byte == b'$');
    let line = parts.nth(1).unwrap_or_default();
    let line = line
        .split(|&byte| byte == b':')
        .nth(1)
        .unwrap_or_default()
        .trim_ascii();
    // 5.1 has one space before the copyright here and two in what it prints.
    let copyright = line
        .windows(9)
        .position(|word| word == b"Copyright")
        .unwrap_or(line.len());
    let (release, copyright) = line.split_at(copyright);
    let parts: [&[u8]; 4] = [release.trim_ascii_end(), b"  ", copyright, b"\n"];
    stdio::write(DIALECT.version_output, &parts);
    stdio::flush(DIALECT.version_output);
}

/// Prints the version of LuaJIT that is built in.
#[cfg(feature = "luajit")]
pub(crate) fn show(state: State) {
    state.field(REGISTRY, c"_LOADED");
    state.field(-1, c"jit");
    state.field(-1, c"version");
    // SAFETY: used up before the value leaves the stack.
    let version = unsafe { state.text(-1) }.unwrap_or(c"LuaJIT");
    // The library does not hold this part of the text.
    let copyright = b" -- Copyright (C) 2005-2026 Mike Pall. https://luajit.org/\n";
    stdio::write(DIALECT.version_output, &[version.to_bytes(), copyright]);
    state.pop(3);
}
