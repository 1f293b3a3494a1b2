//! Running programs: limits, signals, talk, and reports.

use std::panic::{self, AssertUnwindSafe};
use std::process::Command;
use std::time::{Duration, Instant};

use conformance::run::{Ending, Session, run};

const PATIENCE: Duration = Duration::from_secs(60);

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn output_and_exit_code_are_captured() {
    let output = run(shell("echo out; echo err >&2; exit 3"), PATIENCE);
    assert_eq!(output.code(), Some(3));
    assert_eq!(output.stdout, "out\n");
    assert_eq!(output.stderr, "err\n");
}

#[test]
fn hung_program_is_killed_and_what_it_wrote_is_kept() {
    let started = Instant::now();
    let output = run(
        shell("echo before; exec sleep 1000"),
        Duration::from_millis(200),
    );
    assert!(matches!(output.ending, Ending::TimedOut(_)), "{output}");
    assert_eq!(output.stdout, "before\n");
    assert!(started.elapsed() >= Duration::from_millis(200));
    assert!(started.elapsed() < PATIENCE);
}

#[test]
fn program_that_outlives_its_streams_is_waited_for() {
    let output = run(shell("exec >&- 2>&-; sleep 0.2; exit 4"), PATIENCE);
    assert_eq!(output.code(), Some(4), "{output}");
    assert!(output.elapsed >= Duration::from_millis(200), "{output}");
}

#[test]
fn streams_that_outlive_their_program_do_not_hide_its_end() {
    let output = run(
        shell("echo early; sleep 30 & exit 5"),
        Duration::from_millis(500),
    );
    assert_eq!(output.stdout, "early\n");
    assert_eq!(output.code(), Some(5), "{output}");
}

#[test]
fn session_talks_line_by_line() {
    let mut session = Session::start(Command::new("cat"));
    for line in ["one", "two"] {
        session.say(line);
        assert_eq!(session.next_line(PATIENCE), line);
    }
    session.hang_up();
    let output = session.finish(PATIENCE);
    assert_eq!(output.code(), Some(0));
    assert_eq!(output.stdout, "one\ntwo\n");
}

#[test]
fn interrupt_reaches_the_program() {
    // A shell cannot trap a signal that was ignored when it began, as in a background job; perl can.
    let mut command = Command::new("perl");
    command.args([
        "-e",
        r#"$| = 1; $SIG{INT} = sub { print "caught\n"; exit 7 }; print "ready\n"; sleep 1 while 1"#,
    ]);
    let mut session = Session::start(command);
    assert_eq!(session.next_line(PATIENCE), "ready");
    session.interrupt();
    let output = session.finish(PATIENCE);
    assert_eq!(output.code(), Some(7), "{output}");
    assert_eq!(output.stdout, "ready\ncaught\n");
}

#[test]
fn failure_shows_everything() {
    let output = run(
        shell("echo to-stdout; echo to-stderr >&2; exit 9"),
        PATIENCE,
    );
    let report = panic::catch_unwind(AssertUnwindSafe(|| output.check_success()))
        .expect_err("exit code 9 is no success");
    let report = report
        .downcast_ref::<String>()
        .expect("the report is a text");
    for part in [
        "exit code 0",
        "sh",
        "to-stdout",
        "to-stderr",
        "exit status: 9",
    ] {
        assert!(report.contains(part), "{part} is missing in\n{report}");
    }
}
