//! How a module is linked: the build script of every module crate.

fn main() {
    if std::env::var("CARGO_CFG_TARGET_VENDOR").as_deref() == Ok("apple") {
        // Lua's functions are the interpreter's. Such a module stays mapped because it has
        // thread-local variables.
        println!("cargo::rustc-link-arg-cdylib=-Wl,-undefined,dynamic_lookup");
    } else {
        // It stays mapped after `lua_close`: a resolver thread may still be inside it.
        println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
    }
}
