//! The table for people.

use std::fmt::Write;

use crate::measure::payload;
use crate::results::{Entry, Results, Sample, Series};
use crate::statistics::{interval, median};
use crate::workload::{Unit, Workload};

/// The name of the column, whose subject all others are compared with.
const OURS: &str = "cosock";
const LIMIT: &str = "raw";
/// Follows a ratio that a program without Lua does not reach either.
const OUT_OF_REACH: &str = " †";

/// Our medians, and what the others need of ours by paired rounds.
pub(crate) fn markdown(results: &Results) -> String {
    let mut text = format!("{}; {}.\n\n", versions(results), results.machine);
    for missing in &results.missing {
        let _ = writeln!(text, "Missing: {missing}.\n");
    }
    text.push_str(&kinds_of_runs(results));
    let names: Vec<&str> = results
        .subjects
        .iter()
        .map(|subject| subject.name.as_str())
        .filter(|name| *name != OURS)
        .collect();
    head(&mut text, &["workload", "per", OURS], &names, "wanted");
    let mut notes = Vec::new();
    for (workload, entry) in results.in_order() {
        let row = Row {
            workload,
            entry,
            ours: entry.subjects.get(OURS),
            // What it costs at most is said for the version on which it is to be reached.
            holds_cost: results.lua == "Lua 5.4",
        };
        row.write(&mut text, &names, &mut notes);
    }
    text.push('\n');
    for (place, note) in notes.iter().enumerate() {
        let _ = writeln!(text, "- [{}] {note}", place + 1);
    }
    if !notes.is_empty() {
        text.push('\n');
    }
    text.push_str(&extras(results));
    text
}

fn title(name: &str) -> &str {
    match name {
        "rock" => "the rock",
        LIMIT => "without Lua",
        name => name,
    }
}

fn head(text: &mut String, first: &[&str], names: &[&str], last: &str) {
    let titles: Vec<&str> = names.iter().map(|name| title(name)).collect();
    let _ = writeln!(
        text,
        "| {} | {} | {last} |",
        first.join(" | "),
        titles.join(" | ")
    );
    let left = first.len().min(2);
    let _ = writeln!(
        text,
        "|{}{} --- |",
        " --- |".repeat(left),
        " --: |".repeat(first.len() - left + names.len())
    );
}

fn versions(results: &Results) -> String {
    let subjects = results.subjects.iter();
    let versions = subjects.map(|subject| format!("{}: {}", title(&subject.name), subject.version));
    versions.collect::<Vec<_>>().join("; ")
}

/// Says which rows are not what the head of the table would lead to expect.
fn kinds_of_runs(results: &Results) -> String {
    let mut text = String::new();
    let mut say = |what: &str, is_so: &dyn Fn(&Entry) -> bool| {
        let rows = results.in_order().filter(|(_, entry)| is_so(entry));
        let names: Vec<&str> = rows.map(|(workload, _)| workload.name).collect();
        match names.len() {
            0 => (),
            count if count == results.workloads.len() => {
                let _ = writeln!(text, "All are {what}.\n");
            }
            _ => {
                let _ = writeln!(text, "These are {what}: {}.\n", names.join(", "));
            }
        }
    };
    say("short runs, not to be quoted", &|entry| entry.quick);
    say("of other versions", &|entry| !results.is_current(entry));
    say("of fewer than 7 rounds", &|entry| entry.rounds < 7);
    text
}

struct Row<'a> {
    workload: &'static Workload,
    entry: &'a Entry,
    ours: Option<&'a Series>,
    holds_cost: bool,
}

impl Row<'_> {
    fn write(&self, text: &mut String, names: &[&str], notes: &mut Vec<String>) {
        let workload = self.workload;
        let _ = write!(text, "| {} | {} |", workload.title, workload.operation);
        let _ = write!(text, " {} |", self.own_cell(notes));
        for name in names {
            let _ = write!(text, " {} |", self.cell(name, notes));
        }
        let _ = writeln!(text, " {} |", self.wanted());
    }

    fn own_cell(&self, notes: &mut Vec<String>) -> String {
        let Some(series) = self.ours else {
            return "-".into();
        };
        if let Some(reason) = &series.failure {
            return failure(reason, notes);
        }
        let costs = series.costs();
        let is_short = self
            .wanted_cost()
            .is_some_and(|most| interval(&costs).0 > most);
        emphasized(self.workload.unit().show(median(&costs)), is_short)
    }

    fn cell(&self, name: &str, notes: &mut Vec<String>) -> String {
        let Some(series) = self.entry.subjects.get(name) else {
            return "-".into();
        };
        if let Some(reason) = &series.failure {
            // What is known is said better than by what the program complained of.
            let mut beyond = self.workload.beyond.iter();
            let known = beyond.find(|one| one.subject == name);
            return failure(known.map_or(reason, |known| known.reason), notes);
        }
        let ratios = match self.ours {
            Some(ours) if !ours.samples.is_empty() => series.ratios(ours),
            // Nothing to compare with.
            _ => return self.workload.unit().show(median(&series.costs())),
        };
        let (low, high) = interval(&ratios);
        let text = times(name, &ratios, low, high);
        match self.target(name) {
            Some(target) if high < target && self.is_out_of_reach(series, target) => {
                emphasized(text, true) + OUT_OF_REACH
            }
            target => emphasized(text, target.is_some_and(|target| high < target)),
        }
    }

    /// Whether the program without Lua falls short of this ratio as well, by its whole interval.
    fn is_out_of_reach(&self, series: &Series, target: f64) -> bool {
        let limit = self.entry.subjects.get(LIMIT);
        limit.is_some_and(|limit| {
            let ratios = series.ratios(limit);
            !ratios.is_empty() && interval(&ratios).1 < target
        })
    }

    /// What the ratio of `name` is to reach. Among the peers only the best one counts.
    fn target(&self, name: &str) -> Option<f64> {
        let wanted = self.workload.wanted;
        match name {
            "rock" => wanted.rock,
            LIMIT => wanted.limit,
            "copas" | "cqueues" | "luv" => wanted.peers.filter(|_| self.best_peer() == Some(name)),
            _ => None,
        }
    }

    fn best_peer(&self) -> Option<&'static str> {
        let ours = self.ours?;
        let peers = ["copas", "cqueues", "luv"].into_iter();
        let measured = peers.filter_map(|name| {
            let series = self.entry.subjects.get(name)?;
            let ratio = median(&series.ratios(ours));
            ratio.is_finite().then_some((name, ratio))
        });
        let best = measured.min_by(|(_, one), (_, other)| one.total_cmp(other));
        best.map(|(name, _)| name)
    }

    fn wanted_cost(&self) -> Option<f64> {
        self.workload.wanted.cost.filter(|_| self.holds_cost)
    }

    fn wanted(&self) -> String {
        let wanted = self.workload.wanted;
        let unit = self.workload.unit();
        let parts = [
            self.wanted_cost().map(|most| unit.show(most)),
            wanted.rock.map(|ratio| format!("rock {ratio}")),
            wanted.peers.map(|ratio| format!("peers {ratio}")),
            wanted.limit.map(|part| format!("{:.0} %", 100.0 * part)),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// A ratio and its interval; the limit's as a part of ours.
fn times(name: &str, ratios: &[f64], low: f64, high: f64) -> String {
    let several = ratios.len() > 1;
    let middle = median(ratios);
    if name == LIMIT {
        let [middle, low, high] = [middle, low, high].map(|part| format!("{:.0}", 100.0 * part));
        return if several {
            format!("{middle} % ({low} to {high})")
        } else {
            format!("{middle} %")
        };
    }
    let digits = |value: f64| match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    };
    if several {
        format!("{} ({} to {})", digits(middle), digits(low), digits(high))
    } else {
        digits(middle)
    }
}

fn emphasized(text: String, is_so: bool) -> String {
    if is_so { format!("**{text}**") } else { text }
}

/// A cell that leads to a note with the reason.
fn failure(reason: &str, notes: &mut Vec<String>) -> String {
    let reason = reason.replace('\n', " ");
    let place = notes.iter().position(|note| *note == reason);
    let place = place.unwrap_or_else(|| {
        notes.push(reason);
        notes.len() - 1
    });
    format!("fails [{}]", place + 1)
}

/// What else was seen: latencies, how busy the servers were, and the peak memory of large strings.
fn extras(results: &Results) -> String {
    let subjects = results.subjects.iter();
    let names: Vec<&str> = subjects.map(|subject| subject.name.as_str()).collect();
    let mut text = String::new();
    let mut table =
        |what: &str, of: &dyn Fn(&Sample) -> Option<f64>, show: &dyn Fn(f64) -> String| {
            let mut rows = String::new();
            for (workload, entry) in results.in_order() {
                let values = |name: &&str| -> Vec<f64> {
                    let series = entry.subjects.get(*name);
                    let samples = series.map_or(&[][..], |series| &series.samples);
                    samples.iter().filter_map(of).collect()
                };
                let columns: Vec<Vec<f64>> = names.iter().map(values).collect();
                if columns.iter().all(Vec::is_empty) {
                    continue;
                }
                let cells = columns.iter().map(|values| match values.len() {
                    0 => "-".to_string(),
                    _ => show(median(values)),
                });
                let cells = cells.collect::<Vec<_>>().join(" | ");
                let _ = writeln!(rows, "| {} | {cells} |", workload.title);
            }
            if !rows.is_empty() {
                let titles: Vec<&str> = names.iter().map(|name| title(name)).collect();
                let _ = writeln!(text, "| {what} | {} |", titles.join(" | "));
                let _ = writeln!(text, "| --- |{}\n{rows}", " --: |".repeat(names.len()));
            }
        };
    table(
        "99 of 100 requests wait at most",
        &|sample| sample.latency,
        &|value| Unit::Delay.show(value),
    );
    table(
        "peak memory, times what is received",
        &|sample| Some(sample.peak? as f64 / payload(sample) as f64),
        &|value| format!("{value:.1}"),
    );
    table(
        "part of the time in which the server runs",
        &|sample| sample.busy,
        &|value| format!("{:.0} %", 100.0 * value),
    );
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Version;

    fn series(costs: [f64; 7]) -> Series {
        let sample = |cost| Sample {
            cost,
            operations: 1,
            ..Sample::default()
        };
        Series {
            samples: costs.map(sample).to_vec(),
            ..Series::default()
        }
    }

    /// A run in which the rock needs three times ours, and the limit as much as its costs say.
    fn row(limit: [f64; 7]) -> String {
        let version = |name: &str| Version {
            name: name.into(),
            version: String::new(),
        };
        let entry = Entry {
            title: String::new(),
            operation: String::new(),
            unit: String::new(),
            rounds: 7,
            quick: false,
            subjects: [
                ("cosock".into(), series([1000.0; 7])),
                ("rock".into(), series([3000.0; 7])),
                ("raw".into(), series(limit)),
            ]
            .into(),
        };
        let results = Results {
            subjects: ["cosock", "rock", "raw"].map(version).to_vec(),
            workloads: [("echo-100".into(), entry)].into(),
            ..Results::default()
        };
        let text = markdown(&results);
        let row = text.lines().find(|line| line.starts_with("| echo, 100"));
        row.expect("it is in the table").to_string()
    }

    #[test]
    fn what_falls_short_for_certain_is_emphasized() {
        let row = row([500.0, 510.0, 520.0, 530.0, 540.0, 550.0, 879.0]);
        assert!(
            row.contains("| 1.00 us | **3.00 (3.00 to 3.00)** |"),
            "{row}"
        );
        assert!(row.contains("| **53 % (50 to 88)** |"), "{row}");
    }

    #[test]
    fn what_may_be_good_enough_is_not() {
        let row = row([500.0, 510.0, 520.0, 530.0, 540.0, 550.0, 881.0]);
        assert!(row.contains("| 53 % (50 to 88) |"), "{row}");
    }

    #[test]
    fn what_no_program_reaches_is_marked() {
        // 3.3 times is wanted of the rock, which needs 3000.
        assert!(row([910.0; 7]).contains("| **3.00 (3.00 to 3.00)** † |"));
        assert!(row([909.0; 7]).contains("| **3.00 (3.00 to 3.00)** |"));
    }
}
