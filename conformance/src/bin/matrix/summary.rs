//! The summary in Markdown, which README.md carries between two markers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use conformance::matrix::{CHAPTERS, Grade};
use conformance::repository;

use crate::report::{Outcome, Report};

const BEGIN: &str = "<!-- matrix: ci/matrix --readme write -->\n";
const END: &str = "<!-- end of matrix -->\n";

/// How often each grade was given.
#[derive(Default)]
pub(crate) struct Tally(BTreeMap<Grade, usize>);

impl Tally {
    pub(crate) fn of(grades: impl Iterator<Item = Grade>) -> Tally {
        let mut tally = Tally::default();
        for grade in grades {
            *tally.0.entry(grade).or_default() += 1;
        }
        tally
    }

    pub(crate) fn count(&self, grade: Grade) -> usize {
        self.0.get(&grade).copied().unwrap_or_default()
    }
}

/// Two tables of counted lines: by chapter, and by Lua and subject. They say nothing of the machine,
/// so that two that agree make the same text.
pub(crate) fn of(report: &Report) -> String {
    let cells: Vec<&Outcome> = report.results.iter().filter(|it| it.is_cell()).collect();
    let mut text = format!(
        "Lines of traces, ours beside the rock's at {}; each scenario runs on every Lua and way in.\n\n",
        report.run_info.reference
    );
    write_head(&mut text, "chapter");
    for chapter in &CHAPTERS {
        let of_chapter: Vec<&Outcome> = cells
            .iter()
            .copied()
            .filter(|cell| cell.chapter() == chapter.name)
            .collect();
        if !of_chapter.is_empty() {
            write_row(&mut text, chapter.title, &of_chapter);
        }
    }
    write_row(&mut text, "**all**", &cells);
    text.push('\n');
    write_head(&mut text, "Lua");
    for (name, title) in &report.run_info.lua {
        for subject in &report.run_info.subjects {
            let of_these: Vec<&Outcome> = cells
                .iter()
                .copied()
                .filter(|cell| cell.lua == *name && cell.subject == *subject)
                .collect();
            write_row(&mut text, &format!("{title}, {subject}"), &of_these);
        }
    }
    text
}

fn write_head(text: &mut String, first: &str) {
    let _ = write!(text, "| {first} |");
    for grade in Grade::ALL {
        let _ = write!(text, " {grade} |");
    }
    let _ = writeln!(text, "\n| --- |{}", " --: |".repeat(Grade::ALL.len()));
}

/// Counts lines; a cell that shows none counts as one.
fn write_row(text: &mut String, title: &str, cells: &[&Outcome]) {
    let lines = cells.iter().flat_map(|cell| {
        let whole = cell.subtests.is_empty().then_some(cell.grade);
        cell.subtests.iter().map(|line| line.grade).chain(whole)
    });
    let tally = Tally::of(lines);
    let _ = write!(text, "| {title} |");
    for grade in Grade::ALL {
        let _ = write!(text, " {} |", tally.count(grade));
    }
    text.push('\n');
}

fn readme() -> PathBuf {
    repository().join("README.md")
}

/// The parts of README.md before and behind the summary, and the summary.
fn split(text: &str) -> Result<[&str; 3], String> {
    let lost = || "README.md has lost its markers".to_owned();
    let (before, rest) = text.split_once(BEGIN).ok_or_else(lost)?;
    let (summary, after) = rest.split_once(END).ok_or_else(lost)?;
    Ok([before, summary, after])
}

/// Whether README.md carries this summary; says so where it does not.
pub(crate) fn is_in_readme(summary: &str) -> Result<bool, String> {
    let text = fs::read_to_string(readme()).map_err(|error| format!("README.md: {error}"))?;
    let is_current = split(&text)?[1].trim() == summary.trim();
    if !is_current {
        println!("README.md carries an old summary: ci/matrix --readme write");
    }
    Ok(is_current)
}

/// Makes README.md carry this summary.
pub(crate) fn write_into_readme(summary: &str) -> Result<(), String> {
    let problem = |error| format!("README.md: {error}");
    let text = fs::read_to_string(readme()).map_err(problem)?;
    let [before, _, after] = split(&text)?;
    let text = format!("{before}{BEGIN}\n{summary}\n{END}{after}");
    fs::write(readme(), text).map_err(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_split_the_readme() {
        let text = format!("a\n{BEGIN}\nsummary\n\n{END}b\n");
        assert_eq!(split(&text), Ok(["a\n", "\nsummary\n\n", "b\n"]));
        assert!(split("no markers").is_err());
    }
}
