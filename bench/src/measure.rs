//! One measurement, and the rounds of them.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use conformance::Lua;
use serde::Serialize;

use crate::load::crowd::Crowd;
use crate::load::datagrams::Asker;
use crate::load::stream::{Counted, Download, MEBIBYTE, send_all};
use crate::load::{PATIENCE, short, wrong};
use crate::process::Process;
use crate::subject::Subject;
use crate::workload::{Load, Workload};

/// How much each measurement does.
#[derive(Clone, Copy)]
pub(crate) struct Length {
    /// How long the load lasts, after a fifth of that to warm up.
    time: Duration,
    /// The size of what is received at once.
    mebibytes: usize,
    /// How often an interpreter is started.
    starts: usize,
    /// What a program that counts for itself may take until its end.
    patience: Duration,
}

impl Length {
    pub(crate) const QUICK: Length = Length {
        time: Duration::from_millis(50),
        mebibytes: 16,
        starts: 5,
        patience: Duration::from_secs(10),
    };
    pub(crate) const FULL: Length = Length {
        time: Duration::from_millis(400),
        mebibytes: 256,
        starts: 20,
        patience: Duration::from_secs(60),
    };
}

/// What one measurement found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sample {
    /// Nanoseconds of processor time, or bytes of memory, per operation.
    pub(crate) cost: f64,
    pub(crate) operations: u64,
    /// The part of the time during which the process ran: near 1 it was the bottleneck.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) busy: Option<f64>,
    /// What 99 of 100 requests waited at most, in nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) latency: Option<f64>,
    /// The most memory that the process had, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peak: Option<u64>,
}

/// What became of one subject under one workload.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Series {
    /// One for each round.
    pub(crate) samples: Vec<Sample>,
    /// Why there are none; the rounds after a failure are not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
}

impl Series {
    pub(crate) fn costs(&self) -> Vec<f64> {
        self.samples.iter().map(|sample| sample.cost).collect()
    }
}

/// The measurements on one Lua.
pub(crate) struct Run {
    pub(crate) lua: Lua,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) missing: Vec<String>,
    pub(crate) rounds: usize,
    length: Length,
    /// By workload, in the order of the list, and subject.
    pub(crate) series: Vec<(&'static Workload, BTreeMap<String, Series>)>,
}

impl Run {
    pub(crate) fn new(
        lua: Lua,
        subjects: Vec<Subject>,
        missing: Vec<String>,
        rounds: usize,
        length: Length,
    ) -> Run {
        Run {
            lua,
            subjects,
            missing,
            rounds,
            length,
            series: Vec::new(),
        }
    }

    /// Measures everything once in each round, each workload with all subjects one after the other.
    pub(crate) fn measure(&mut self, workloads: &[&'static Workload]) {
        for &workload in workloads {
            self.series.push((workload, BTreeMap::new()));
        }
        for round in 0..self.rounds {
            eprintln!("{}, round {} of {}", self.lua, round + 1, self.rounds);
            for (workload, by_subject) in &mut self.series {
                // Nobody is always the first.
                let count = self.subjects.len().max(1);
                let order = self
                    .subjects
                    .iter()
                    .cycle()
                    .skip(round % count)
                    .take(self.subjects.len());
                for subject in order.filter(|subject| subject.has(workload)) {
                    let series = by_subject.entry(subject.name.clone()).or_default();
                    if series.failure.is_some() {
                        continue;
                    }
                    match measure(subject, workload, self.length) {
                        Ok(sample) => series.samples.push(sample),
                        Err(error) => {
                            eprintln!("{}, {}: {error}", workload.name, subject.name);
                            series.failure = Some(error.to_string());
                        }
                    }
                }
            }
        }
    }

    /// The failures that are ours: of cosock, and of the server without Lua.
    pub(crate) fn required_failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        for (workload, by_subject) in &self.series {
            for subject in self.subjects.iter().filter(|subject| subject.required) {
                let series = by_subject.get(&subject.name);
                if let Some(reason) = series.and_then(|series| series.failure.as_ref()) {
                    failures.push(format!("{}, {}: {reason}", workload.name, subject.name));
                }
            }
        }
        failures
    }
}

/// Runs `workload` once; an error says also what the process complained of.
fn measure(subject: &Subject, workload: &Workload, length: Length) -> io::Result<Sample> {
    if let Load::Start = workload.load {
        return start(subject, workload, length);
    }
    let mut command = subject.run(workload);
    if let Load::Inside | Load::Connect = workload.load {
        command.arg(length.time.as_secs_f64().to_string());
    }
    command.args(workload.arguments);
    match workload.load {
        Load::Connect => {
            let (served, sample) = short::serve(|port| {
                command.arg(port.to_string());
                with(Process::start(command)?, |process| inside(process, length))
            })?;
            if served < sample.operations {
                return Err(wrong(format!("only {served} connections were seen")));
            }
            Ok(sample)
        }
        Load::Datagrams(count) => {
            let mut asker = Asker::new()?;
            // A peer that cannot answer whoever asks is told whom to connect to.
            command.arg(asker.port()?.to_string());
            with(Process::start(command)?, |process| {
                asker.connect(server(process)?)?;
                timed(process, length, |time| asker.exchange(count, time))
            })
        }
        Load::Inside => with(Process::start(command)?, |process| inside(process, length)),
        load => with(Process::start(command)?, |process| {
            served(process, load, length)
        }),
    }
}

/// Gives the process to `load`; an error is told with what the process complained of.
fn with(
    mut process: Process,
    load: impl FnOnce(&mut Process) -> io::Result<Sample>,
) -> io::Result<Sample> {
    load(&mut process).map_err(|error| match process.complaint() {
        Some(text) => wrong(format!("{error}: {text}")),
        None => error,
    })
}

/// Where the program serves.
fn server(process: &Process) -> io::Result<SocketAddr> {
    let words = process.expect("ready", PATIENCE)?;
    let port = words.first().and_then(|word| word.parse().ok());
    let port: u16 = port.ok_or_else(|| wrong("the program names no port"))?;
    Ok((Ipv4Addr::LOCALHOST, port).into())
}

fn served(process: &mut Process, load: Load, length: Length) -> io::Result<Sample> {
    match load {
        Load::Echo {
            active,
            idle,
            depth,
        } => {
            let mut crowd = Crowd::open(server(process)?, active + idle, depth)?;
            let mut sample = timed(process, length, |time| crowd.exchange(0..active, time))?;
            sample.latency = Some(crowd.slow_latency().as_nanos() as f64);
            Ok(sample)
        }
        Load::Lines(bytes) => {
            let mut lines = Counted::lines(server(process)?, bytes)?;
            timed(process, length, |time| lines.send(time))
        }
        Load::Records(size) => {
            let mut records = Counted::records(server(process)?, size)?;
            timed(process, length, |time| records.send(time))
        }
        Load::All => {
            let server = server(process)?;
            let before = process.cpu()?;
            send_all(server, length.mebibytes)?;
            let used = process.cpu()? - before;
            let mut sample = sample(used, length.mebibytes as u64);
            sample.peak = Some(process.memory("VmHWM")?);
            Ok(sample)
        }
        Load::Bulk => {
            let mut download = Download::open(server(process)?)?;
            timed(process, length, |time| download.receive(time))
        }
        Load::Accept => {
            let server = server(process)?;
            timed(process, length, |time| short::visit(server, time))
        }
        Load::Tasks(count) => {
            process.expect("empty", PATIENCE)?;
            let before = process.memory("VmRSS")?;
            process.tell()?;
            process.expect("full", length.patience)?;
            grown(process, before, count)
        }
        Load::Connections(count) => {
            let server = server(process)?;
            let _first = Crowd::open(server, 10, 1)?;
            let before = process.memory("VmRSS")?;
            let _crowd = Crowd::open(server, count, 1)?;
            grown(process, before, count)
        }
        Load::Connect | Load::Datagrams(_) | Load::Inside | Load::Start => {
            unreachable!("these have arguments of their own")
        }
    }
}

/// Loads the process after a short time to warm up.
fn timed(
    process: &Process,
    length: Length,
    mut load: impl FnMut(Duration) -> io::Result<u64>,
) -> io::Result<Sample> {
    load(length.time / 5)?;
    let before = process.cpu()?;
    let start = Instant::now();
    let operations = load(length.time)?;
    let took = start.elapsed();
    let used = process.cpu()? - before;
    let mut sample = sample(used, operations);
    sample.busy = Some(used.as_secs_f64() / took.as_secs_f64());
    Ok(sample)
}

fn sample(used: Duration, operations: u64) -> Sample {
    Sample {
        cost: used.as_nanos() as f64 / operations as f64,
        operations,
        busy: None,
        latency: None,
        peak: None,
    }
}

fn grown(process: &Process, before: u64, count: usize) -> io::Result<Sample> {
    let bytes = process.memory("VmRSS")?.saturating_sub(before);
    Ok(Sample {
        cost: bytes as f64 / count as f64,
        ..sample(Duration::ZERO, count as u64)
    })
}

/// What the program itself has counted.
fn inside(process: &Process, length: Length) -> io::Result<Sample> {
    let words = process.expect("done", length.patience)?;
    let number = |place: usize| words.get(place).and_then(|word| word.parse::<f64>().ok());
    match (number(0), number(1)) {
        (Some(operations), Some(seconds)) if operations > 0.0 && seconds > 0.0 => {
            let used = Duration::from_secs_f64(seconds);
            Ok(sample(used, operations as u64))
        }
        _ => Err(wrong(format!("done {words:?}"))),
    }
}

/// What the program costs more than a bare interpreter.
fn start(subject: &Subject, workload: &Workload, length: Length) -> io::Result<Sample> {
    let mut with_program = Duration::ZERO;
    let mut bare = Duration::ZERO;
    for _ in 0..length.starts {
        with_program += with_life(subject.run(workload))?;
        bare += with_life(subject.bare())?;
    }
    let more = with_program.saturating_sub(bare);
    Ok(sample(more, length.starts as u64))
}

fn with_life(command: std::process::Command) -> io::Result<Duration> {
    let mut process = Process::start(command)?;
    let used = process.whole_life();
    used.map_err(|error| {
        wrong(format!(
            "{error}: {}",
            process.complaint().unwrap_or_default()
        ))
    })
}

/// The bytes of what [`Load::All`] sends, for whoever compares the peak memory with it.
pub(crate) fn payload(sample: &Sample) -> u64 {
    sample.operations * MEBIBYTE as u64
}
