//! Keeps the module mapped after `lua_close`: a resolver thread may still be inside it.

fn main() {
    println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
}
