//! Soaks a cosock server with thousands of unruly clients and checks every byte.
//!
//! The server is `lua/soak/server.lua`, run by the interpreter that the options name; the clients are
//! this program, which shares no code with cosock. Each client asks and compares, and in between
//! writes single bytes, pauses, stops reading, half-closes, resets or just leaves; another one takes
//! its place at once. The server must return every byte once and in order, keep its memory flat, give
//! back all descriptors, and end by itself. `soak --help` lists the options.
//!
//! All choices follow from `--seed`; the timing does not. The last line printed is `ok`, or the
//! failures are listed and the exit code is 1; wrong options exit with 2.

mod check;
mod context;
mod course;
mod dial;
mod engine;
#[cfg(test)]
mod faulty;
mod options;
mod outbox;
mod peer;
mod plan;
mod process;
mod request;
mod rng;
mod server;
mod tally;

use std::os::unix::process::CommandExt;
use std::path::absolute;
use std::process::{Command, ExitCode};

use crate::options::{Options, USAGE, take_variables};

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let variables = take_variables(&mut arguments);
    if !variables.is_empty() {
        return restart(&arguments, variables);
    }
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(text) => {
            eprintln!("soak: {text}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let plan = &options.plan;
    println!(
        "soak: {}, {}, {} connections, {:?}, seed {}",
        options.lua, options.subject, plan.connections, options.hold, plan.seed
    );
    let report = course::soak(&options);
    for line in &report.lines {
        println!("  {line}");
    }
    if report.failures.is_empty() {
        println!("ok");
        return ExitCode::SUCCESS;
    }
    println!("{} failures:", report.failures.len());
    for failure in &report.failures {
        println!("  {failure}");
    }
    ExitCode::FAILURE
}

/// Becomes this program with `variables` set to the directories that they name: no process may safely
/// change them for itself.
fn restart(arguments: &[String], variables: Vec<(&str, String)>) -> ExitCode {
    // The server runs in another directory.
    let variables = variables
        .into_iter()
        .map(|(name, path)| (name, absolute(&path).unwrap_or_else(|_| path.into())));
    let error = match std::env::current_exe() {
        Ok(program) => Command::new(program).args(arguments).envs(variables).exec(),
        Err(error) => error,
    };
    eprintln!("soak: cannot start again: {error}");
    ExitCode::from(2)
}
