//! Tables as keys, without cosock.

use std::collections::BTreeSet;

use super::{Stage, split};

pub(super) fn key_order(stage: &Stage) {
    let output = stage.run();
    let lines = output.lines();
    stage.fact(
        lines.first() == Some(&"address\tinserted"),
        "it begins with a heading",
    );
    let rows = lines.iter().skip(1).filter_map(|line| split(line));
    let (addresses, numbers): (BTreeSet<Option<u64>>, Vec<&str>) = rows
        .map(|(address, number)| (address.parse().ok(), number))
        .unzip();
    stage.fact(
        addresses.len() == 10 && !addresses.contains(&None),
        "ten keys have ten addresses",
    );
    stage.fact(
        is_each_once(&numbers, 10),
        "each number from 1 to 10 comes once",
    );
}

pub(super) fn key_order_repeats(stage: &Stage) {
    let output = stage.run();
    let lines = output.lines();
    let [sets, one, other] = lines[..] else {
        return stage.fact(false, "it prints three lines");
    };
    stage.fact(true, "it prints three lines");
    let sets: Vec<u32> = sets
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    stage.fact(
        sets.len() == 2 && sets.is_sorted_by(|earlier, later| earlier < later),
        "it names two sets, the earlier one first",
    );
    stage.fact(one == other, "both have the same order");
    let numbers: Vec<&str> = one.split(' ').collect();
    stage.fact(
        is_each_once(&numbers, 9),
        "each number from 1 to 9 comes once",
    );
}

fn is_each_once(numbers: &[&str], count: usize) -> bool {
    let distinct: BTreeSet<usize> = numbers
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    numbers.len() == count && distinct.into_iter().eq(1..=count)
}
