//! What the run says while and after it works.

use std::path::Path;
use std::time::Duration;

use conformance::matrix::{Grade, Tally};

use crate::report::{Outcome, Report};

/// Tells at once what is wrong.
pub(crate) fn complain(outcome: &Outcome) {
    let message = outcome.message.as_deref().unwrap_or_default();
    let mut text = format!(
        "{} {} on {}, {}\n",
        outcome.grade, outcome.test, outcome.lua, outcome.subject
    );
    for line in message.lines() {
        text += &format!("    {line}\n");
    }
    print!("{text}");
}

/// Tells how it ended.
pub(crate) fn conclude(report: &Report, directory: &Path) {
    let cells = report.results.iter().filter(|outcome| outcome.is_cell());
    let of_cells = Tally::of(cells.clone().map(|outcome| outcome.grade));
    let lines = cells.flat_map(|outcome| &outcome.subtests);
    let of_lines = Tally::of(lines.map(|line| line.grade));
    println!("{:>14}{:>8}{:>8}", "", "cells", "lines");
    for grade in Grade::ALL {
        println!(
            "{grade:>14}{:>8}{:>8}",
            of_cells.count(grade),
            of_lines.count(grade)
        );
    }
    let others = report
        .results
        .iter()
        .filter(|outcome| !outcome.is_cell())
        .count();
    if others > 0 {
        println!("{others} complaints about recordings or the table of differences");
    }
    if let Some(comparison) = &report.comparison {
        println!("since the other run: {}", comparison.headline());
        for note in &comparison.notes {
            println!("  ({note})");
        }
        for change in &comparison.changes {
            println!("  {change}");
        }
    }
    let took = Duration::from_millis(report.time_end - report.time_start);
    println!(
        "{} s; see {}",
        took.as_secs(),
        directory.join("index.html").display()
    );
}
