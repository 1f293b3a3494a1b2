//! The results for people: tables and plots.

mod document;
mod instructions;
mod plot;
mod table;

use std::fs;
use std::io;
use std::path::Path;

use conformance::Lua;

use crate::results::Results;
use crate::workload::Plot;

pub(crate) use document::document;

/// Writes `<lua>.md` and `<lua>-<plot>.svg` into `directory`, and prints the table.
pub(crate) fn write(results: &Results, lua: Lua, directory: &Path) -> io::Result<()> {
    let name = lua.name();
    let text = format!("# {}\n\n{}", results.lua, table::markdown(results));
    print!("{text}");
    fs::write(directory.join(format!("{name}.md")), text)?;
    for plot in Plot::ALL {
        if let Some(svg) = plot::svg(results, plot) {
            let file = format!("{name}-{}.svg", plot.labels().0);
            fs::write(directory.join(file), svg)?;
        }
    }
    Ok(())
}
