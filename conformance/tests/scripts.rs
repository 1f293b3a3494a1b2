//! Every test script on every version in our runner. The module crates run them in the stock
//! interpreters.

use std::path::PathBuf;

use conformance::{Lua, Subject, suite};
use rstest::rstest;

#[rstest]
fn script(
    #[files("lua/tests/*.lua")] path: PathBuf,
    #[values(
        Lua::Lua51,
        Lua::Lua52,
        Lua::Lua53,
        Lua::Lua54,
        Lua::Lua55,
        Lua::LuaJit
    )]
    lua: Lua,
) {
    if lua.is_selected() && Subject::Runner.is_selected() {
        suite::script(lua, Subject::Runner, &path);
    }
}
