//! The command line.

use std::path::PathBuf;

use conformance::Lua;

use crate::workload::{ALL, Workload};

/// What `--help` says.
pub(crate) const USAGE: &str = "\
usage: ci/bench [option ...] [workload ...]
  --quick                   short runs in 3 rounds: to see that all works, not to quote
  --rounds N                how often each subject has its turn; 7, with --quick 3
  --continue                keeps what the results of an interrupted run have, and measures the rest
  --lua VERSION             5.4 by default; may be given several times
  --against NAME=LUA_CPATH  another build of cosock, by the path where Lua finds it; several times
  --subject NAME            only these: cosock, rock, copas, cqueues, luv, raw, floor, or a NAME; several times
  --output DIRECTORY        where the results go; target/bench
  --list                    names the workloads
  --document                measures nothing: writes the results and instructions into docs/performance.md
A workload is a name, or the beginning of names: echo means all that begin with echo. What was measured
of other workloads stays among the results.
ci/bench --instructions counts instead; the first lines of ci/jobs/instructions tell more.
COSOCK_DIST names the folder of ci/build, COSOCK_REFERENCE that of the rock, COPAS_REFERENCE that of copas
with what it requires.";

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Asked {
    Help,
    /// The names of the workloads.
    List,
    /// The page of the results that are in this folder.
    Document(PathBuf),
    Measure(Options),
}

/// What to measure.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    pub(crate) goes_on: bool,
    pub(crate) luas: Vec<Lua>,
    /// Names and values of `LUA_CPATH`.
    pub(crate) against: Vec<(String, String)>,
    pub(crate) subjects: Vec<String>,
    pub(crate) output: PathBuf,
    pub(crate) workloads: Vec<&'static Workload>,
}

impl Options {
    /// Reads the arguments after the program's name; an error is a sentence on one that cannot be used.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Asked, String> {
        let mut arguments = arguments.into_iter();
        let mut document = false;
        let mut options = Options {
            quick: false,
            rounds: 0,
            goes_on: false,
            luas: Vec::new(),
            against: Vec::new(),
            subjects: Vec::new(),
            output: PathBuf::from("target/bench"),
            workloads: Vec::new(),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--help" => return Ok(Asked::Help),
                "--list" => return Ok(Asked::List),
                "--quick" => options.quick = true,
                "--rounds" => {
                    let text = value()?;
                    options.rounds = text.parse().map_err(|_| format!("{text} rounds"))?;
                }
                "--continue" => options.goes_on = true,
                "--document" => document = true,
                "--lua" => options.luas.push(value()?.parse()?),
                "--against" => {
                    let text = value()?;
                    let (name, path) = text
                        .split_once('=')
                        .ok_or_else(|| format!("{text} is not NAME=LUA_CPATH"))?;
                    options.against.push((name.into(), path.into()));
                }
                "--subject" => options.subjects.push(value()?),
                "--output" => options.output = value()?.into(),
                _ if argument.starts_with('-') => return Err(format!("unknown option {argument}")),
                name => options.choose(name)?,
            }
        }
        if options.rounds == 0 {
            options.rounds = if options.quick { 3 } else { 7 };
        }
        if options.luas.is_empty() {
            options.luas.push(Lua::Lua54);
        }
        if options.workloads.is_empty() {
            options.workloads = ALL.iter().collect();
        }
        Ok(if document {
            Asked::Document(options.output)
        } else {
            Asked::Measure(options)
        })
    }

    fn choose(&mut self, name: &str) -> Result<(), String> {
        let exact = ALL.iter().filter(|workload| workload.name == name);
        let mut chosen: Vec<_> = exact.collect();
        if chosen.is_empty() {
            chosen = ALL
                .iter()
                .filter(|workload| workload.name.starts_with(name))
                .collect();
        }
        if chosen.is_empty() {
            return Err(format!("no workload begins with {name}"));
        }
        self.workloads.extend(chosen);
        Ok(())
    }
}
