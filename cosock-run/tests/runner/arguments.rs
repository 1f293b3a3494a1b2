//! Options, and what the script and its chunks see of the command line.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use rstest::rstest;

use crate::support::Case;

/// Prints `...` and the table `arg`, with every index that the table has.
const SHOW: &str = "
print(select('#', ...), ...)
local keys = {}
for key in pairs(arg or {}) do keys[#keys + 1] = key end
table.sort(keys)
for _, key in ipairs(keys) do print(key, arg[key]) end
print(arg and #arg)
";

/// What options do, alone and together.
#[rstest]
#[case::nothing(&[])]
#[case::version(&["-v"])]
#[case::version_twice(&["-v", "-v"])]
#[case::version_runs_no_input(&["-v"])]
#[case::version_then_text(&["-v", "-e", "print(1)"])]
#[case::text_then_version(&["-e", "print(1)", "-v"])]
#[case::texts_in_order(&["-e", "x = 1", "-e", "print(x)", "-eprint(x + 1)"])]
#[case::text_without_space(&["-eprint(1)"])]
#[case::empty_text(&["-e", ""])]
#[case::text_that_begins_with_a_dash(&["-e", "--comment"])]
#[case::text_missing(&["-e"])]
#[case::text_missing_after_others(&["-v", "-e"])]
#[case::text_that_looks_like_an_option(&["-e", "-v"])]
#[case::library(&["-l", "string", "-e", "print(string ~= nil)"])]
#[case::library_becomes_global(&["-l", "mod", "-e", "print(type(mod), loaded)"])]
#[case::library_without_space(&["-lmod", "-e", "print(type(mod), loaded)"])]
#[case::library_under_another_name(&["-l", "g=mod", "-e", "print(type(g), type(mod))"])]
#[case::library_under_no_name(&["-l", "=mod", "-e", "print(type(_G['']))"])]
#[case::library_missing(&["-l"])]
#[case::library_that_looks_like_an_option(&["-l", "-v"])]
#[case::library_not_found(&["-l", "nowhere", "-e", "print('not reached')"])]
#[case::library_with_an_empty_name(&["-l", ""])]
#[case::library_that_fails(&["-l", "broken", "-e", "print('not reached')"])]
#[case::library_without_require(&["-e", "require = nil", "-l", "mod"])]
#[case::no_environment(&["-E", "-e", "print(1)"])]
#[case::no_environment_with_more(&["-Ex", "-e", "print(1)"])]
#[case::warnings(&["-W", "-e", "warn('careful')"])]
#[case::warnings_off(&["-e", "warn('careful')"])]
#[case::warnings_with_more(&["-Wx"])]
#[case::version_with_more(&["-vx"])]
#[case::interactive_with_more(&["-ix"])]
#[case::interactive_at_the_end_of_input(&["-i"])]
#[case::interactive_after_text(&["-e", "print(1)", "-i"])]
#[case::unknown(&["-x"])]
#[case::unknown_after_text(&["-e", "print('not reached')", "-x"])]
#[case::unknown_long(&["--unknown"])]
#[case::nothing_after_dashes(&["--"])]
#[case::text_before_dashes(&["-e", "print(1)", "--"])]
#[case::text_after_dashes(&["--", "-e", "print(1)"])]
fn option(#[case] arguments: &[&str]) {
    Case::new()
        .file("mod.lua", "loaded = ... return {}")
        .file("broken.lua", "error('broken')")
        .args(arguments)
        .assert_same();
}

/// What the script gets.
#[rstest]
#[case::no_arguments(&["show.lua"])]
#[case::arguments(&["show.lua", "a", "b", ""])]
#[case::options_before(&["-e", "x = 1", "-l", "string", "show.lua", "a"])]
#[case::options_after_are_arguments(&["show.lua", "-e", "x", "-v", "--", "-"])]
#[case::after_dashes(&["--", "show.lua", "a"])]
#[case::input(&["-", "a", "b"])]
#[case::input_after_options(&["-e", "x = 1", "-", "a"])]
#[case::file_named_dash(&["--", "-", "a"])]
#[case::arg_in_text(&["-e", SHOW])]
#[case::arg_in_text_before_version(&["-e", SHOW, "-v"])]
#[case::arg_in_text_before_script(&["-e", SHOW, "show.lua", "a"])]
#[case::arg_shortened(&["-e", "if arg then arg[2] = nil end", "show.lua", "a", "b"])]
#[case::arg_extended(&["-e", "if arg then arg[2] = 'more' end", "show.lua", "a"])]
#[case::arg_gone(&["-e", "arg = nil", "show.lua", "a"])]
#[case::arg_not_a_table(&["-e", "arg = 'text'", "show.lua", "a"])]
fn script_arguments(#[case] arguments: &[&str]) {
    Case::new()
        .file("show.lua", SHOW)
        .file("-", "print('file')")
        .input(SHOW)
        .args(arguments)
        .assert_same();
}

#[test]
fn arguments_are_bytes() {
    let bytes = OsStr::from_bytes(b"\xff\x80z");
    let ending = Case::new()
        .args(["-", "x"])
        .args([bytes])
        .input("print(arg[2]:byte(1, -1))")
        .assert_same();
    assert_eq!(ending.stdout, "255\t128\t122\n");
}

#[test]
fn many_arguments() {
    let many = (1..=5_000).map(|number| number.to_string());
    let ending = Case::new()
        .args(["-"])
        .args(many)
        .input("print(select('#', ...), (select(5000, ...)), #arg)")
        .assert_same();
    assert_eq!(ending.stdout, "5000\t5000\t5000\n");
}
