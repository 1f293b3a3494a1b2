//! The summary in Markdown, which README.md carries between two markers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use super::grade::Grade;
use super::reference::REVISION;
use super::scenario::CHAPTERS;
use crate::repository;

const BEGIN: &str = "<!-- matrix: ci/matrix --readme write -->\n";
const END: &str = "<!-- end of matrix -->\n";

/// How often each grade was given.
#[derive(Default)]
pub struct Tally(BTreeMap<Grade, usize>);

impl Tally {
    /// Counts grades.
    pub fn of(grades: impl Iterator<Item = Grade>) -> Tally {
        let mut tally = Tally::default();
        for grade in grades {
            *tally.0.entry(grade).or_default() += 1;
        }
        tally
    }

    /// How often this one was given.
    pub fn count(&self, grade: Grade) -> usize {
        self.0.get(&grade).copied().unwrap_or_default()
    }
}

/// What a cell adds to the summary.
pub struct Counted {
    /// The name of its chapter.
    pub chapter: String,
    /// Its Lua and its subject, for people.
    pub column: String,
    /// Those of its lines; its own where it has none.
    pub grades: Vec<Grade>,
}

/// Two tables of counted lines: by chapter, and by Lua and subject in the order of the cells. They say
/// nothing of the machine, so that two runs that agree make the same text.
pub fn summary(cells: &[Counted]) -> String {
    let mut text = format!(
        "How many lines got which grade, beside the rock at {REVISION}. Each scenario runs on every Lua, with the module and in \
         the runner.\n\n"
    );
    write_head(&mut text, "chapter");
    for chapter in &CHAPTERS {
        let is_here = |cell: &Counted| cell.chapter == chapter.name;
        if cells.iter().any(is_here) {
            write_row(&mut text, chapter.title, cells, is_here);
        }
    }
    write_row(&mut text, "**all**", cells, |_| true);
    text.push('\n');
    write_head(&mut text, "Lua");
    let mut columns: Vec<&str> = Vec::new();
    for cell in cells {
        if !columns.contains(&cell.column.as_str()) {
            columns.push(&cell.column);
        }
    }
    for column in columns {
        write_row(&mut text, column, cells, |cell| cell.column == column);
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

fn write_row(
    text: &mut String,
    title: &str,
    cells: &[Counted],
    is_counted: impl Fn(&Counted) -> bool,
) {
    let counted = cells.iter().filter(|cell| is_counted(cell));
    let tally = Tally::of(counted.flat_map(|cell| cell.grades.iter().copied()));
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

/// Whether README.md carries this summary.
///
/// # Errors
///
/// If it cannot be read, or has no place for one.
pub fn is_in_readme(summary: &str) -> Result<bool, String> {
    let text = fs::read_to_string(readme()).map_err(|error| format!("README.md: {error}"))?;
    Ok(split(&text)?[1].trim() == summary.trim())
}

/// Makes README.md carry this summary.
///
/// # Errors
///
/// If it cannot be read or written, or has no place for one.
pub fn write_into_readme(summary: &str) -> Result<(), String> {
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

    #[test]
    fn rows_are_counted_by_chapter_and_by_column() {
        let cell = |chapter: &str, column: &str, grades: &[Grade]| Counted {
            chapter: chapter.to_owned(),
            column: column.to_owned(),
            grades: grades.to_vec(),
        };
        let text = summary(&[
            cell("tcp", "Lua 5.4, module", &[Grade::Same, Grade::Same]),
            cell("udp", "Lua 5.4, module", &[Grade::Position]),
            cell("tcp", "LuaJIT, module", &[Grade::Fail]),
        ]);
        for row in [
            "| TCP | 2 | 0 | 0 | 0 | 0 | 0 | 1 |",
            "| UDP | 0 | 0 | 1 | 0 | 0 | 0 | 0 |",
            "| **all** | 2 | 0 | 1 | 0 | 0 | 0 | 1 |",
            "| Lua 5.4, module | 2 | 0 | 1 | 0 | 0 | 0 | 0 |",
            "| LuaJIT, module | 0 | 0 | 0 | 0 | 0 | 0 | 1 |",
        ] {
            assert!(text.lines().any(|line| line == row), "{row}\n{text}");
        }
    }
}
