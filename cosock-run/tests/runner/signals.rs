//! Ctrl-C.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;

use rstest::rstest;

use crate::support::{Case, Ending, Running, Subject, assert_same_ending, comparable};

/// LuaJIT does not look for hooks in compiled code.
const INTERPRETED: &[&str] = if cfg!(feature = "luajit") {
    &["-joff"]
} else {
    &[]
};

/// Starts the code in both, waits for its "ready", goes on with `act` and compares the endings.
#[track_caller]
fn both(code: &str, act: impl Fn(&mut Running)) -> Ending {
    let case = Case::new()
        .args(INTERPRETED)
        .args(["-e", &format!("print('ready') io.stdout:flush() {code}")]);
    let [ours, stock] = [Subject::Runner, Subject::Stock].map(|subject| {
        let mut running = case.start(subject);
        running.wait_for("ready\n");
        act(&mut running);
        running.end()
    });
    assert_same_ending(&ours, &stock);
    ours
}

/// A hook runs at a place that is the same each time only in a loop that does nothing else.
#[rstest]
#[case::in_a_loop("while true do end")]
#[case::in_a_protected_call("print(pcall(function() while true do end end))")]
#[case::in_nested_functions(
    "local function f() while true do end end (function() f() print() end)()"
)]
fn first_interrupt_is_an_error(#[case] code: &str) {
    let ending = both(code, |running| {
        running.wait_until_busy();
        running.signal(libc::SIGINT);
    });
    assert!((ending.stdout + &ending.stderr).contains("interrupted!"));
}

/// The first is caught by the program. The second finds the default action.
#[test]
fn second_interrupt_ends_the_process() {
    let code = "pcall(function() while true do end end)
        print('caught') io.stdout:flush()
        while true do end";
    let ending = both(code, |running| {
        running.wait_until_busy();
        running.signal(libc::SIGINT);
        running.wait_for("caught\n");
        running.signal(libc::SIGINT);
    });
    assert_eq!(ending.status.signal(), Some(libc::SIGINT));
}

/// Each chunk gets the handler anew, and between chunks there is none.
#[test]
fn interrupt_after_an_interrupted_chunk() {
    let case = Case::new().args(INTERPRETED).args(["-i"]);
    let [ours, stock] = [Subject::Runner, Subject::Stock].map(|subject| {
        let mut running = case.start(subject);
        let mut input = running.child.stdin.take().expect("a pipe");
        for _ in 0..2 {
            let line = b"print('rea' .. 'dy') io.stdout:flush() while true do end\n";
            input.write_all(line).expect("the input is read");
            running.wait_for("ready\n");
            running.wait_until_busy();
            running.signal(libc::SIGINT);
        }
        drop(input);
        let ending = running.end();
        (ending.status, comparable(subject, &ending.stderr))
    });
    assert_eq!(ours, stock);
    assert_eq!(ours.1.matches("interrupted!").count(), 2);
}

/// Whether the read goes on or fails depends on the version. The end of input ends it in any case.
#[test]
fn interrupt_while_reading() {
    let ending = both("print(io.read())", |running| {
        let input = running.child.stdin.take();
        running.wait_until_asleep();
        running.signal(libc::SIGINT);
        drop(input);
    });
    assert!(ending.stderr.contains("interrupted!"));
}

/// Where a read fails at once, it does so with the input still open. The stock LuaJIT of Debian 12 is too
/// old for that.
#[cfg(any(feature = "lua54", feature = "lua55", feature = "luajit"))]
#[test]
fn interrupt_ends_a_read() {
    let code = "print('ready') io.stdout:flush() print(io.read())";
    let mut running = Case::new().args(["-e", code]).start(Subject::Runner);
    let input = running.child.stdin.take();
    running.wait_for("ready\n");
    running.wait_until_asleep();
    running.signal(libc::SIGINT);
    let ending = running.end();
    drop(input);
    assert!(ending.stderr.contains("interrupted!"), "{ending}");
}

#[test]
fn other_signals_end_the_process() {
    let ending = both("while true do end", |running| running.signal(libc::SIGTERM));
    assert_eq!(ending.status.signal(), Some(libc::SIGTERM));
}
