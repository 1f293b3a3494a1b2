//! Tests name their scripts when they are compiled: a new script has to recompile them, also those
//! of the module crates, which depend on this one.

fn main() {
    println!("cargo::rerun-if-changed=lua");
    println!("cargo::rerun-if-changed=../examples");
}
