//! `cosock doctor`: where a program's cosock comes from, and the exit code that tells. That all is well
//! where the module is installed, `ci/jobs/luarocks` shows.

use rstest::rstest;

use crate::support::{Case, Ending, Subject};

/// Asks about the stock interpreter, which finds Lua files in the case's directory.
fn examine(case: Case) -> Ending {
    let stock = Subject::Stock.path();
    case.variable("LUA_PATH", "./?.lua")
        .args(["doctor".as_ref(), stock.as_os_str()])
        .run(Subject::Runner)
}

#[track_caller]
fn assert_finding(ending: &Ending, code: i32, line: &str) {
    assert_eq!(ending.status.code(), Some(code), "{ending}");
    let found = ending.stdout.lines().any(|found| found.starts_with(line));
    assert!(found, "no line begins with {line:?}: {ending}");
}

#[test]
fn interpreter_without_cosock() {
    let ending = examine(Case::new());
    assert_finding(&ending, 3, "it finds no cosock");
    let version = concat!(
        "cosock                     cosock in Rust ",
        env!("CARGO_PKG_VERSION")
    );
    assert_finding(&ending, 3, version);
    assert_finding(&ending, 3, "its OpenSSL                OpenSSL 3");
    assert_finding(&ending, 3, "descriptors");
    assert_finding(&ending, 3, "environment                LUA_PATH=./?.lua");
    assert_finding(&ending, 3, "  package.path             ./?.lua");
}

#[test]
fn another_cosock_is_named() {
    let case = Case::new().file("cosock.lua", "return { _VERSION = '9.9' }");
    let problem = "problem: ./cosock.lua is another cosock, of version 9.9";
    assert_finding(&examine(case), 1, problem);
}

#[test]
fn cosock_that_cannot_be_loaded_is_named() {
    let case = Case::new().file("cosock.lua", "error('no\\tway')");
    let problem = "problem: ./cosock.lua cannot be loaded: ./cosock.lua:1: no way";
    assert_finding(&examine(case), 1, problem);
}

/// A file that a program's own `require` of a part would find first.
#[test]
fn parts_of_another_cosock_are_named() {
    let case = Case::new().file("cosock.lua", "return { _IMPL = 'cosock in Rust 0.0' }");
    let ending = examine(case);
    assert_finding(
        &ending,
        1,
        "problem: ./cosock.lua is cosock in Rust 0.0, of another version",
    );
    assert_finding(&ending, 1, "problem: cosock.channel is not found");
}

#[rstest]
#[case(&["doctor", "--x"], 2)]
#[case(&["doctor", "one", "two"], 2)]
#[case(&["doctor", "./no-such-interpreter"], 3)]
fn wrong_calls_have_codes(#[case] arguments: &[&str], #[case] code: i32) {
    let ending = Case::new().args(arguments).run(Subject::Runner);
    assert_eq!(ending.status.code(), Some(code), "{ending}");
}

/// The first word is the doctor; any other way to name a script is the script.
#[rstest]
#[case(&["doctor", "--x"], "")]
#[case(&["./doctor"], "a script\n")]
#[case(&["--", "doctor"], "a script\n")]
#[case(&["-e", "", "doctor"], "a script\n")]
fn script_of_that_name_is_told_apart(#[case] arguments: &[&str], #[case] printed: &str) {
    let case = Case::new().file("doctor", "print 'a script'");
    let ending = case.args(arguments).run(Subject::Runner);
    assert_eq!(ending.stdout, printed, "{ending}");
}
