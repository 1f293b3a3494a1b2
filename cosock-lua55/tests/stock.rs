//! The module in the stock Lua 5.5 interpreter: every example, every test script.

use std::path::PathBuf;

use conformance::{Lua, Subject, suite};
use rstest::rstest;

const LUA: Lua = Lua::Lua55;

#[rstest]
fn example(#[files("../examples/*.lua")] path: PathBuf) {
    suite::example(LUA, Subject::Module, &path);
}

#[rstest]
fn script(#[files("../conformance/lua/tests/*.lua")] path: PathBuf) {
    suite::script(LUA, Subject::Module, &path);
}
