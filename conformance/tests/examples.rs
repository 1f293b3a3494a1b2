//! What every example leaves behind, on every version and both ways: our module in the stock
//! interpreter, our runner; and on the rock, when `COSOCK_TEST_SUBJECT` names the reference. What
//! examples do is the first chapter of the matrix.

use std::path::PathBuf;

use conformance::{Lua, Subject, suite};

// The pair in two processes is left out, for either needs the other.
conformance::on_every_lua!(
    example_leaves_nothing on Module, Runner, Reference;
    #[files("../examples/*.lua")]
    #[exclude("ping_(server|client)")]
    path: PathBuf
);

fn example_leaves_nothing(lua: Lua, subject: Subject, path: PathBuf) {
    suite::example_leaves_nothing(lua, subject, &path);
}
