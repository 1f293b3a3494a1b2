//! The command line.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use conformance::matrix::{Scenario, scenarios};
use conformance::{Lua, Subject, repository};

pub(crate) struct Options {
    pub(crate) scenarios: Vec<Arc<Scenario>>,
    pub(crate) luas: Vec<Lua>,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) record: bool,
    pub(crate) against: Option<PathBuf>,
    pub(crate) readme: Readme,
    pub(crate) output: PathBuf,
    /// How many programs run at the same time.
    pub(crate) jobs: usize,
}

/// What to do with the summary that README.md carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readme {
    Leave,
    Check,
    Write,
}

pub(crate) const USAGE: &str = "\
usage: ci/matrix [option ...]
Runs every scenario on every Lua, ours beside the rock, and writes target/matrix/. Exit code 0 if all pass.
  --only WHAT           a chapter, or chapter/name; may be given several times
  --lua VERSION         such as 5.3 or luajit; may be given several times
  --subject WHAT        module, runner or candidate (module and runner); may be given several times
  --candidate DIR       grades the cosock in DIR instead of ours: cosock.lua, cosock.so or 5.4/cosock.so
  --reference DIR       runs the rock in DIR beside it, which COSOCK_REFERENCE may name as well
  --record              writes the rock's traces, conformance/recorded, anew
  --against FILE        shows what changed since the matrix.json of another run
  --readme check|write  holds the summary in README.md against this run, or writes it
  --output DIR          where the report goes (target/matrix)
  --jobs N              how many programs run at a time (two for each core)";

impl Options {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    ///
    /// A sentence on the argument that cannot be used.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Options, String> {
        let cores = thread::available_parallelism().map_or(2, NonZero::get);
        let mut options = Options {
            scenarios: Vec::new(),
            luas: Vec::new(),
            subjects: Vec::new(),
            record: false,
            against: None,
            readme: Readme::Leave,
            output: repository().join("target/matrix"),
            jobs: 2 * cores,
        };
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            if name == "--record" {
                options.record = true;
                continue;
            }
            let value = arguments
                .next()
                .ok_or_else(|| format!("{name} needs a value"))?;
            options.set(&name, &value)?;
        }
        if options.scenarios.is_empty() {
            options.scenarios = scenarios().to_vec();
        }
        if options.luas.is_empty() {
            options.luas = Lua::ALL.to_vec();
        }
        if options.subjects.is_empty() {
            options.subjects = Subject::ALL.into_iter().filter(|it| it.is_ours()).collect();
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "--only" => self.choose(value),
            "--lua" => {
                let found = value.parse()?;
                if !self.luas.contains(&found) {
                    self.luas.push(found);
                }
                Ok(())
            }
            "--subject" => {
                let mut graded = Subject::ALL
                    .into_iter()
                    .filter(|it| *it != Subject::Reference);
                let found = graded.find(|subject| subject.name() == value);
                let found = found.ok_or_else(|| format!("{value} is not graded"))?;
                if !self.subjects.contains(&found) {
                    self.subjects.push(found);
                }
                Ok(())
            }
            "--against" => {
                self.against = Some(value.into());
                Ok(())
            }
            "--output" => {
                self.output = value.into();
                Ok(())
            }
            "--readme" => {
                self.readme = match value {
                    "check" => Readme::Check,
                    "write" => Readme::Write,
                    _ => return Err(format!("--readme cannot be {value}")),
                };
                Ok(())
            }
            "--jobs" => {
                let jobs: NonZero<usize> = value
                    .parse()
                    .map_err(|error| format!("--jobs {value}: {error}"))?;
                self.jobs = jobs.get();
                Ok(())
            }
            _ => Err(format!("unknown option {name}")),
        }
    }

    fn choose(&mut self, wanted: &str) -> Result<(), String> {
        let all = scenarios().iter();
        let found: Vec<_> = all
            .filter(|scenario| scenario.id() == wanted || scenario.chapter.name == wanted)
            .cloned()
            .collect();
        if found.is_empty() {
            return Err(format!("there is no scenario or chapter {wanted}"));
        }
        for scenario in found {
            if !self
                .scenarios
                .iter()
                .any(|known| known.id() == scenario.id())
            {
                self.scenarios.push(scenario);
            }
        }
        Ok(())
    }

    /// Whether nothing narrows the run.
    pub(crate) fn is_complete(&self) -> bool {
        self.has_every_scenario()
            && self.luas.len() == Lua::ALL.len()
            && self.subjects == [Subject::Module, Subject::Runner]
    }

    /// Whether no scenario is left out.
    pub(crate) fn has_every_scenario(&self) -> bool {
        self.scenarios.len() == scenarios().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn nothing_means_everything() {
        let options = parse("").unwrap();
        assert!(options.is_complete());
        assert!(!options.record);
    }

    #[test]
    fn run_is_narrowed() {
        let options =
            parse("--only tcp/tcp_receive --only udp --lua 5.3 --subject runner").unwrap();
        assert!(!options.is_complete());
        let names: Vec<&str> = options
            .scenarios
            .iter()
            .map(|scenario| scenario.name.as_str())
            .collect();
        assert_eq!(names[0], "tcp_receive");
        assert!(names.contains(&"udp_options"));
        assert_eq!(options.luas, [Lua::Lua53]);
        assert_eq!(options.subjects, [Subject::Runner]);
    }

    #[test]
    fn what_is_named_twice_runs_once() {
        let options = parse(
            "--only udp --only udp/udp --lua 5.3 --lua 5.3 --subject runner --subject runner",
        )
        .unwrap();
        let udp = parse("--only udp").unwrap();
        assert_eq!(options.scenarios.len(), udp.scenarios.len());
        assert_eq!(options.luas, [Lua::Lua53]);
        assert_eq!(options.subjects, [Subject::Runner]);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, word) in [
            ("--only nothing", "nothing"),
            ("--lua 6", "6"),
            ("--subject reference", "reference"),
            ("--jobs 0", "--jobs"),
            ("--lua", "value"),
            ("--wrong x", "--wrong"),
            ("--readme maybe", "maybe"),
        ] {
            let why = parse(line).err().unwrap();
            assert!(why.contains(word), "{line}: {why}");
        }
    }
}
