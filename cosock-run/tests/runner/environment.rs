//! The start-up variables and module paths from the environment.

use rstest::rstest;

use crate::support::{Case, STOCK};

const SHOW: &str = "print(init, package.path, package.cpath)";

/// The suffix of variables for this version alone, in those that look for one.
fn suffix() -> String {
    format!("_{}", STOCK.trim_start_matches("lua").replace('.', "_"))
}

#[rstest]
#[case::text("init = 'text'", &["-e", SHOW])]
#[case::file("@init.lua", &["-e", SHOW])]
#[case::file_not_there("@nowhere.lua", &["-e", SHOW])]
#[case::empty("", &["-e", SHOW])]
#[case::bad_text("a b", &["-e", SHOW])]
#[case::error("error('in init')", &["-e", SHOW])]
#[case::error_before_version("error('in init')", &["-v"])]
#[case::error_before_bad_option("error('in init')", &["-x"])]
#[case::before_version("print('in init')", &["-v"])]
#[case::before_bad_option("print('in init')", &["-x"])]
#[case::ignored("init = 'text'", &["-E", "-e", "print(init)"])]
#[case::sees_arg("print(arg and arg[0], arg and arg[1])", &["script.lua", "a"])]
#[case::changes_arg("if arg then arg[1] = 'changed' end", &["script.lua", "a"])]
#[case::exits("os.exit(7)", &["-e", SHOW])]
fn start_up_variable(#[case] value: &str, #[case] arguments: &[&str]) {
    Case::new()
        .variable("LUA_INIT", value)
        .file("init.lua", "init = 'file'")
        .file("script.lua", "print(init, ...)")
        .args(arguments)
        .assert_same();
}

#[test]
fn start_up_variable_of_the_version_comes_first() {
    Case::new()
        .variable("LUA_INIT", "print('any')")
        .variable(
            &format!("LUA_INIT{}", suffix()),
            "print('this') error('here')",
        )
        .args(["-e", SHOW])
        .assert_same();
}

#[test]
fn start_up_variable_of_the_version_may_be_the_only_one() {
    Case::new()
        .variable(&format!("LUA_INIT{}", suffix()), "init = 'this'")
        .args(["-e", SHOW])
        .assert_same();
}

#[test]
fn module_paths() {
    Case::new()
        .variable("LUA_PATH", "here/?.lua")
        .variable("LUA_CPATH", "there/?.so")
        .args(["-e", SHOW])
        .assert_same();
}

/// LuaJIT's own modules are another matter: the runner has them built in, or not at all.
#[test]
#[cfg(not(any(feature = "lua55", feature = "luajit")))]
fn default_module_paths_are_those_of_the_stock_interpreter() {
    Case::new().args(["-e", SHOW]).assert_same();
    Case::new()
        .variable("LUA_PATH", "here/?.lua;;")
        .variable("LUA_CPATH", ";;there/?.so")
        .args(["-e", SHOW])
        .assert_same();
}

#[test]
fn module_paths_of_the_version_come_first() {
    Case::new()
        .variable(&format!("LUA_PATH{}", suffix()), "here/?.lua")
        .variable(&format!("LUA_CPATH{}", suffix()), "there/?.so")
        .args(["-e", SHOW])
        .assert_same();
}

#[test]
fn module_paths_are_ignored_when_told_so() {
    let found = "print(package.path:find('here', 1, true), package.cpath:find('there', 1, true))";
    Case::new()
        .variable("LUA_PATH", "here/?.lua")
        .variable("LUA_CPATH", "there/?.so")
        .args(["-E", "-e", found])
        .assert_same();
}
