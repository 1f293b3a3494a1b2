//! The table for people.

use std::fmt::Write;

use crate::floor::FLOOR;
use crate::measure::payload;
use crate::results::{Entry, Results, Sample, Series};
use crate::statistics::{interval, median};
use crate::workload::{Unit, Workload};

/// The name of the column, whose subject all others are compared with.
const OURS: &str = "cosock";
const LIMIT: &str = "raw";
/// Who does not reach either what a figure falls short of, and what then follows the figure.
const MARKS: [(&str, &str); 2] = [(LIMIT, " †"), (FLOOR, " ‡")];

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
        FLOOR => "at least",
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
        let text = self.workload.unit().show(median(&costs));
        let is_above = |costs: &[f64], most| interval(costs).0 > most;
        match self.wanted_cost() {
            Some(most) if is_above(&costs, most) => {
                emphasized(text) + self.mark(|series| is_above(&series.costs(), most))
            }
            _ => text,
        }
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
        let is_below = |ratios: &[f64], target| interval(ratios).1 < target;
        match self.target(name) {
            Some(target) if is_below(&ratios, target) => {
                emphasized(text) + self.mark(|other| is_below(&series.ratios(other), target))
            }
            _ => text,
        }
    }

    /// Tells who `falls_short` as well, by the whole interval of the same rounds.
    fn mark(&self, falls_short: impl Fn(&Series) -> bool) -> &'static str {
        let mut marks = MARKS.into_iter();
        let mark = marks.find(|(name, _)| {
            let series = self.entry.subjects.get(*name);
            series.is_some_and(|series| !series.samples.is_empty() && falls_short(series))
        });
        mark.map_or("", |(_, mark)| mark)
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

/// A ratio and its interval; that of who is to be cheaper as a part of ours.
fn times(name: &str, ratios: &[f64], low: f64, high: f64) -> String {
    let several = ratios.len() > 1;
    let middle = median(ratios);
    if name == LIMIT || name == FLOOR {
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

pub(super) fn emphasized(text: String) -> String {
    format!("**{text}**")
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

    /// A run of `workload` in which ours costs 1000, the rock three times as much, and others what is said.
    fn row(workload: &str, others: &[(&str, [f64; 7])]) -> String {
        let mut all = vec![("cosock", [1000.0; 7]), ("rock", [3000.0; 7])];
        all.extend(others);
        let versions = all.iter().map(|(name, _)| Version {
            name: name.to_string(),
            version: String::new(),
        });
        let subjects = all.iter();
        let entry = Entry {
            title: String::new(),
            operation: String::new(),
            unit: String::new(),
            rounds: 7,
            quick: false,
            subjects: subjects
                .map(|(name, costs)| (name.to_string(), series(*costs)))
                .collect(),
        };
        let results = Results {
            lua: "Lua 5.4".into(),
            subjects: versions.collect(),
            workloads: [(workload.into(), entry)].into(),
            ..Results::default()
        };
        let text = markdown(&results);
        let mut rows = text.lines().filter(|line| line.starts_with("| "));
        rows.nth(2).expect("it is in the table").to_string()
    }

    fn echo(limit: [f64; 7]) -> String {
        row("echo-100", &[("raw", limit)])
    }

    #[test]
    fn what_falls_short_for_certain_is_emphasized() {
        let row = echo([500.0, 510.0, 520.0, 530.0, 540.0, 550.0, 879.0]);
        assert!(
            row.contains("| 1.00 us | **3.00 (3.00 to 3.00)** |"),
            "{row}"
        );
        assert!(row.contains("| **53 % (50 to 88)** |"), "{row}");
    }

    #[test]
    fn what_may_be_good_enough_is_not() {
        let row = echo([500.0, 510.0, 520.0, 530.0, 540.0, 550.0, 881.0]);
        assert!(row.contains("| 53 % (50 to 88) |"), "{row}");
    }

    #[test]
    fn what_no_program_reaches_is_marked() {
        // 3.3 times is wanted of the rock, which needs 3000.
        assert!(echo([910.0; 7]).contains("| **3.00 (3.00 to 3.00)** † |"));
        assert!(echo([909.0; 7]).contains("| **3.00 (3.00 to 3.00)** |"));
    }

    #[test]
    fn what_no_module_in_its_place_reaches_is_marked() {
        let row = |floor| row("echo-100", &[("raw", [800.0; 7]), ("floor", floor)]);
        // The program without Lua needs 88 % of the floor at most, as is wanted of ours.
        let short = row([910.0; 7]);
        assert!(
            short.contains(
                "| **3.00 (3.00 to 3.00)** ‡ | **80 % (80 to 80)** ‡ | 91 % (91 to 91) |"
            )
        );
        let mut floor = [910.0; 7];
        floor[3] = 909.0;
        let may_reach = row(floor);
        assert!(
            may_reach
                .contains("| **3.00 (3.00 to 3.00)** | **80 % (80 to 80)** | 91 % (91 to 91) |")
        );
    }

    #[test]
    fn a_cost_that_nobody_reaches_is_marked() {
        // 75 ns are wanted.
        let row = |floor| row("receive-16", &[("floor", floor)]);
        assert!(row([76.0; 7]).contains("| **1.00 us** ‡ |"));
        assert!(row([75.0; 7]).contains("| **1.00 us** |"));
    }
}
