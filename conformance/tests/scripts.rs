//! Every test script on every version in our runner. The module crates run them in the stock
//! interpreters.

use std::path::PathBuf;

use conformance::{Lua, Subject, suite};

conformance::on_every_lua!(
    script on Runner;
    #[files("lua/tests/*.lua")] path: PathBuf
);

fn script(lua: Lua, subject: Subject, path: PathBuf) {
    suite::script(lua, subject, &path);
}
