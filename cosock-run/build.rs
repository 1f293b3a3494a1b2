//! Exports Lua's symbols from the runner, so that C modules of the same Lua version load in it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Nothing but Lua's own: with `-rdynamic` a C module might also bind to the runner's copy of
    // another library that both happen to use.
    let is_apple = std::env::var("CARGO_CFG_TARGET_VENDOR").as_deref() == Ok("apple");
    for symbols in ["lua_*", "luaL_*", "luaopen_*", "luaJIT_*"] {
        let flag = if is_apple {
            format!("-exported_symbol,_{symbols}")
        } else {
            format!("--export-dynamic-symbol={symbols}")
        };
        println!("cargo::rustc-link-arg-bins=-Wl,{flag}");
    }
}
