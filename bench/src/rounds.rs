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
    // Nobody is always the first.
    let count = subjects.len().max(1);
    let order = subjects
        .iter()
        .cycle()
        .skip(round % count)
        .take(subjects.len());
    for subject in order.filter(|subject| subject.has(workload)) {
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
