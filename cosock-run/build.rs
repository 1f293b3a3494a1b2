//! Exports Lua's symbols from the runner, so that C modules of the same Lua version load in it.

fn main() {
    println!("cargo::rustc-link-arg-bins=-rdynamic");
}
