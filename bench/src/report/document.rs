//! The page of results, which carries them between markers.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use conformance::{Lua, repository};

use super::{instructions, plot, table};
use crate::results::Results;
use crate::workload::Plot;

const PAGE: &str = "docs/performance.md";
/// Beside the page.
const PLOTS: &str = "performance";
/// The names of the parts that are written here, each between markers of its own.
const RESULTS: &str = "bench";
const INSTRUCTIONS: &str = "instructions";

/// The versions that the page tells of; the plots are the first one's.
const LUAS: [Lua; 3] = [Lua::Lua54, Lua::Lua51, Lua::LuaJit];

/// Makes the page tell what is in `directory`.
pub(crate) fn document(directory: &Path) -> io::Result<()> {
    let page = repository().join(PAGE);
    let mut text = fs::read_to_string(&page)?;
    let counted = instructions::markdown(directory)?;
    let mut parts = String::new();
    for lua in LUAS {
        let path = Results::path(directory, lua);
        let results = Results::load(&path)?;
        if results.workloads.is_empty() {
            eprintln!("no results of {lua} in {}", path.display());
            continue;
        }
        let _ = write!(
            parts,
            "\n### {}\n\n{}",
            results.lua,
            table::markdown(&results)
        );
        if lua == LUAS[0] {
            draw(&results, page.with_file_name(PLOTS).as_path(), &mut parts)?;
        }
    }
    if parts.is_empty() && counted.is_none() {
        return Err(io::Error::other("nothing was measured yet"));
    }
    if !parts.is_empty() {
        text = replaced(&text, RESULTS, &parts)?;
    }
    match counted {
        Some(table) => text = replaced(&text, INSTRUCTIONS, &format!("\n{table}"))?,
        None => eprintln!("no instructions in {}", directory.display()),
    }
    fs::write(&page, text)
}

fn draw(results: &Results, folder: &Path, page: &mut String) -> io::Result<()> {
    page.push('\n');
    for plot in Plot::ALL {
        if let Some(svg) = plot::svg(results, plot) {
            let (name, across, _) = plot.labels();
            fs::write(folder.join(format!("{name}.svg")), svg)?;
            let _ = writeln!(page, "![{across}]({PLOTS}/{name}.svg)");
        }
    }
    Ok(())
}

/// The page with `new` for what was between the markers of `part`.
fn replaced(page: &str, part: &str, new: &str) -> io::Result<String> {
    let begin = format!("<!-- {part}: ci/bench --document -->\n");
    let end = format!("<!-- end of {part} -->\n");
    let lost = || io::Error::other(format!("{PAGE} has lost the markers of {part}"));
    let (before, rest) = page.split_once(&begin).ok_or_else(lost)?;
    let (_, after) = rest.split_once(&end).ok_or_else(lost)?;
    Ok(format!("{before}{begin}{new}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_between_the_markers_is_replaced() {
        let page = |one: &str, other: &str| {
            format!(
                "head\n\
                 <!-- one: ci/bench --document -->\n{one}\n<!-- end of one -->\n\
                 between\n\
                 <!-- other: ci/bench --document -->\n{other}\n<!-- end of other -->\n\
                 tail\n"
            )
        };
        let text = replaced(&page("old", "kept"), "one", "new").unwrap();
        assert_eq!(text, page("new", "kept"));
        assert!(replaced(&text, "neither", "new").is_err());
    }

    #[test]
    fn the_page_has_markers_for_every_part() {
        let page = fs::read_to_string(repository().join(PAGE)).unwrap();
        for part in [RESULTS, INSTRUCTIONS] {
            replaced(&page, part, "").unwrap();
        }
    }
}
