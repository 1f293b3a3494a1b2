//! Objects of the user's own that cosock can wait for, and channels.

use std::time::Duration;

use super::{ROUNDING, Stage};

pub(super) fn timer(stage: &Stage) {
    let output = stage.run();
    let lines = output.lines();
    stage.fact(lines.len() == 5, "it prints five lines");
    // Exactly one waker is set, and it is cleared once: nobody called it.
    let expected = ["waiting", "setwaker recvr function", "setwaker recvr nil"];
    stage.fact(
        lines.starts_with(&expected),
        "cosock sets the waker and clears it",
    );
    stage.fact(
        seconds_waited(&lines, 3) >= 0.3 - ROUNDING,
        "it waits as long as it should",
    );
    stage.fact(
        lines.last() == Some(&"result\tnil\tnil\ttimeout"),
        "only the time was up",
    );
    let least = Duration::from_millis(300);
    stage.lasts(&output, least, "it lasts as long as it waits");
}

pub(super) fn timer_cancel(stage: &Stage) {
    let output = stage.run();
    let lines = output.lines();
    stage.fact(lines.len() == 7, "it prints seven lines");
    // The waker clears itself when called; all are cleared once more before the task goes on.
    let expected = [
        "waiting",
        "setwaker recvr function",
        "waking",
        "setwaker recvr nil",
        "setwaker recvr nil",
    ];
    stage.fact(
        lines.starts_with(&expected),
        "the waker is set, called, and cleared twice",
    );
    let seconds = seconds_waited(&lines, 5);
    stage.fact(seconds >= 0.2 - ROUNDING, "it waits until it is cancelled");
    stage.fact(seconds < 10.0, "it does not wait to its own end");
    stage.fact(
        lines.last() == Some(&"result\tnil\tcancelled"),
        "it says that it was cancelled",
    );
}

/// What the line at `place` tells; it is not a number where there is none.
fn seconds_waited(lines: &[&str], place: usize) -> f64 {
    let line = lines.get(place).copied().unwrap_or_default();
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
    stage.prints(&stage.run(), &nothing, "by itself it prints nothing");
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
            _ => stage.fact(line == "receiver stops: closed", "nothing else is said"),
        }
        // A sender that waited speaks a turn after its message went in, so this counts none too many.
        let held = sent.len().saturating_sub(received.len());
        stage.fact(held <= 2, "the channel never holds more than two messages");
        let lead = count_of('a', &sent).abs_diff(count_of('b', &sent));
        stage.fact(lead <= 2, "neither sender starves");
    }
    stage.fact(
        output.lines().last() == Some(&"receiver stops: closed"),
        "the close comes last",
    );
    for name in ['a', 'b'] {
        let expected: Vec<String> = (1..=5).map(|number| format!("{name}{number}")).collect();
        stage.fact(
            of(name, &sent) == expected,
            format_args!("{name} sends in order"),
        );
        stage.fact(
            of(name, &received) == expected,
            format_args!("{name} arrives in order"),
        );
    }
    // Ten messages, and the receiver rests after each: so the senders, with their short pauses, waited.
    let least = Duration::from_millis(10 * 100);
    stage.lasts(&output, least, "the receiver sets the pace");
}

fn of<'a>(name: char, messages: &[&'a str]) -> Vec<&'a str> {
    let messages = messages.iter().copied();
    messages
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
    stage.fact(
        lines.starts_with(&["both wait:", refusal]),
        "the second receiver is refused",
    );
    let count = |ending: &str| lines.iter().filter(|line| line.ends_with(ending)).count();
    stage.fact(
        count(" got the late news") == 1 && count(" got the early news") == 1,
        "one is served, each time",
    );
    let first = lines.contains(&"first got the late news")
        && lines.contains(&"first got the early news")
        && lines.contains(&"run ends well");
    stage.fact(first, "it is the first that is served, and run goes on");
    stage.fact(
        lines.len() == 7 && lines[6].starts_with("run fails: deadlock: "),
        "the one left without a message waits in vain, as the error says",
    );
}
