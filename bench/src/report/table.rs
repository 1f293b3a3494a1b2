//! The table for people.

use std::fmt::Write;

use crate::measure::{Run, Series, payload};
use crate::statistics::{interval, median};
use crate::workload::Workload;

/// Medians with their interval, and what the others need of ours by paired rounds.
pub(crate) fn markdown(run: &Run, machine: &str) -> String {
    let mut text = String::new();
    let mut line = |content: &str| {
        text.push_str(content);
        text.push('\n');
    };
    line(&format!("# {}, {} rounds\n", run.lua, run.rounds));
    line(&format!("{machine}\n"));
    for subject in &run.subjects {
        line(&format!("- {}: {}", subject.name, subject.version));
    }
    for missing in &run.missing {
        line(&format!("- missing: {missing}"));
    }
    line(
        "\nProcessor time of the process under test, or its memory, for one operation: the median, and \
         in brackets the interval that holds it with 95 % certainty (the range, below 6 rounds). Under \
         it, how many times ours that is, by the same round of both.\n",
    );
    let names = run.subjects.iter().map(|subject| subject.name.as_str());
    let names: Vec<&str> = names.collect();
    line(&format!("| workload | per | {} |", names.join(" | ")));
    line(&format!("| --- | --- |{}", " --: |".repeat(names.len())));
    let mut notes = Vec::new();
    for (workload, by_subject) in &run.series {
        let ours = by_subject.get("cosock");
        let mut row = format!("| {} | {} |", workload.title, workload.operation);
        for name in &names {
            let cell = match by_subject.get(*name) {
                None => "-".to_string(),
                Some(series) => match &series.failure {
                    Some(reason) => {
                        notes.push(format!("{}, {name}: {reason}", workload.title));
                        format!("fails[{}]", notes.len())
                    }
                    None => cell(workload, series, ours.filter(|_| *name != "cosock")),
                },
            };
            let _ = write!(row, " {cell} |");
        }
        line(&row);
    }
    line("");
    for (place, note) in notes.iter().enumerate() {
        line(&format!("[{}] {}\n", place + 1, note.replace('\n', " ")));
    }
    line(&extras(run, &names));
    text
}

fn cell(workload: &Workload, series: &Series, ours: Option<&Series>) -> String {
    let costs = series.costs();
    let (low, high) = interval(&costs);
    let show = |value| amount(workload, value);
    let mut text = show(median(&costs));
    if costs.len() > 1 {
        let _ = write!(text, " ({} to {})", show(low), show(high));
    }
    if let Some(ratios) = ours.map(|ours| ratios(series, ours)) {
        let (low, high) = interval(&ratios);
        let _ = write!(text, "<br>x {:.2}", median(&ratios));
        if ratios.len() > 1 {
            let _ = write!(text, " ({low:.2} to {high:.2})");
        }
    }
    text
}

/// How many times `ours` each round of `series` costs.
fn ratios(series: &Series, ours: &Series) -> Vec<f64> {
    let rounds = series.samples.iter().zip(&ours.samples);
    rounds
        .map(|(theirs, ours)| theirs.cost / ours.cost)
        .collect()
}

/// A figure with three digits and a unit.
pub(crate) fn amount(workload: &Workload, value: f64) -> String {
    let units = if workload.is_memory() {
        [("B", 1.0), ("KB", 1e3), ("MB", 1e6)]
    } else {
        [("ns", 1.0), ("us", 1e3), ("ms", 1e6)]
    };
    let fits = units.iter().rev().find(|(_, size)| value >= *size);
    let (unit, size) = fits.unwrap_or(&units[0]);
    let value = value / size;
    let digits = match value {
        value if value < 10.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

/// What else was seen: latencies, and the peak memory of large strings.
fn extras(run: &Run, names: &[&str]) -> String {
    let mut text = String::from("| also | ");
    let _ = writeln!(text, "{} |", names.join(" | "));
    let _ = writeln!(text, "| --- |{}", " --: |".repeat(names.len()));
    for (workload, by_subject) in &run.series {
        let mut latency = String::new();
        let mut peak = String::new();
        let (mut slow, mut large) = (false, false);
        for name in names {
            let samples = by_subject
                .get(*name)
                .map_or(&[][..], |series| &series.samples);
            let latencies: Vec<f64> = samples.iter().filter_map(|sample| sample.latency).collect();
            let peaks = samples
                .iter()
                .filter_map(|sample| Some(sample.peak? as f64 / payload(sample) as f64));
            let peaks: Vec<f64> = peaks.collect();
            slow |= !latencies.is_empty();
            large |= !peaks.is_empty();
            let _ = write!(
                latency,
                " {} |",
                some(&latencies, |value| format!("{:.2} ms", value / 1e6))
            );
            let _ = write!(peak, " {} |", some(&peaks, |value| format!("{value:.1}")));
        }
        if slow {
            let _ = writeln!(
                text,
                "| {}: 99 of 100 requests wait at most |{latency}",
                workload.title
            );
        }
        if large {
            let _ = writeln!(
                text,
                "| {}: peak memory, times the payload |{peak}",
                workload.title
            );
        }
    }
    text
}

fn some(values: &[f64], show: impl Fn(f64) -> String) -> String {
    if values.is_empty() {
        "-".into()
    } else {
        show(median(values))
    }
}
