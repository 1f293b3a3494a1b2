//! Exports Lua's symbols from the runner, so that C modules of the same Lua version load in it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Nothing but Lua's own: with `-rdynamic` a C module might also bind to the runner's copy of
    // another library that both happen to use.
    for symbols in ["lua_*", "luaL_*", "luaopen_*", "luaJIT_*"] {
        println!("cargo::rustc-link-arg-bins=-Wl,--export-dynamic-symbol={symbols}");
    }
}
