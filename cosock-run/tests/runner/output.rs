//! Standard output: its order, its buffer, and a reader that goes away.

use std::os::unix::process::{CommandExt, ExitStatusExt};

use rstest::rstest;

use crate::support::{Case, Subject, assert_same_ending};

const ENDLESS: &str = "while true do print(('x'):rep(1000)) end";

#[rstest]
#[case::output_then_error(&["-e", "print('out') io.stderr:write('err\\n') print('out')"])]
#[case::output_then_message(&["-e", "print('out') error('err')"])]
#[case::unbuffered(&["-e", "io.stdout:setvbuf('no') print('out') error('err')"])]
#[case::version_then_output(&["-v", "-e", "print('out') io.stderr:write('err\\n')"])]
#[case::interactive(&["-i", "-e", "print('out') io.stderr:write('err\\n')"])]
fn order(#[case] arguments: &[&str]) {
    Case::new().args(arguments).assert_same_in_one_stream();
}

/// `lua script | head` ends by SIGPIPE, without a word.
#[test]
fn reader_that_goes_away() {
    let [ours, stock] = [Subject::Runner, Subject::Stock].map(|subject| {
        let mut running = Case::new().args(["-e", ENDLESS]).start(subject);
        drop(running.child.stdout.take());
        running.end()
    });
    assert_same_ending(&ours, &stock);
    assert_eq!(
        (ours.status.signal(), ours.stderr.as_str()),
        (Some(libc::SIGPIPE), "")
    );
}

/// Who starts the program with SIGPIPE ignored finds it ignored.
#[test]
fn ignored_sigpipe_stays_ignored() {
    // Reads first, so that the reader of its output is gone when it writes.
    let code = "io.read() io.write('x') io.stderr:write((select(2, io.stdout:flush())))";
    let [ours, stock] = [Subject::Runner, Subject::Stock].map(|subject| {
        let case = Case::new().args(["-e", code]);
        let mut command = case.command(subject);
        // SAFETY: `signal` may be called between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::signal(libc::SIGPIPE, libc::SIG_IGN);
                Ok(())
            });
        }
        let mut running = case.start_as(subject, command);
        drop(running.child.stdout.take());
        drop(running.child.stdin.take());
        running.end()
    });
    assert_same_ending(&ours, &stock);
    assert_eq!(ours.stderr, "Broken pipe");
}

/// Every byte arrives, also when the program ends by itself before the buffer is full.
#[test]
fn large_output() {
    let ending = Case::new()
        .args([
            "-e",
            "for i = 1, 100000 do io.write(i, ' ') end print('end')",
        ])
        .assert_same();
    assert!(ending.stdout.ends_with("99999 100000 end\n"));
}

/// Output that the device refuses.
#[test]
fn full_device() {
    let code = "io.write('x') io.stderr:write((select(2, io.stdout:flush())))";
    let [ours, stock] = [Subject::Runner, Subject::Stock].map(|subject| {
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("the device");
        let case = Case::new().args(["-e", code]);
        let output = case
            .command(subject)
            .stdout(full)
            .output()
            .expect("the program runs");
        (
            output.status,
            String::from_utf8(output.stderr).expect("text"),
        )
    });
    assert_eq!(ours, stock);
    assert!(ours.1.contains("No space left on device"), "{}", ours.1);
}
