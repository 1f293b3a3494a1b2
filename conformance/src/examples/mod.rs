//! What each program of `examples/` must do: facts about its lines, and about their times where
//! these are not determined. A fact has the same name on every implementation, so the facts of two
//! can be compared as the traces of a scenario can.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::interpreter::Lua;
use crate::repository;
use crate::run::{self, Output, PATIENCE};
use crate::subject::Subject;

mod clients;
mod clocks;
mod keys;
mod objects;

/// A documented program.
pub struct Example {
    /// Its file's name, without the ending.
    pub name: &'static str,
    /// What it shows, in a line.
    pub claim: &'static str,
    /// The part of the rock's book that describes such a program.
    pub source: &'static str,
    look: fn(&Stage),
}

/// Every example, in reading order.
#[rustfmt::skip]
pub const ALL: [Example; 18] = [
    Example { name: "ping_server", claim: "a server in a process of its own answers a client", source: "getting started, the server", look: clients::server_in_a_process },
    Example { name: "ping_client", claim: "a client in a process of its own asks a server", source: "getting started, the client", look: clients::client_in_a_process },
    Example { name: "ping_pong", claim: "client and server are tasks of one program", source: "getting started, both in one", look: clients::ping_pong },
    Example { name: "tick", claim: "one task sleeps", source: "spawn, one task", look: clocks::tick },
    Example { name: "tick_tock", claim: "two tasks sleep, and neither delays the other", source: "spawn, two tasks", look: clocks::tick_tock },
    Example { name: "tick_tock_closure", claim: "two tasks share a function", source: "spawn, closures", look: clocks::tick_tock },
    Example { name: "many_clients", claim: "each connection has a task of its own", source: "spawn, many clients", look: clients::many_clients },
    Example { name: "shared_port", claim: "without a channel one looks again and again", source: "channels, why", look: clients::shared_port },
    Example { name: "tick_tock_channels", claim: "two tasks tell each other whose turn it is", source: "channels, two of them", look: clocks::tick_tock_channels },
    Example { name: "tick_tock_clack", claim: "three tasks pass a counter round", source: "channels, three tasks", look: clocks::tick_tock_clack },
    Example { name: "two_receivers", claim: "one channel has one receiver at a time", source: "channels, what cannot be", look: objects::two_receivers },
    Example { name: "five_at_a_time", claim: "one task serves five clients at most by select", source: "select", look: clients::five_at_a_time },
    Example { name: "timer", claim: "cosock waits for an object of the user's own", source: "integrations, setwaker", look: objects::timer },
    Example { name: "timer_cancel", claim: "another task wakes who waits for such an object", source: "integrations, waking early", look: objects::timer_cancel },
    Example { name: "bounded_channel", claim: "a bounded channel is a module of the user's own", source: "integrations, bounded channel", look: objects::bounded_channel },
    Example { name: "bounded_senders", claim: "senders wait while a bounded channel is full", source: "integrations, bounded channel", look: objects::bounded_senders },
    Example { name: "key_order", claim: "tables as keys come in no useful order", source: "integrations, order of keys", look: keys::key_order },
    Example { name: "key_order_repeats", claim: "the order of tables as keys is not random either", source: "integrations, order of keys", look: keys::key_order_repeats },
];

impl Example {
    /// The program's file.
    pub fn path(&self) -> PathBuf {
        repository()
            .join("examples")
            .join(self.name)
            .with_extension("lua")
    }

    /// Runs it and finds out which facts hold.
    ///
    /// # Panics
    ///
    /// If it cannot be talked to, with the full report.
    pub fn look(&self, lua: Lua, subject: Subject) -> Facts {
        let stage = Stage {
            lua,
            subject,
            path: self.path(),
            facts: RefCell::default(),
        };
        (self.look)(&stage);
        stage.facts.into_inner()
    }
}

/// The example in a file.
///
/// # Panics
///
/// If the file is none of [`ALL`].
pub fn at(path: &Path) -> &'static Example {
    let found = ALL.iter().find(|example| path.ends_with(example.path()));
    found.unwrap_or_else(|| panic!("{path:?} has no facts; add some beside {}", file!()))
}

/// Which facts hold, by their names, and what the programs said.
#[derive(Debug, Default)]
pub struct Facts {
    /// Whether each holds.
    pub holds: BTreeMap<String, bool>,
    /// The full report of each run, for people.
    pub reports: String,
}

impl Facts {
    /// The names of those that do not hold.
    pub fn failed(&self) -> Vec<&str> {
        let failed = self.holds.iter().filter(|(_, holds)| !**holds);
        failed.map(|(name, _)| name.as_str()).collect()
    }
}

/// One example on one implementation.
struct Stage {
    lua: Lua,
    subject: Subject,
    path: PathBuf,
    facts: RefCell<Facts>,
}

impl Stage {
    /// Notes whether a fact holds; one that is noted twice must hold both times.
    fn fact(&self, holds: bool, name: impl Display) {
        let mut facts = self.facts.borrow_mut();
        let known = facts.holds.entry(name.to_string()).or_insert(true);
        *known &= holds;
    }

    /// The fact that a program ended with exit code 0 and wrote nothing to stderr.
    fn ends_well(&self, output: &Output) {
        let _ = write!(self.facts.borrow_mut().reports, "{output}");
        self.fact(
            output.code() == Some(0) && output.stderr.is_empty(),
            "it ends well",
        );
    }

    /// The fact that a program wrote these lines and no others.
    fn prints<S: AsRef<str>>(&self, output: &Output, expected: &[S], name: impl Display) {
        let expected = expected.iter().map(AsRef::as_ref);
        self.fact(output.lines().into_iter().eq(expected), name);
    }

    /// The fact that a program took at least so long, a bound that no clock excuses.
    fn lasts(&self, output: &Output, least: Duration, name: impl Display) {
        self.fact(output.elapsed >= least, name);
    }

    /// Runs it as most people will, without arguments, to its end.
    fn run(&self) -> Output {
        self.run_with(&[])
    }

    /// Runs it with `arguments` to its end.
    fn run_with(&self, arguments: &[&str]) -> Output {
        let mut command = self.subject.script(self.lua, &self.path);
        command.args(arguments);
        let output = run::run(command, PATIENCE);
        self.ends_well(&output);
        output
    }

    /// Another example, on the same implementation.
    fn beside(&self, file: &str) -> Command {
        let path = self.path.with_file_name(file);
        self.subject.script(self.lua, &path)
    }
}

/// Splits `word rest` at the first blank.
fn split(line: &str) -> Option<(&str, &str)> {
    line.split_once([' ', '\t'])
}

/// How much less than it should a difference of two printed times may show: they are rounded to
/// hundredths, and come from the wall clock, which may run slow by a little.
const ROUNDING: f64 = 0.011;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_program_has_its_facts() {
        let files = fs::read_dir(repository().join("examples")).unwrap();
        let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|ending| ending == "lua"));
        let mut known: Vec<PathBuf> = ALL.iter().map(Example::path).collect();
        files.sort();
        known.sort();
        assert_eq!(files, known);
    }
}
