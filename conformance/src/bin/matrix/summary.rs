//! The summary of a run, and README.md's.

use conformance::matrix::{self, Counted, is_in_readme};

use crate::report::Report;

/// The summary of a run's cells.
pub(crate) fn of(report: &Report) -> String {
    let title = |lua: &str| {
        let mut known = report.run_info.lua.iter();
        let found = known.find(|(name, _)| name == lua);
        found.map_or_else(|| lua.to_owned(), |(_, title)| title.clone())
    };
    let cells = report.results.iter().filter(|outcome| outcome.is_cell());
    let counted: Vec<Counted> = cells
        .map(|cell| {
            // A cell that shows no line counts as one.
            let whole = cell.subtests.is_empty().then_some(cell.grade);
            let lines = cell.subtests.iter().map(|line| line.grade);
            Counted {
                chapter: cell.chapter().to_owned(),
                column: format!("{}, {}", title(&cell.lua), cell.subject),
                grades: lines.chain(whole).collect(),
            }
        })
        .collect();
    matrix::summary(&counted)
}

/// Whether README.md carries this summary; says so where it does not.
pub(crate) fn check_readme(summary: &str) -> Result<bool, String> {
    let is_current = is_in_readme(summary)?;
    if !is_current {
        println!("README.md carries an old summary: ci/matrix --readme write");
    }
    Ok(is_current)
}
