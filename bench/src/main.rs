//! Measures the cost of cosock's operations beside its peers and beside a server without Lua.
//!
//! Each measurement starts one program of `programs/` in an interpreter, loads it, checks that every
//! byte and operation was there, and divides the processor time of that process by the operations.
//! Rounds interleave the subjects, so that what disturbs the machine disturbs all of them. `ci/bench`
//! is how to start it.

mod calls;
mod floor;
mod load;
mod measure;
mod options;
mod process;
mod report;
mod results;
mod rounds;
mod statistics;
mod subject;
mod workload;

use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::options::{Asked, Options, USAGE};
use crate::subject::Subject;
use crate::workload::ALL;

fn main() -> ExitCode {
    let outcome = match Options::parse(std::env::args().skip(1)) {
        Ok(Asked::Help) => {
            println!("{USAGE}");
            Ok(true)
        }
        Ok(Asked::List) => {
            for workload in ALL {
                println!("{:20} {}", workload.name, workload.title);
            }
            Ok(true)
        }
        Ok(Asked::Document(folder)) => report::document(&folder).map(|()| true),
        Ok(Asked::Measure(options)) => run(&options),
        Err(text) => {
            eprintln!("bench: {text}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(all_worked) => ExitCode::from(u8::from(!all_worked)),
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Ten thousand connections need as many descriptors, here and in the child, which inherits the limit.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // What needs more than there is fails and says so.
    let _ = setrlimit(Resource::Nofile, raised);
}

/// Measures and reports; whether everybody did what is within reach.
fn run(options: &Options) -> std::io::Result<bool> {
    raise_descriptor_limit();
    let mut good = true;
    std::fs::create_dir_all(&options.output)?;
    for &lua in &options.luas {
        let (mut subjects, missing) = Subject::discover(lua, &options.against);
        if !options.subjects.is_empty() {
            subjects.retain(|subject| options.subjects.contains(&subject.name));
        }
        for text in &missing {
            eprintln!("missing: {text}");
        }
        // Without ours there is nothing to compare the others with.
        if options.subjects.is_empty() && !subjects.iter().any(|subject| subject.name == "cosock") {
            let text = format!("no module of ours for {lua}: run ci/build {}", lua.name());
            return Err(std::io::Error::other(text));
        }
        let (results, unexpected) = rounds::run(lua, &subjects, missing, options)?;
        report::write(&results, lua, &options.output)?;
        for failure in &unexpected {
            eprintln!("failed: {failure}");
        }
        good &= unexpected.is_empty();
    }
    Ok(good)
}
