//! What each program of `examples/` must print: exact lines where they are determined, otherwise
//! facts about them. The facts hold on the rock too, unless one says that it is ours alone.

use std::path::Path;
use std::time::Duration;

use crate::interpreter::Lua;
use crate::run::{self, Output};
use crate::subject::Subject;
use crate::suite::PATIENCE;

mod clients;
mod clocks;
mod keys;
mod objects;

/// One example on one implementation.
struct Stage<'a> {
    lua: Lua,
    subject: Subject,
    path: &'a Path,
}

/// Runs the example at `path` and checks what it prints.
///
/// # Panics
///
/// If it does not print what it must, with the full report; or if nothing is known of it.
#[track_caller]
pub fn check(lua: Lua, subject: Subject, path: &Path) {
    let stage = Stage { lua, subject, path };
    let name = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .expect("an example has a name");
    match name {
        "ping_server" => clients::server_in_a_process(&stage),
        "ping_client" => clients::client_in_a_process(&stage),
        "ping_pong" => clients::ping_pong(&stage),
        "shared_port" => clients::shared_port(&stage),
        "many_clients" => clients::many_clients(&stage),
        "five_at_a_time" => clients::five_at_a_time(&stage),
        "tick" => clocks::tick(&stage),
        "tick_tock" | "tick_tock_closure" => clocks::tick_tock(&stage),
        "tick_tock_channels" => clocks::tick_tock_channels(&stage),
        "tick_tock_clack" => clocks::tick_tock_clack(&stage),
        "timer" => objects::timer(&stage),
        "timer_cancel" => objects::timer_cancel(&stage),
        "bounded_channel" => objects::bounded_channel(&stage),
        "bounded_senders" => objects::bounded_senders(&stage),
        "two_receivers" => objects::two_receivers(&stage),
        "key_order" => keys::key_order(&stage),
        "key_order_repeats" => keys::key_order_repeats(&stage),
        _ => panic!(
            "examples/{name}.lua has no check; describe what it prints in {}",
            file!()
        ),
    }
}

impl Stage<'_> {
    /// Runs it as most people will, without arguments, to a good end.
    #[track_caller]
    fn run(&self) -> Output {
        self.run_with(&[])
    }

    /// Runs it with `arguments` to a good end.
    #[track_caller]
    fn run_with(&self, arguments: &[&str]) -> Output {
        let mut command = self.subject.script(self.lua, self.path);
        command.args(arguments);
        let output = run::run(command, PATIENCE);
        output.check_success();
        output
    }

    /// Another example, on the same implementation.
    fn beside(&self, file: &str) -> std::process::Command {
        self.subject
            .script(self.lua, &self.path.with_file_name(file))
    }
}

/// Panics unless the program took at least `least`, a bound that no clock excuses.
#[track_caller]
fn check_lasted(output: &Output, least: Duration) {
    output.check(
        output.elapsed >= least,
        format_args!("it takes at least {least:?}"),
    );
}

/// Splits `word rest` at the first blank.
fn split(line: &str) -> Option<(&str, &str)> {
    line.split_once([' ', '\t'])
}

/// The lines, if each is a number of seconds and a word.
fn timed_words(output: &Output) -> Vec<(f64, &str)> {
    let timed = output.lines().into_iter().map(|line| {
        let (seconds, word) = split(line)?;
        Some((seconds.parse().ok()?, word))
    });
    let timed: Option<Vec<_>> = timed.collect();
    output.check(
        timed.is_some(),
        "each line is a number of seconds and a word",
    );
    timed.unwrap_or_default()
}

/// How much less than it should a difference of two printed times may show: they are rounded to
/// hundredths, and come from the wall clock, which may run slow by a little.
const ROUNDING: f64 = 0.011;
