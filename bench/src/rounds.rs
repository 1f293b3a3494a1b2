//! The rounds of measurements on one Lua.

use std::io;
use std::time::Instant;

use conformance::Lua;

use crate::measure::{Length, measure};
use crate::options::Options;
use crate::results::{Entry, Results, Series};
use crate::subject::Subject;
use crate::workload::Workload;

/// Measures everything once in each round, each workload with all subjects one after the other, and keeps
/// what was found at once. Returns the results and the failures that nobody expected.
pub(crate) fn run(
    lua: Lua,
    subjects: &[Subject],
    missing: Vec<String>,
    options: &Options,
) -> io::Result<(Results, Vec<String>)> {
    let file = Results::path(&options.output, lua);
    let mut results = Results::load(&file)?;
    results.describe(lua, subjects, missing);
    for workload in &options.workloads {
        let kept = results.workloads.get(workload.name);
        if kept.is_none_or(|entry| !options.goes_on || !continues(entry, &results, options)) {
            let entry = entry(workload, options);
            results.workloads.insert(workload.name.into(), entry);
        }
    }
    for round in 0..options.rounds {
        let start = Instant::now();
        for workload in &options.workloads {
            measure_all(lua, workload, subjects, round, options, &mut results);
            results.save(&file)?;
        }
        let took = start.elapsed().as_secs();
        eprintln!("{lua}, round {} of {}: {took} s", round + 1, options.rounds);
    }
    let unexpected = unexpected_failures(lua, &results, subjects, options);
    Ok((results, unexpected))
}

/// Whether what there is may be gone on with: it is of the same kind and of the same versions.
fn continues(entry: &Entry, results: &Results, options: &Options) -> bool {
    entry.quick == options.quick && results.is_current(entry)
}

fn entry(workload: &Workload, options: &Options) -> Entry {
    Entry {
        title: workload.title.into(),
        operation: workload.operation.into(),
        unit: workload.unit().name().into(),
        rounds: options.rounds,
        quick: options.quick,
        subjects: Default::default(),
    }
}

/// One round of one workload.
fn measure_all(
    lua: Lua,
    workload: &Workload,
    subjects: &[Subject],
    round: usize,
    options: &Options,
    results: &mut Results,
) {
    let entry = results.workloads.get_mut(workload.name);
    let entry = entry.expect("every workload has an entry");
    entry.rounds = entry.rounds.max(round + 1);
    let length = if options.quick {
        Length::QUICK
    } else {
        Length::FULL
    };
    for place in order(subjects.len(), round) {
        let subject = &subjects[place];
        if !subject.has(workload) {
            continue;
        }
        let series = entry.subjects.entry(subject.name.clone());
        let series = series.or_insert_with(|| Series {
            version: subject.version.clone(),
            ..Series::default()
        });
        if series.failure.is_some() || series.samples.len() > round {
            continue;
        }
        match workload.is_beyond(&subject.name, lua) {
            Some(reason) if options.quick => series.failure = Some(reason.into()),
            _ => measure_into(series, subject, workload, length),
        }
    }
}

/// In which order the subjects have their turns in a round: a Williams design. Over as many rounds as there are
/// subjects, or twice as many if they are odd, each comes next after each other one equally often, so that what a
/// program leaves behind, such as memory that its successor has to take from the system, is no one's lot.
fn order(count: usize, round: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count)
        .map(|turn| {
            let zigzag = if turn % 2 == 0 {
                turn / 2
            } else {
                count - turn.div_ceil(2)
            };
            (zigzag + round) % count
        })
        .collect();
    if count % 2 == 1 && round % 2 == 1 {
        order.reverse();
    }
    order
}

fn measure_into(series: &mut Series, subject: &Subject, workload: &Workload, length: Length) {
    match measure(subject, workload, length) {
        Ok(sample) => series.samples.push(sample),
        Err(error) => {
            eprintln!("{}, {}: {error}", workload.name, subject.name);
            series.failure = Some(error.to_string());
        }
    }
}

/// The failures of those who were expected to work.
fn unexpected_failures(
    lua: Lua,
    results: &Results,
    subjects: &[Subject],
    options: &Options,
) -> Vec<String> {
    let mut failures = Vec::new();
    for workload in &options.workloads {
        let entry = &results.workloads[workload.name];
        for subject in subjects {
            let series = entry.subjects.get(&subject.name);
            let failure = series.and_then(|series| series.failure.as_ref());
            if let (Some(reason), None) = (failure, workload.is_beyond(&subject.name, lua)) {
                failures.push(format!("{}, {}: {reason}", workload.name, subject.name));
            }
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn everybody_follows_everybody_else_equally_often() {
        for count in 1..=8 {
            let rounds = if count % 2 == 0 { count } else { 2 * count };
            let mut pairs = HashMap::new();
            for round in 0..rounds {
                let order = order(count, round);
                let mut sorted = order.clone();
                sorted.sort_unstable();
                assert!(sorted.into_iter().eq(0..count), "{order:?}");
                for pair in order.windows(2) {
                    *pairs.entry((pair[0], pair[1])).or_insert(0) += 1;
                }
            }
            assert_eq!(pairs.len(), count * (count - 1));
            assert!(pairs.values().all(|often| *often == rounds / count));
        }
    }
}
