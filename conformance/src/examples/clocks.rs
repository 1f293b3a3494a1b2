//! Tasks that sleep and take turns.

use std::time::Duration;

use super::{ROUNDING, Stage, split};
use crate::run::Output;

pub(super) fn tick(stage: &Stage) {
    look_at_ticks(stage, &stage.run(), 4);
    look_at_ticks(stage, &stage.run_with(&["2"]), 2);
}

fn look_at_ticks(stage: &Stage, output: &Output, count: usize) {
    let ticks = timed_words(stage, output);
    stage.fact(
        ticks.len() == count && ticks.iter().all(|(_, word)| *word == "tick"),
        format_args!("it ticks {count} times"),
    );
    stage.fact(
        are_apart(&times_of("tick", &ticks), 0.2),
        "ticks are a beat apart",
    );
    let least = Duration::from_millis(200) * count as u32;
    stage.lasts(output, least, "it lasts as many beats");
}

pub(super) fn tick_tock(stage: &Stage) {
    let output = stage.run();
    let words = timed_words(stage, &output);
    look_at_alternation(stage, &words);
    let tocks = times_of("tock", &words);
    stage.fact(
        tocks.first().is_some_and(|first| *first >= 0.2 - ROUNDING),
        "the first tock comes a beat after the start",
    );
    stage.fact(are_apart(&tocks, 0.4), "tocks are two beats apart");
    let ticks = times_of("tick", &words);
    stage.fact(are_apart(&ticks, 0.4), "ticks are two beats apart");
    let least = Duration::from_millis(200 + 3 * 400);
    stage.lasts(&output, least, "it lasts seven beats");
}

pub(super) fn tick_tock_channels(stage: &Stage) {
    let output = stage.run();
    let words = timed_words(stage, &output);
    look_at_alternation(stage, &words);
    let times: Vec<f64> = words.iter().map(|(seconds, _)| *seconds).collect();
    stage.fact(are_apart(&times, 0.1), "the words are a beat apart");
    let least = Duration::from_millis(6 * 100);
    stage.lasts(&output, least, "it lasts six beats");
}

pub(super) fn tick_tock_clack(stage: &Stage) {
    let minute = [
        "1 tick", "2 tock", "3 tick", "4 tock", "5 tick", "6 tock", "clack",
    ];
    let output = stage.run();
    stage.prints(
        &output,
        &minute.repeat(2),
        "the counter goes round six times, twice",
    );
    let least = Duration::from_millis(2 * 6 * 50);
    stage.lasts(&output, least, "it lasts twelve beats");
    let output = stage.run_with(&["3"]);
    stage.prints(&output, &minute.repeat(3), "and three times when asked");
}

fn look_at_alternation(stage: &Stage, words: &[(f64, &str)]) {
    let words: Vec<&str> = words.iter().map(|(_, word)| *word).collect();
    stage.fact(
        words == ["tick", "tock", "tick", "tock", "tick", "tock"],
        "tick and tock take turns, three times each",
    );
}

/// The lines, if each is a number of seconds and a word.
fn timed_words<'a>(stage: &Stage, output: &'a Output) -> Vec<(f64, &'a str)> {
    let timed = output.lines().into_iter().map(|line| {
        let (seconds, word) = split(line)?;
        Some((seconds.parse().ok()?, word))
    });
    let timed: Option<Vec<_>> = timed.collect();
    stage.fact(
        timed.is_some(),
        "each line is a number of seconds and a word",
    );
    timed.unwrap_or_default()
}

fn times_of(wanted: &str, words: &[(f64, &str)]) -> Vec<f64> {
    let wanted = words.iter().filter(|(_, word)| *word == wanted);
    wanted.map(|(seconds, _)| *seconds).collect()
}

fn are_apart(times: &[f64], least: f64) -> bool {
    let mut pairs = times.windows(2);
    pairs.all(|pair| pair[1] - pair[0] >= least - ROUNDING)
}
