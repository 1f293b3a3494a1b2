//! Tables as keys, without cosock.

use std::collections::BTreeSet;

use super::{Stage, split};
use crate::run::Output;

pub(super) fn key_order(stage: &Stage) {
    let output = stage.run();
    let lines = output.lines();
    output.check(
        lines.first() == Some(&"address\tinserted"),
        "it begins with a heading",
    );
    let rows: Vec<_> = lines
        .iter()
        .skip(1)
        .filter_map(|line| split(line))
        .collect();
    let addresses: BTreeSet<u64> = rows
        .iter()
        .filter_map(|(text, _)| text.parse().ok())
        .collect();
    output.check(addresses.len() == 10, "ten keys have ten addresses");
    let numbers: Vec<&str> = rows.iter().map(|(_, number)| *number).collect();
    check_each_once(&output, &numbers, 10);
}

pub(super) fn key_order_repeats(stage: &Stage) {
    let output = stage.run();
    let lines = output.lines();
    output.check(lines.len() == 3, "it prints three lines");
    let sets: Vec<u32> = lines[0]
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    output.check(
        sets.len() == 2 && sets[0] < sets[1],
        "it names two sets, the earlier one first",
    );
    output.check(lines[1] == lines[2], "both have the same order");
    check_each_once(&output, &lines[1].split(' ').collect::<Vec<_>>(), 9);
}

fn check_each_once(output: &Output, numbers: &[&str], count: usize) {
    let distinct: BTreeSet<usize> = numbers
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    let complete = numbers.len() == count && distinct.into_iter().eq(1..=count);
    output.check(
        complete,
        format_args!("each number from 1 to {count} comes once"),
    );
}
