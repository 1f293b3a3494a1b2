//! The results as files: JSON for programs, a table and plots for people.

mod plot;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;

use crate::measure::{Run, Series};
use crate::workload::Plot;

/// The results on one Lua.
#[derive(Serialize)]
struct Results<'a> {
    machine: String,
    lua: String,
    rounds: usize,
    /// By name.
    subjects: BTreeMap<&'a str, &'a str>,
    missing: &'a [String],
    workloads: BTreeMap<&'a str, Workload<'a>>,
}

#[derive(Serialize)]
struct Workload<'a> {
    title: &'a str,
    operation: &'a str,
    unit: &'a str,
    subjects: &'a BTreeMap<String, Series>,
}

/// Writes `<lua>.json`, `<lua>.md` and `<lua>-<plot>.svg` into `directory`, and prints the table.
pub(crate) fn write(run: &Run, directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let name = run.lua.name();
    let machine = machine();
    let subjects = run.subjects.iter();
    let results = Results {
        machine: machine.clone(),
        lua: run.lua.to_string(),
        rounds: run.rounds,
        subjects: subjects
            .map(|subject| (subject.name.as_str(), subject.version.as_str()))
            .collect(),
        missing: &run.missing,
        workloads: run
            .series
            .iter()
            .map(|(workload, subjects)| {
                let unit = if workload.is_memory() {
                    "bytes"
                } else {
                    "ns of CPU"
                };
                let (title, operation) = (workload.title, workload.operation);
                (
                    workload.name,
                    Workload {
                        title,
                        operation,
                        unit,
                        subjects,
                    },
                )
            })
            .collect(),
    };
    let json = serde_json::to_string_pretty(&results)?;
    fs::write(directory.join(format!("{name}.json")), json)?;
    let table = table::markdown(run, &machine);
    print!("{table}");
    fs::write(directory.join(format!("{name}.md")), table)?;
    for plot in Plot::ALL {
        if let Some(svg) = plot::svg(run, plot) {
            let file = format!("{name}-{}.svg", plot.labels().0);
            fs::write(directory.join(file), svg)?;
        }
    }
    Ok(())
}

/// The processor, how many there are, and the kernel.
fn machine() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let count = std::thread::available_parallelism().map_or(1, |count| count.get());
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{count} x {model}, Linux {}", kernel.trim())
}
