//! Errors: their text, their traceback and the exit status.

use rstest::rstest;

use crate::support::Case;

const TRACED: &str = "
local function inner() error('deep') end
local function outer() inner() return 1 end
outer()
";

const FINALISED: &str = "
collectgarbage('stop')
if newproxy then getmetatable(newproxy(true)).__gc = function() print('finalised') end
else setmetatable({}, {__gc = function() print('finalised') end}) end
io.stdout:setvbuf('no')
error('first')
";

/// An error object with `__tostring`, which is the given function body.
fn with_tostring(body: &str) -> String {
    format!("error(setmetatable({{}}, {{__tostring = function(e) {body} end}}))")
}

/// Text, traceback and status of an error in each kind of chunk.
#[rstest]
fn error_in(
    #[values(
        "error('text')",
        "error('text', 0)",
        "error(42)",
        "error({})",
        "error()",
        "error(nil)",
        "error(true)",
        "error(print)",
        "local x = nil + 1",
        "undefined()",
        "a b",
        "print(",
        "x = 'open",
        "goto nowhere",
        "error('a\\0b')",
        "error(setmetatable({}, {__tostring = true}))",
        "coroutine.wrap(function() error('inside') end)()",
        "coroutine.wrap(function() error({}) end)()",
        "string.rep()",
        "('x'):bad()",
        "debug.traceback = nil error('text')",
        "debug = nil error('text')",
        "debug.traceback = function() return 'replaced' end error('text')",
        "assert(false)",
        "assert(nil, 'reason')",
        "assert(false, {})",
        "load(function() error('reader') end)()",
        "return error",
        "os.exit('bad')"
    )]
    code: &str,
    #[values(Chunk::Text, Chunk::Script, Chunk::Input, Chunk::Library)] chunk: Chunk,
) {
    chunk.case(code).assert_same();
}

/// Where a piece of code runs.
#[derive(Clone, Copy, Debug)]
enum Chunk {
    Text,
    Script,
    Input,
    Library,
}

impl Chunk {
    fn case(self, code: &str) -> Case {
        let case = Case::new();
        match self {
            Chunk::Text => case.args(["-e", code]),
            Chunk::Script => case.file("script.lua", code).args(["script.lua"]),
            Chunk::Input => case.input(code).args(["-"]),
            Chunk::Library => case.file("library.lua", code).args(["-l", "library"]),
        }
    }
}

#[rstest]
#[case::a_string("return 'as text'")]
#[case::a_number("return 42")]
#[case::nothing("")]
#[case::a_table("return {}")]
#[case::an_error("error('again')")]
#[case::an_error_object("error({})")]
fn error_object_whose_tostring_gives(#[case] body: &str) {
    Case::new().args(["-e", &with_tostring(body)]).assert_same();
}

#[rstest]
#[case::from_functions(TRACED)]
#[case::from_a_tail_call("local function f() return error('tail') end f()")]
#[case::from_a_method("local t = {} function t:m() error('method') end t:m()")]
#[case::from_a_callback("table.sort({1, 2, 3}, function() error('callback') end)")]
#[case::from_a_global_function("function f() error('global') end f()")]
#[case::with_many_lines("error('one\\ntwo\\nthree')")]
#[case::from_a_long_stack(
    "local function f(n) if n == 0 then error('deep') end f(n - 1) return 1 end f(40)"
)]
fn traceback(#[case] code: &str) {
    Case::new()
        .file("script.lua", code)
        .args(["script.lua"])
        .assert_same();
}

#[test]
fn nothing_runs_after_an_error() {
    let ending = Case::new()
        .file("script.lua", "print('script')")
        .args([
            "-e",
            "print('one')",
            "-e",
            "error('stop')",
            "-e",
            "print('two')",
        ])
        .args(["-i", "script.lua"])
        .assert_same();
    // Where the version goes depends on the version, and so does when.
    assert!(ending.stdout.ends_with("one\n"), "{ending}");
}

#[test]
fn finalisers_run_after_the_message_or_before_as_in_the_version() {
    let case = Case::new()
        .file("script.lua", FINALISED)
        .args(["script.lua"]);
    assert!(
        case.assert_same_in_one_stream()
            .stdout
            .contains("finalised")
    );
}

#[rstest]
#[case::script_not_there(&["nowhere.lua"])]
#[case::script_is_a_directory(&["."])]
#[case::script_after_dashes(&["--", "-x.lua"])]
fn bad_script(#[case] arguments: &[&str]) {
    let ending = Case::new().args(arguments).assert_same();
    assert!(!ending.status.success());
}

/// An error in what comes from standard input without being asked for is shown, and is no failure.
#[test]
fn error_in_plain_input() {
    let ending = Case::new().input("error('text')").assert_same();
    assert!(ending.status.success() && ending.stderr.contains("text"));
}

#[rstest]
#[case::no_value("os.exit()")]
#[case::success("os.exit(true)")]
#[case::failure("os.exit(false)")]
#[case::zero("os.exit(0)")]
#[case::a_number("os.exit(3)")]
#[case::too_large("os.exit(300)")]
#[case::negative("os.exit(-1)")]
#[case::in_a_coroutine("coroutine.wrap(function() os.exit(4) end)()")]
#[case::in_a_protected_call("pcall(os.exit, 5)")]
#[case::with_output("io.write('buffered') os.exit(6)")]
#[case::without_closing("t = setmetatable({}, {__gc = function() print('gc') end}) os.exit(7)")]
#[case::closing("t = setmetatable({}, {__gc = function() print('gc') end}) os.exit(true, true)")]
#[case::closing_failure(
    "t = setmetatable({}, {__gc = function() print('gc') end}) os.exit(false, true)"
)]
#[case::a_plain_end("t = setmetatable({}, {__gc = function() print('gc') end})")]
#[case::a_return_value("return 9")]
fn exit_status_of(#[case] code: &str) {
    Case::new().args(["-e", code]).assert_same();
    Case::new()
        .file("script.lua", code)
        .args(["script.lua"])
        .assert_same();
}
