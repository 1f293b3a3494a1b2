//! What every version must pass: the examples and the test scripts.
//!
//! A test script lies in `conformance/lua/tests`, is Lua for all versions, and runs by itself too.
//! It passes when it exits with 0 and its last line is `ok`. It should get that line from
//! `world.finish()` (see `conformance/lua/world.lua`), which also asks what was left behind; a
//! script that cannot, says why in a line `-- no world check: ...`.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crate::interpreter::Lua;
pub use crate::run::PATIENCE;
use crate::run::run;
use crate::subject::Subject;
use crate::{examples, repository};

/// Defines the tests of a module crate: every example and every test script, in the stock interpreter of this
/// version. Their files are named as the module crates see them, which lie beside this one.
#[macro_export]
macro_rules! stock_suite {
    ($lua:ident) => {
        #[rstest::rstest]
        fn example(#[files("../examples/*.lua")] path: std::path::PathBuf) {
            $crate::suite::example($crate::Lua::$lua, $crate::Subject::Module, &path);
        }

        #[rstest::rstest]
        fn script(#[files("../conformance/lua/tests/*.lua")] path: std::path::PathBuf) {
            $crate::suite::script($crate::Lua::$lua, $crate::Subject::Module, &path);
        }
    };
}

/// Makes tests of a function `fn name(lua: Lua, subject: Subject, ...)`: one for every Lua, each of these
/// subjects and all that rstest is to give it beside them, as far as they are selected.
///
/// ```text
/// conformance::on_every_lua!(name on Module, Runner; #[files("*.lua")] path: PathBuf);
/// ```
#[macro_export]
macro_rules! on_every_lua {
    (
        $name:ident on $($subject:ident),+
        $(; $($(#[$($values:tt)+])+ $argument:ident: $type:ty),+)?
    ) => {
        mod $name {
            use super::*;
            use $crate::{Lua, Subject};

            #[rstest::rstest]
            fn on(
                #[values(
                    Lua::Lua51,
                    Lua::Lua52,
                    Lua::Lua53,
                    Lua::Lua54,
                    Lua::Lua55,
                    Lua::LuaJit
                )]
                lua: Lua,
                #[values($(Subject::$subject),+)] subject: Subject,
                $($($(#[$($values)+])+ $argument: $type),+)?
            ) {
                if lua.is_selected() && subject.is_selected() {
                    $name(lua, subject $($(, $argument)+)?);
                }
            }
        }
    };
}

/// Runs an example; all that is known of it must hold.
///
/// # Panics
///
/// If a fact does not hold, with the full report.
#[track_caller]
pub fn example(lua: Lua, subject: Subject, path: &Path) {
    let facts = examples::at(path).look(lua, subject);
    let failed = facts.failed();
    assert!(failed.is_empty(), "not so: {failed:#?}\n{}", facts.reports);
}

/// Runs an example under `conformance/lua/watch.lua`: it must leave the world as it found it.
///
/// # Panics
///
/// If it leaves something behind, with the full report.
#[track_caller]
pub fn example_leaves_nothing(lua: Lua, subject: Subject, path: &Path) {
    let watch = repository().join("conformance/lua/watch.lua");
    let mut command = subject.script(lua, &watch);
    command.arg(path);
    let output = run(command, PATIENCE);
    output.check(output.code() == Some(0), "nothing is left behind");
    output.check(
        output.lines().last() == Some(&"ok"),
        "the world check is reached",
    );
}

/// Runs a test script.
///
/// # Panics
///
/// If the script fails, with the full report, or has neither a world check nor a reason.
#[track_caller]
pub fn script(lua: Lua, subject: Subject, path: &Path) {
    let source = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    assert!(
        source.contains("world.finish()") || source.contains("-- no world check: "),
        "{} neither ends with world.finish() nor says \"-- no world check: <why>\"",
        path.display()
    );
    let output = run(subject.script(lua, path), PATIENCE);
    output.check(output.code() == Some(0), "the script exits with 0");
    output.check(output.lines().last() == Some(&"ok"), "the last line is ok");
}

/// Where Debian has the Lua files of its packages. One version's serves all: they are Lua for each.
const DEBIAN: &str = "/usr/share/lua/5.1/?.lua";

/// Runs a script of `conformance/lua/peers` against a real peer, with `arguments`. It finds Debian's
/// pure-Lua modules, and none that are libraries.
///
/// # Panics
///
/// If the script fails, with the full report.
#[track_caller]
pub fn peer(lua: Lua, subject: Subject, script: &str, arguments: &[&OsStr]) {
    let script = repository().join("conformance/lua/peers").join(script);
    let mut command = subject.script(lua, &script);
    let support = repository().join("conformance/lua/?.lua");
    command
        .env("LUA_PATH", format!("{};{DEBIAN}", support.display()))
        .args(arguments);
    let output = run(command, PATIENCE);
    output.check(output.code() == Some(0), "the script exits with 0");
    output.check(output.lines().last() == Some(&"ok"), "the last line is ok");
}
