//! Tasks that sleep and take turns.

use std::time::Duration;

use super::{ROUNDING, Stage, check_lasted, timed_words};
use crate::run::Output;

pub(super) fn tick(stage: &Stage) {
    check_ticks(&stage.run(), 4);
    check_ticks(&stage.run_with(&["2"]), 2);
}

fn check_ticks(output: &Output, count: usize) {
    let ticks = timed_words(output);
    output.check(ticks.len() == count, format_args!("it ticks {count} times"));
    output.check(
        ticks.iter().all(|(_, word)| *word == "tick"),
        "it says nothing else",
    );
    check_gaps(output, &times_of("tick", &ticks), 0.2);
    check_lasted(output, Duration::from_millis(200) * count as u32);
}

pub(super) fn tick_tock(stage: &Stage) {
    let output = stage.run();
    let words = timed_words(&output);
    check_alternation(&output, &words);
    let tocks = times_of("tock", &words);
    output.check(
        tocks[0] >= 0.2 - ROUNDING,
        "the first tock comes a beat after the start",
    );
    check_gaps(&output, &tocks, 0.4);
    check_gaps(&output, &times_of("tick", &words), 0.4);
    check_lasted(&output, Duration::from_millis(200 + 3 * 400));
}

pub(super) fn tick_tock_channels(stage: &Stage) {
    let output = stage.run();
    let words = timed_words(&output);
    check_alternation(&output, &words);
    let times: Vec<f64> = words.iter().map(|(seconds, _)| *seconds).collect();
    check_gaps(&output, &times, 0.1);
    check_lasted(&output, Duration::from_millis(6 * 100));
}

pub(super) fn tick_tock_clack(stage: &Stage) {
    let minute = [
        "1 tick", "2 tock", "3 tick", "4 tock", "5 tick", "6 tock", "clack",
    ];
    let output = stage.run();
    output.check_lines(&[minute, minute].concat());
    check_lasted(&output, Duration::from_millis(2 * 6 * 50));
    stage
        .run_with(&["3"])
        .check_lines(&[minute, minute, minute].concat());
}

fn check_alternation(output: &Output, words: &[(f64, &str)]) {
    let words: Vec<&str> = words.iter().map(|(_, word)| *word).collect();
    output.check(
        words == ["tick", "tock", "tick", "tock", "tick", "tock"],
        "tick and tock take turns, three times each",
    );
}

fn times_of(wanted: &str, words: &[(f64, &str)]) -> Vec<f64> {
    words
        .iter()
        .filter(|(_, word)| *word == wanted)
        .map(|(seconds, _)| *seconds)
        .collect()
}

fn check_gaps(output: &Output, times: &[f64], least: f64) {
    let wide = times
        .windows(2)
        .all(|pair| pair[1] - pair[0] >= least - ROUNDING);
    output.check(
        wide,
        format_args!("{times:?} are at least {least} seconds apart"),
    );
}
