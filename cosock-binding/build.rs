//! Names what only some versions of Lua have, so that the code tells what it is about instead of listing versions:
//!
//! - `continuations`: a C function can go on after a yield (`lua_callk`, `lua_yieldk`). Elsewhere a Lua function
//!   stands in front of those that wait.
//! - `function_environments`: functions have environments, and coroutines globals of their own (`setfenv`).
//!   Elsewhere globals are an upvalue, `_ENV`.
//! - `own_pcall`: the language's `pcall` lets no yield pass, so there is one of ours, `src/pcall.rs`.
//! - `integers`: numbers are integers or floats.
//! - `since_lua52`, `since_lua53`: the C interface, or a library, has what came with that version.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |version: &str| env::var_os(format!("CARGO_FEATURE_{version}")).is_some();
    let since_52 = !is("LUA51") && !is("LUAJIT");
    let since_53 = since_52 && !is("LUA52");
    for (name, is_set) in [
        ("continuations", since_52),
        ("function_environments", !since_52),
        ("own_pcall", is("LUA51")),
        ("integers", since_53),
        ("since_lua52", since_52),
        ("since_lua53", since_53),
    ] {
        println!("cargo::rustc-check-cfg=cfg({name})");
        if is_set {
            println!("cargo::rustc-cfg={name}");
        }
    }
}
