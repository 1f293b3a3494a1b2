//! The course of a soak: open all connections, hold them, let them go, and judge the server.

use std::thread;
use std::time::{Duration, Instant};

use conformance::run::{Ending, Output};

use crate::engine::Engine;
use crate::options::Options;
use crate::process::{allow_descriptors, descriptors, processor_time, resident_kib};
use crate::server::{Server, Stats};
use crate::tally::Failures;

/// What a run found: lines to print, and what failed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) lines: Vec<String>,
    pub(crate) failures: Vec<String>,
}

const TICK: Duration = Duration::from_millis(250);
const RAMP_LIMIT: Duration = Duration::from_secs(90);
const QUIT_LIMIT: Duration = Duration::from_secs(20);
/// Descriptors besides the connections, here and in the server.
const SPARE_DESCRIPTORS: u64 = 200;

/// Runs a soak from the start of the server to its end.
pub(crate) fn soak(options: &Options) -> Report {
    let mut report = Report::default();
    if let Err(text) = drive(options, &mut report) {
        report.failures.insert(0, text);
    }
    report
}

fn drive(options: &Options, report: &mut Report) -> Result<(), String> {
    let connections = options.plan.connections;
    if let Some(before) = allow_descriptors(connections as u64 + SPARE_DESCRIPTORS)? {
        report
            .lines
            .push(format!("descriptors: limit raised from {before}"));
    }
    let mut server = Server::start(options)?;
    let base = server.stats(true)?;
    let base_descriptors = descriptors(server.pid).map_err(|error| error.to_string())?;
    let targets = server.targets.clone();
    let mut engine =
        Engine::new(options.plan.clone(), targets).map_err(|error| error.to_string())?;

    let outcome = exercise(options, &mut engine, &mut server, report);
    report.lines.extend(engine.tally.lines());
    let ended = outcome.and_then(|loaded| {
        empty(options, &mut engine)?;
        let last = wait_for_leaving(options, &mut server, base_descriptors)?;
        report.lines.push(format!(
            "server: {} accepted, {} closed",
            last.accepted, last.closed
        ));
        report.lines.push(format!(
            "lua heap after collections: {} KiB before, {loaded} KiB loaded, {} KiB at the end",
            base.lua_kib, last.lua_kib
        ));
        judge_end(&base, loaded, &last, &mut report.failures);
        Ok(())
    });
    judge_clients(&engine.failures, &mut report.failures);
    match ended.and_then(|()| server.quit()) {
        Ok(()) => judge_output(&server.finish(QUIT_LIMIT), &mut report.failures),
        Err(text) => {
            report.failures.insert(0, text);
            // A server that is gone explains more than what its clients saw.
            let output = server.finish(Duration::from_secs(2));
            if matches!(output.ending, Ending::Ended(_)) {
                report.failures.insert(0, output.to_string());
            }
        }
    }
    Ok(())
}

/// Opens all connections and holds them. Returns the Lua heap under load, in KiB.
fn exercise(
    options: &Options,
    engine: &mut Engine,
    server: &mut Server,
    report: &mut Report,
) -> Result<u64, String> {
    let connections = options.plan.connections;
    let nearly_all = connections - connections / 50;
    let started = Instant::now();
    loop {
        let stats = tick(engine, server)?;
        if engine.established() >= nearly_all && stats.open >= nearly_all as u64 {
            break;
        }
        if started.elapsed() > RAMP_LIMIT {
            let (here, there) = (engine.established(), stats.open);
            return Err(format!(
                "{here} connections after {RAMP_LIMIT:?}, {there} in the server"
            ));
        }
    }
    report.lines.push(format!(
        "opened: all connections within {:.1} s",
        seconds(started)
    ));

    // Memory that was needed once stays with the process. So the peak comes first, on purpose; what
    // grows after it is a leak.
    let mut held = Held::default();
    engine.set_haste(true);
    held.watch(options.hold / 3, engine, server, options)?;
    engine.set_haste(false);
    let warm = server.stats(true)?;
    let (cpu, answered) = (processor(server)?, engine.tally.answered);
    let mut measured = Held::default();
    measured.watch(options.hold - options.hold / 3, engine, server, options)?;
    let cpu = processor(server)?.saturating_sub(cpu);
    let answered = engine.tally.answered - answered;
    let end = server.stats(true)?;

    let (least, most) = (held.least.min(measured.least), held.most.max(measured.most));
    report.lines.push(format!(
        "held: {least} to {most} connections for {:?}",
        options.hold
    ));
    if least < connections - connections / 10 {
        report.failures.push(format!(
            "only {least} of {connections} connections were held"
        ));
    }
    let (first, last) = measured.first_and_last();
    report.lines.push(format!(
        "server memory: {first} KiB after warm-up, {last} KiB at the end"
    ));
    judge_growth("resident memory", first, last, &mut report.failures);
    judge_growth("Lua heap", warm.lua_kib, end.lua_kib, &mut report.failures);
    if answered == 0 {
        return Err("no request was answered after warm-up".to_owned());
    }
    report.lines.push(format!(
        "server processor time: {:.1} us per answer ({answered} answers, {:.2} s)",
        cpu.as_secs_f64() * 1e6 / answered as f64,
        cpu.as_secs_f64()
    ));
    Ok(end.lua_kib)
}

/// What was seen while the connections were held.
#[derive(Debug, Default)]
struct Held {
    resident: Vec<u64>,
    least: usize,
    most: usize,
}

impl Held {
    fn watch(
        &mut self,
        length: Duration,
        engine: &mut Engine,
        server: &mut Server,
        options: &Options,
    ) -> Result<(), String> {
        self.least = options.plan.connections;
        let end = Instant::now() + length;
        while Instant::now() < end || self.resident.is_empty() {
            let stats = tick(engine, server)?;
            let held = engine.established().min(stats.open as usize);
            self.least = self.least.min(held);
            self.most = self.most.max(held);
            self.resident
                .push(resident_kib(server.pid).map_err(|error| error.to_string())?);
        }
        Ok(())
    }

    /// Medians of the first and the last quarter, which single collections do not disturb.
    fn first_and_last(&self) -> (u64, u64) {
        let quarter = (self.resident.len() / 4).max(1);
        let median = |samples: &[u64]| {
            let mut samples = samples.to_vec();
            samples.sort_unstable();
            samples[samples.len() / 2]
        };
        (
            median(&self.resident[..quarter]),
            median(&self.resident[self.resident.len() - quarter..]),
        )
    }
}

/// Lets the clients act for a tick, then asks the server how it is.
fn tick(engine: &mut Engine, server: &mut Server) -> Result<Stats, String> {
    let end = Instant::now() + TICK;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        engine
            .turn(left)
            .map_err(|error| format!("client: {error}"))?;
        if engine.failures.count() >= Failures::MANY {
            return Err(format!(
                "given up after {} failures",
                engine.failures.count()
            ));
        }
    }
    server.stats(false)
}

fn processor(server: &Server) -> Result<Duration, String> {
    processor_time(server.pid).map_err(|error| error.to_string())
}

/// Lets all connections end.
fn empty(options: &Options, engine: &mut Engine) -> Result<(), String> {
    engine.drain();
    // A connection may be in the middle of a stall; one that waits longer than the patience fails.
    let limit = Instant::now() + options.plan.patience * 2 + Duration::from_secs(10);
    while !engine.is_empty() {
        engine
            .turn(TICK)
            .map_err(|error| format!("client: {error}"))?;
        if Instant::now() > limit {
            let left = engine.remaining();
            return Err(format!(
                "{} clients do not end: {:?}",
                left.len(),
                left.first()
            ));
        }
    }
    Ok(())
}

/// Waits until the server has noticed that all clients left.
fn wait_for_leaving(
    options: &Options,
    server: &mut Server,
    base_descriptors: usize,
) -> Result<Stats, String> {
    let limit = Instant::now() + options.plan.patience;
    loop {
        let stats = server.stats(false)?;
        let open = descriptors(server.pid).map_err(|error| error.to_string())?;
        if stats.open == 0 && open == base_descriptors {
            return server.stats(true);
        }
        if Instant::now() > limit {
            return Err(format!(
                "after all clients left: {} still served, {open} descriptors instead of \
                 {base_descriptors}",
                stats.open
            ));
        }
        thread::sleep(TICK / 5);
    }
}

/// Memory under a steady load may waver, but not grow.
fn judge_growth(what: &str, first_kib: u64, last_kib: u64, failures: &mut Vec<String>) {
    const SLACK_KIB: u64 = 4 * 1024;
    if last_kib > (first_kib + first_kib / 5).max(first_kib + SLACK_KIB) {
        failures.push(format!(
            "{what} grew from {first_kib} KiB to {last_kib} KiB"
        ));
    }
}

fn judge_end(base: &Stats, loaded_kib: u64, last: &Stats, failures: &mut Vec<String>) {
    // Tables that held all clients may keep their size; what the clients themselves took may not.
    const SLACK_KIB: u64 = 1024;
    let allowed = base.lua_kib + loaded_kib.saturating_sub(base.lua_kib) / 4 + SLACK_KIB;
    if last.lua_kib > allowed {
        failures.push(format!(
            "Lua heap after all clients left: {} KiB; it began with {} KiB",
            last.lua_kib, base.lua_kib
        ));
    }
    if last.accepted != last.closed {
        failures.push(format!(
            "accepted {} clients, closed {}",
            last.accepted, last.closed
        ));
    }
    if !last.odd.is_empty() {
        failures.push(format!("results that no client caused: {}", last.odd));
    }
}

fn judge_clients(clients: &Failures, failures: &mut Vec<String>) {
    failures.extend(clients.texts().iter().cloned());
    let more = clients.count() - clients.texts().len();
    if more > 0 {
        failures.push(format!("and {more} more like these"));
    }
}

/// The server must end by itself, without tasks and without anything to complain about.
fn judge_output(output: &Output, failures: &mut Vec<String>) {
    let is_quiet = output.stderr.is_empty() && output.lines().len() == 2;
    if output.code() != Some(0) || !is_quiet || output.lines()[1] != "finished tasks=0" {
        failures.push(format!("the server does not end as it should: {output}"));
    }
}

fn seconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use conformance::run::run;
    use std::process::Command;

    fn growth(first: u64, last: u64) -> Vec<String> {
        let mut failures = Vec::new();
        judge_growth("memory", first, last, &mut failures);
        failures
    }

    #[test]
    fn memory_may_waver_but_not_grow() {
        assert_eq!(growth(100_000, 119_000), [""; 0]);
        assert_eq!(growth(10_000, 14_000), [""; 0]);
        assert_eq!(growth(100_000, 90_000), [""; 0]);
        assert_eq!(
            growth(100_000, 121_000),
            ["memory grew from 100000 KiB to 121000 KiB"]
        );
        assert_eq!(
            growth(10_000, 14_100),
            ["memory grew from 10000 KiB to 14100 KiB"]
        );
    }

    #[test]
    fn first_and_last_are_medians_of_quarters() {
        let resident = vec![5, 900, 7, 50, 50, 50, 50, 50, 50, 9, 0, 8];
        let held = Held {
            resident,
            ..Held::default()
        };
        assert_eq!(held.first_and_last(), (7, 8));
    }

    #[test]
    fn what_remains_at_the_end_is_reported() {
        let base = Stats {
            lua_kib: 100,
            ..Stats::default()
        };
        let clean = Stats {
            lua_kib: 1300,
            accepted: 9,
            closed: 9,
            ..Stats::default()
        };
        let mut failures = Vec::new();
        judge_end(&base, 900, &clean, &mut failures);
        assert_eq!(failures, [""; 0]);
        let bad = Stats {
            lua_kib: 1400,
            accepted: 9,
            closed: 8,
            odd: "x".into(),
            open: 0,
        };
        judge_end(&base, 900, &bad, &mut failures);
        assert_eq!(failures.len(), 3, "{failures:?}");
    }

    #[test]
    fn only_a_quiet_end_without_tasks_passes() {
        let judge = |script: &str| {
            let mut shell = Command::new("sh");
            shell.args(["-c", script]);
            let mut failures = Vec::new();
            judge_output(&run(shell, Duration::from_secs(60)), &mut failures);
            failures.len()
        };
        assert_eq!(judge("echo ready; echo finished tasks=0"), 0);
        assert_eq!(judge("echo ready; echo finished tasks=2"), 1);
        assert_eq!(judge("echo ready"), 1);
        assert_eq!(judge("echo ready; echo warning; echo finished tasks=0"), 1);
        assert_eq!(
            judge("echo ready; echo finished tasks=0; echo traceback >&2"),
            1
        );
        assert_eq!(judge("echo ready; echo finished tasks=0; exit 1"), 1);
    }
}
