//! Objects of the user's own that cosock can wait for, and channels.

use std::time::Duration;

use super::{ROUNDING, Stage, check_lasted};

pub(super) fn timer(stage: &Stage) {
    let output = stage.run();
    let lines = output.lines();
    output.check(lines.len() == 5, "it prints five lines");
    // Exactly one waker is set, and it is cleared once: nobody called it.
    let expected = ["waiting", "setwaker recvr function", "setwaker recvr nil"];
    output.check(
        lines[..3] == expected,
        "cosock sets the waker and clears it",
    );
    output.check(
        seconds_waited(lines[3]) >= 0.3 - ROUNDING,
        "it waits as long as it should",
    );
    output.check(
        lines[4] == "result\tnil\tnil\ttimeout",
        "only the time was up",
    );
    check_lasted(&output, Duration::from_millis(300));
}

pub(super) fn timer_cancel(stage: &Stage) {
    let output = stage.run();
    let lines = output.lines();
    output.check(lines.len() == 7, "it prints seven lines");
    // The waker clears itself when called; all are cleared once more before the task goes on.
    let expected = [
        "waiting",
        "setwaker recvr function",
        "waking",
        "setwaker recvr nil",
        "setwaker recvr nil",
    ];
    output.check(
        lines[..5] == expected,
        "the waker is set, called, and cleared twice",
    );
    let seconds = seconds_waited(lines[5]);
    output.check(seconds >= 0.2 - ROUNDING, "it waits until it is cancelled");
    output.check(seconds < 10.0, "it does not wait to its own end");
    output.check(
        lines[6] == "result\tnil\tcancelled",
        "it says that it was cancelled",
    );
}

fn seconds_waited(line: &str) -> f64 {
    let seconds = line
        .strip_prefix("waited ")
        .and_then(|rest| rest.strip_suffix(" seconds"));
    seconds
        .and_then(|text| text.parse().ok())
        .unwrap_or(f64::NAN)
}

/// The module alone: what it does is seen in `bounded_senders` and tested by a script.
pub(super) fn bounded_channel(stage: &Stage) {
    let nothing: [&str; 0] = [];
    stage.run().check_lines(&nothing);
}

pub(super) fn bounded_senders(stage: &Stage) {
    let output = stage.run();
    let (mut sent, mut received) = (Vec::new(), Vec::new());
    for line in output.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["sent", message, "after", wait, "seconds"] if wait.parse::<f64>().is_ok() => {
                sent.push(message);
            }
            ["received", message] => received.push(message),
            _ => output.check(
                line == "receiver stops: closed",
                format_args!("{line:?} is right"),
            ),
        }
        // A sender that waited speaks a turn after its message went in, so this counts none too many.
        let held = sent.len().saturating_sub(received.len());
        output.check(held <= 2, "the channel never holds more than two messages");
        let lead = count_of('a', &sent).abs_diff(count_of('b', &sent));
        output.check(lead <= 2, "neither sender starves");
    }
    output.check(
        output.lines().last() == Some(&"receiver stops: closed"),
        "the close comes last",
    );
    for name in ['a', 'b'] {
        let expected: Vec<String> = (1..=5).map(|number| format!("{name}{number}")).collect();
        output.check(
            of(name, &sent) == expected,
            format_args!("{name} sends in order"),
        );
        output.check(
            of(name, &received) == expected,
            format_args!("{name} arrives in order"),
        );
    }
    // Ten messages, and the receiver rests after each: so the senders, with their short pauses, waited.
    check_lasted(&output, Duration::from_millis(10 * 100));
}

fn of<'a>(name: char, messages: &[&'a str]) -> Vec<&'a str> {
    messages
        .iter()
        .copied()
        .filter(|message| message.starts_with(name))
        .collect()
}

fn count_of(name: char, messages: &[&str]) -> usize {
    of(name, messages).len()
}

pub(super) fn two_receivers(stage: &Stage) {
    let output = stage.run();
    let refusal =
        "run fails: waker already set, receive can't be waited on from multiple places at once";
    let lines = output.lines();
    if !stage.subject.is_ours() {
        // Which of the two waits first is open there, the loser hangs, and dumps come in between.
        let late = |line: &&str| line.ends_with(" got the late news");
        let early = |line: &&str| line.ends_with(" got the early news");
        output.check(
            lines[..2] == ["both wait:", refusal],
            "the second receiver is refused",
        );
        output.check(
            lines.iter().filter(|line| late(line)).count() == 1,
            "the other is served",
        );
        output.check(
            lines.iter().filter(|line| early(line)).count() == 1,
            "one is served",
        );
        return;
    }
    output.check(lines.len() == 7, "it prints seven lines");
    let expected = [
        "both wait:",
        refusal,
        "first got the late news",
        "run ends well",
        "one message, two tasks:",
        "first got the early news",
    ];
    output.check(
        lines[..6] == expected,
        "only the second receiver is refused, and the first is served",
    );
    let deadlock = lines[6].starts_with("run fails: deadlock: ");
    output.check(deadlock, "the one left without a message waits in vain");
}
