//! What no stock interpreter has: cosock inside, and the runner's own options.

use rstest::rstest;

use crate::support::{Case, Subject};

/// Every module comes from the runner, whatever the paths say.
#[rstest]
#[case("cosock")]
#[case("cosock.socket")]
#[case("cosock.socket.tcp")]
#[case("cosock.socket.udp")]
#[case("cosock.socket.internals")]
#[case("cosock.channel")]
#[case("cosock.timers")]
#[case("cosock.asyncify")]
fn cosock_is_built_in(#[case] module: &str) {
    let code = format!("print(package.loaded['{module}'], require('{module}') ~= nil)");
    let ending = Case::new().args(["-e", &code]).run(Subject::Runner);
    assert_eq!(
        (ending.stdout.as_str(), ending.stderr.as_str()),
        ("nil\ttrue\n", ""),
        "{ending}"
    );
}

/// An iterator that waits inside a task delivers its item only where `wrap` passes the wait on.
const WAITING_ITERATOR: &str = "
    local cosock = require('cosock')
    cosock.spawn(function()
        local next_item = coroutine.wrap(function()
            cosock.socket.sleep(0)
            coroutine.yield('item')
        end)
        print(next_item())
    end, 'task')
    cosock.run()
";

#[rstest]
#[case::script(&["--install-coroutine", "script.lua"])]
#[case::text(&["--install-coroutine", "-e", WAITING_ITERATOR])]
#[case::input(&["--install-coroutine", "-"])]
#[case::plain_input(&["--install-coroutine"])]
fn install_coroutine(#[case] arguments: &[&str]) {
    let case = Case::new()
        .file("script.lua", WAITING_ITERATOR)
        .input(WAITING_ITERATOR);
    let ending = case.args(arguments).run(Subject::Runner);
    assert_eq!(
        (ending.stdout.as_str(), ending.stderr.as_str()),
        ("item\n", ""),
        "{ending}"
    );
}

#[test]
fn coroutines_stay_raw_unless_asked() {
    let ending = Case::new()
        .file("script.lua", WAITING_ITERATOR)
        .args(["script.lua"])
        .run(Subject::Runner);
    assert_ne!(ending.stdout, "item\n", "{ending}");
    let code = "print(package.loaded.cosock)";
    assert_eq!(
        Case::new().args(["-e", code]).run(Subject::Runner).stdout,
        "nil\n"
    );
}

#[test]
fn install_coroutine_is_part_of_arg() {
    let code = "print(arg[-1], arg[0], arg[1])";
    let case = Case::new().file("script.lua", code);
    let ending = case
        .args(["--install-coroutine", "script.lua", "a"])
        .run(Subject::Runner);
    assert_eq!(
        ending.stdout, "--install-coroutine\tscript.lua\ta\n",
        "{ending}"
    );
}

/// A wait inside `pcall` gets through on 5.1 only when asked for, elsewhere always.
const WAIT_IN_PCALL: &str = "
    local cosock = require('cosock')
    cosock.spawn(function()
        print(pcall(function()
            cosock.socket.sleep(0)
            return 'waited'
        end))
    end, 'task')
    cosock.run()
";

#[rstest]
#[case::script(&["--install-pcall", "script.lua"])]
#[case::text(&["--install-pcall", "-e", WAIT_IN_PCALL])]
#[case::with_the_other(&["--install-coroutine", "--install-pcall", "script.lua"])]
fn install_pcall(#[case] arguments: &[&str]) {
    let case = Case::new().file("script.lua", WAIT_IN_PCALL);
    let ending = case.args(arguments).run(Subject::Runner);
    assert_eq!(
        (ending.stdout.as_str(), ending.stderr.as_str()),
        ("true\twaited\n", ""),
        "{ending}"
    );
}

#[test]
fn pcall_stays_raw_unless_asked() {
    let case = Case::new().file("script.lua", WAIT_IN_PCALL);
    let ending = case.args(["script.lua"]).run(Subject::Runner);
    let waited = ending.stdout == "true\twaited\n";
    assert_eq!(waited, !cfg!(feature = "lua51"), "{ending}");
}

#[rstest]
#[case::short(&["-h"])]
#[case::long(&["--help"])]
#[case::among_others(&["-e", "print(1)", "--help", "script.lua"])]
fn help(#[case] arguments: &[&str]) {
    let ending = Case::new().args(arguments).run(Subject::Runner);
    assert!(
        ending.status.success() && ending.stderr.is_empty(),
        "{ending}"
    );
    assert!(
        ending.stdout.starts_with("usage: lua [options]"),
        "{ending}"
    );
    for option in ["--install-coroutine", "--install-pcall"] {
        assert!(ending.stdout.contains(option), "{ending}");
    }
}

/// 5.4.4, which Debian 12 has, keeps the suffix in the global's name; the release built in does not.
#[cfg(feature = "lua54")]
#[test]
fn library_suffix_is_left_out_of_the_global() {
    let case = Case::new().file("mod-v2.lua", "return 'loaded as ' .. ...");
    let ending = case
        .args(["-l", "mod-v2", "-e", "print(mod)"])
        .run(Subject::Runner);
    assert_eq!(ending.stdout, "loaded as mod-v2\n", "{ending}");
}

#[cfg(feature = "luajit")]
mod luajit {
    use rstest::rstest;

    use crate::support::{Case, Subject};

    const STATUS: &str = "print((jit.status()))";

    #[rstest]
    #[case::on(&["-jon", "-e", STATUS])]
    #[case::off(&["-joff", "-e", STATUS])]
    #[case::as_two_words(&["-j", "off", "-e", STATUS])]
    #[case::in_order(&["-joff", "-jon", "-e", STATUS])]
    #[case::missing(&["-j"])]
    #[case::unknown(&["-jnowhere", "-e", STATUS])]
    #[case::library_function_with_arguments(&["-jflush=,", "-e", STATUS])]
    #[case::level(&["-O3", "-e", STATUS])]
    #[case::no_level(&["-O", "-e", STATUS])]
    #[case::flags(&["-Ofold,-cse", "-Ohotloop=10", "-e", STATUS])]
    #[case::bad_flag(&["-Onowhere", "-e", STATUS])]
    #[case::no_execution(&["-joff", "script.lua"])]
    #[case::plain_input(&["-joff"])]
    fn compiler_option(#[case] arguments: &[&str]) {
        let case = Case::new().file("script.lua", STATUS).input(STATUS);
        case.args(arguments).assert_same();
    }

    #[test]
    fn module_that_a_program_brings() {
        let module = "return {start = function(...) print('started', ...) end}";
        // `jit.mine` is `jit/mine.lua`, for which the path has a pattern without a folder.
        Case::new()
            .variable(
                "LUA_INIT",
                "package.preload['jit.mine'] = function()\n".to_owned() + module + " end",
            )
            .args(["-jmine", "-jmine=a,,b", "-e", "print('ran')"])
            .assert_same();
    }

    #[rstest]
    #[case::list(&["-bl", "script.lua"])]
    #[case::save(&["-b", "script.lua", "out.raw"])]
    fn bytecode_is_refused(#[case] arguments: &[&str]) {
        let ending = Case::new()
            .file("script.lua", "")
            .args(arguments)
            .run(Subject::Runner);
        assert_eq!(
            ending.stderr,
            "lua: bytecode cannot be saved or listed here (-b); use luajit itself\n"
        );
        assert_eq!(ending.status.code(), Some(1));
    }
}
