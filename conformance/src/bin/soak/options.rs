//! The command line.

use std::time::Duration;

use conformance::{DIST, Lua, REFERENCE, Subject};

use crate::plan::Plan;
use crate::request::Service;

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) lua: Lua,
    pub(crate) subject: Subject,
    pub(crate) services: Vec<Service>,
    /// How long all connections are held.
    pub(crate) hold: Duration,
    pub(crate) plan: Plan,
}

pub(crate) const USAGE: &str = "\
usage: soak [option ...]
Starts a cosock server and soaks it with many unruly connections; exit code 0 if it did well.
  --lua VERSION         such as 5.1 or luajit (5.4)
  --subject WHAT        module, runner or reference (module)
  --services LIST       of line,echo,count (all)
  --connections N       held at the same time (5000)
  --seconds N           how long they are held (30)
  --pace MS             mean pause between the requests of a connection (1000)
  --largest BYTES       largest request (102400)
  --gentle              no client stops reading while it asks for much
  --patience SECONDS    how long the server may take for its next byte (30)
  --seed N              repeats all choices of a run, not its timing (1)
  --dist DIR            sets COSOCK_DIST: holds <version>/cosock.so and <version>/cosock, else built
  --reference DIR       sets COSOCK_REFERENCE: holds the rock's cosock.lua and cosock/";

const KIB: usize = 1024;

impl Options {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    ///
    /// A sentence on the argument that cannot be used.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Options, String> {
        let mut options = Options {
            lua: Lua::Lua54,
            subject: Subject::Module,
            services: Service::ALL.to_vec(),
            hold: Duration::from_secs(30),
            plan: Plan {
                seed: 1,
                connections: 5000,
                pace: Duration::from_millis(1000),
                stall: Duration::from_millis(2500),
                largest: 100 * KIB,
                deaf: true,
                haste: false,
                sipping: 20,
                patience: Duration::from_secs(30),
            },
        };
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            if name == "--gentle" {
                options.plan.deaf = false;
                continue;
            }
            let value = arguments
                .next()
                .ok_or_else(|| format!("{name} needs a value"))?;
            options.set(&name, &value)?;
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let plan = &mut self.plan;
        match name {
            "--lua" => self.lua = value.parse()?,
            "--subject" => {
                let found = Subject::ALL
                    .into_iter()
                    .find(|subject| subject.name() == value);
                self.subject = found.ok_or_else(|| format!("{value} is no subject"))?;
            }
            "--services" => {
                let named = value.split(',').map(Service::named).collect::<Option<_>>();
                self.services = named.ok_or_else(|| format!("{name} lists line, echo, count"))?;
            }
            "--connections" => plan.connections = number(name, value, 1, 1_000_000)?,
            "--seconds" => self.hold = Duration::from_secs(number(name, value, 1, 86_400)?),
            "--pace" => plan.pace = Duration::from_millis(number(name, value, 1, 3_600_000)?),
            "--largest" => plan.largest = number(name, value, 1, 64 * 1024 * KIB)?,
            "--patience" => plan.patience = Duration::from_secs(number(name, value, 1, 3600)?),
            "--seed" => plan.seed = number(name, value, 0, u64::MAX)?,
            _ => return Err(format!("unknown option {name}")),
        }
        Ok(())
    }
}

/// Takes the options out of `arguments` that stand for variables of the environment, for which the
/// rest of this crate looks.
pub(crate) fn take_variables(arguments: &mut Vec<String>) -> Vec<(&'static str, String)> {
    let mut variables = Vec::new();
    for (option, variable) in [("--dist", DIST), ("--reference", REFERENCE)] {
        while let Some(at) = arguments.iter().position(|argument| argument == option) {
            if at + 1 == arguments.len() {
                break;
            }
            let value = arguments.drain(at..at + 2).next_back();
            variables.extend(value.map(|value| (variable, value)));
        }
    }
    variables
}

fn number<N>(name: &str, value: &str, least: N, most: N) -> Result<N, String>
where
    N: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    match value.parse() {
        Ok(number) if number >= least && number <= most => Ok(number),
        _ => Err(format!("{name} is a number from {least} to {most}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_change_what_they_name() {
        let options = parse(
            "--lua luajit --subject reference --services count,line --connections 7 --seconds 2 \
             --pace 3 --largest 5 --gentle --patience 4 --seed 9",
        )
        .unwrap();
        assert_eq!(
            (options.lua, options.subject),
            (Lua::LuaJit, Subject::Reference)
        );
        assert_eq!(options.services, [Service::Count, Service::Line]);
        assert_eq!(options.hold, Duration::from_secs(2));
        let Plan {
            seed,
            connections,
            pace,
            largest,
            deaf,
            patience,
            ..
        } = options.plan;
        assert_eq!((seed, connections, largest, deaf), (9, 7, 5, false));
        assert_eq!(
            (pace, patience),
            (Duration::from_millis(3), Duration::from_secs(4))
        );
    }

    #[test]
    fn some_options_stand_for_variables() {
        let line = "--dist a --seed 5 --reference b --lua 5.1 --dist";
        let mut arguments = line.split(' ').map(str::to_owned).collect();
        let variables = take_variables(&mut arguments);
        let expected = [
            ("COSOCK_DIST", "a".to_owned()),
            ("COSOCK_REFERENCE", "b".to_owned()),
        ];
        assert_eq!(variables, expected);
        assert_eq!(arguments, ["--seed", "5", "--lua", "5.1", "--dist"]);
        assert_eq!(
            Options::parse(arguments).unwrap_err(),
            "--dist needs a value"
        );
    }

    #[test]
    fn bad_arguments_are_named() {
        assert_eq!(
            parse("--connections 0").unwrap_err(),
            "--connections is a number from 1 to 1000000"
        );
        assert_eq!(
            parse("--seconds x").unwrap_err(),
            "--seconds is a number from 1 to 86400"
        );
        assert_eq!(
            parse("--services echo,tea").unwrap_err(),
            "--services lists line, echo, count"
        );
        assert_eq!(parse("--lua").unwrap_err(), "--lua needs a value");
        assert_eq!(
            parse("--frobnicate 1").unwrap_err(),
            "unknown option --frobnicate"
        );
    }
}
