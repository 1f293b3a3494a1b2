//! Makes the conformance matrix: every scenario on every Lua, ours beside the rock.
//!
//! It writes `target/matrix/`: `matrix.json` in the shape of wpt's reports, `junit.xml`, `summary.md`
//! (which README.md carries between two markers), and `index.html`, one page for people. The exit
//! code is 0 when every cell passes and the table of differences has no line too many, 1 when not, 2
//! when the options are wrong. `matrix --help` lists them; `ci/matrix` is the way to call it.

mod comparison;
mod junit;
mod options;
mod page;
mod recorder;
mod report;
mod run_info;
mod summary;
mod terminal;
mod work;

use std::env;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use conformance::matrix::{Table, write_into_readme};
use conformance::{CANDIDATE, Subject};

use crate::options::{Options, Readme, USAGE};
use crate::report::Report;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("matrix: {why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if options.subjects.contains(&Subject::Candidate) && env::var_os(CANDIDATE).is_none() {
        eprintln!("matrix: which candidate? --candidate names its folder");
        return ExitCode::from(2);
    }
    let result = if options.record {
        recorder::record(&options)
    } else {
        make(&options)
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("matrix: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the matrix and writes the reports. Tells whether everything passed.
fn make(options: &Options) -> Result<bool, String> {
    let before = match &options.against {
        Some(path) => Some(Report::read(path)?),
        None => None,
    };
    let table = Table::read();
    let mut report = work::run(options, &table);
    if let Some(before) = &before {
        report.comparison = Some(comparison::between(before, &report));
    }
    let summary = summary::of(&report);
    let directory = &options.output;
    fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    write(directory, "matrix.json", &report.json())?;
    write(directory, "junit.xml", &junit::of(&report))?;
    write(directory, "summary.md", &summary)?;
    write(directory, "index.html", &page::of(&report, &table))?;
    terminal::conclude(&report, directory);
    let is_current = match options.readme {
        Readme::Leave => true,
        _ if !report.run_info.is_complete => {
            return Err("README.md needs a run that nothing narrows".to_owned());
        }
        Readme::Check => summary::check_readme(&summary)?,
        Readme::Write => write_into_readme(&summary).map(|()| true)?,
    };
    Ok(report.is_pass() && is_current)
}

fn write(directory: &Path, name: &str, text: &str) -> Result<(), String> {
    let path = directory.join(name);
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}
