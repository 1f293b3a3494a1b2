//! What every example leaves behind, on every version and both ways: our module in the stock
//! interpreter, our runner; and on the rock, when `COSOCK_TEST_SUBJECT` names the reference. What
//! examples do is the first chapter of the matrix.

use std::path::PathBuf;

use conformance::{Lua, Subject, suite};
use rstest::rstest;

/// The pair in two processes is left out, for either needs the other.
#[rstest]
fn example_leaves_nothing(
    #[files("../examples/*.lua")]
    #[exclude("ping_(server|client)")]
    path: PathBuf,
    #[values(
        Lua::Lua51,
        Lua::Lua52,
        Lua::Lua53,
        Lua::Lua54,
        Lua::Lua55,
        Lua::LuaJit
    )]
    lua: Lua,
    #[values(Subject::Module, Subject::Runner, Subject::Reference)] subject: Subject,
) {
    if lua.is_selected() && subject.is_selected() {
        suite::example_leaves_nothing(lua, subject, &path);
    }
}
