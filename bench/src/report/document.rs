//! The page of results, which carries them between two markers.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use conformance::{Lua, repository};

use super::{plot, table};
use crate::results::Results;
use crate::workload::Plot;

const PAGE: &str = "docs/performance.md";
/// Beside the page.
const PLOTS: &str = "performance";
const BEGIN: &str = "<!-- bench: ci/bench --document -->\n";
const END: &str = "<!-- end of bench -->\n";

/// The versions that the page tells of; the plots are the first one's.
const LUAS: [Lua; 3] = [Lua::Lua54, Lua::Lua51, Lua::LuaJit];

/// Makes the page tell what is in `directory`.
pub(crate) fn document(directory: &Path) -> io::Result<()> {
    let page = repository().join(PAGE);
    let text = fs::read_to_string(&page)?;
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
    if parts.is_empty() {
        return Err(io::Error::other("nothing was measured yet"));
    }
    fs::write(&page, between_markers(&text, &parts)?)
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

fn between_markers(text: &str, new: &str) -> io::Result<String> {
    let lost = || io::Error::other(format!("{PAGE} has lost its markers"));
    let (before, rest) = text.split_once(BEGIN).ok_or_else(lost)?;
    let (_, after) = rest.split_once(END).ok_or_else(lost)?;
    Ok(format!("{before}{BEGIN}{new}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_between_the_markers_is_replaced() {
        let text = format!("head\n{BEGIN}old\n{END}tail\n");
        let text = between_markers(&text, "new").unwrap();
        assert_eq!(text, format!("head\n{BEGIN}new\n{END}tail\n"));
        assert!(between_markers("no markers", "new").is_err());
    }
}
