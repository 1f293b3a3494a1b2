//! One measurement.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::calls::Traced;
use crate::load::crowd::Crowd;
use crate::load::datagrams::Asker;
use crate::load::dialogue::Dialogue;
use crate::load::stream::{Counted, Download, MEBIBYTE, flood, send_all};
use crate::load::wire::Address;
use crate::load::{PATIENCE, short, wrong};
use crate::process::Process;
use crate::results::Sample;
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
        starts: 3,
        patience: Duration::from_secs(10),
    };
    pub(crate) const FULL: Length = Length {
        time: Duration::from_millis(300),
        mebibytes: 256,
        starts: 20,
        patience: Duration::from_secs(30),
    };
}

/// Waits until a file is older than what may still be changing, as the files of a server are: what has just
/// been written is read again for each connection.
fn settle(file: &Path) -> io::Result<()> {
    const SETTLED: Duration = Duration::from_secs(4);
    let age = file.metadata()?.modified()?.elapsed().unwrap_or_default();
    thread::sleep(SETTLED.saturating_sub(age));
    Ok(())
}

/// Runs `workload` once; an error says also what the process complained of.
pub(crate) fn measure(
    subject: &Subject,
    workload: &Workload,
    length: Length,
) -> io::Result<Sample> {
    let mut command = subject.run(workload);
    if workload.takes_time() {
        command.arg(length.time.as_secs_f64().to_string());
    }
    command.args(workload.arguments);
    if let Some(name) = workload.certificate {
        let files = certificates::directory();
        settle(&files.join(format!("{name}.key")))?;
        command.arg(files.join(format!("{name}.pem")));
        command.arg(files.join(format!("{name}.key")));
    }
    match workload.load {
        Load::Start => start(subject, workload, length),
        Load::Calls(count) => calls(&command, count, length),
        Load::LineServer => client(command, short::return_line, length),
        Load::PageServer => client(command, short::give_page, length),
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
        Load::Late => with(Process::start(command)?, |process| late(process, length)),
        Load::Tasks(count) => with(Process::start(command)?, |process| {
            process.expect("empty", PATIENCE)?;
            let before = process.memory("VmRSS")?;
            process.tell()?;
            process.expect("full", length.patience)?;
            grown(process, before, count)
        }),
        load => with(Process::start(command)?, |process| {
            let address = match workload.certificate {
                Some(_) => Address::tls(server(process)?)?,
                None => Address::plain(server(process)?),
            };
            served(process, &address, load, length)
        }),
    }
}

/// Gives the process to `load`; an error is told with what the process complained of.
fn with<T>(
    mut process: Process,
    load: impl FnOnce(&mut Process) -> io::Result<T>,
) -> io::Result<T> {
    load(&mut process).map_err(|error| complained(error, &mut process))
}

fn complained(error: io::Error, process: &mut Process) -> io::Error {
    match process.complaint() {
        Some(text) => wrong(format!("{error}: {text}")),
        None => error,
    }
}

/// Where the program serves.
fn server(process: &Process) -> io::Result<SocketAddr> {
    let words = process.expect("ready", PATIENCE)?;
    let port = words.first().and_then(|word| word.parse().ok());
    let port: u16 = port.ok_or_else(|| wrong("the program names no port"))?;
    Ok((Ipv4Addr::LOCALHOST, port).into())
}

/// The loads of programs that serve at `server`.
fn served(
    process: &mut Process,
    server: &Address,
    load: Load,
    length: Length,
) -> io::Result<Sample> {
    match load {
        Load::Echo {
            active,
            idle,
            depth,
        } => {
            let dialogue = |client| Dialogue::lines(client, depth);
            let crowd = Crowd::open(server, active + idle, dialogue)?;
            exchanged(process, crowd, active, length)
        }
        Load::Pages(count) => {
            let crowd = Crowd::open(server, count, Dialogue::page)?;
            exchanged(process, crowd, count, length)
        }
        Load::Lines(bytes) => {
            let mut lines = Counted::lines(server, bytes)?;
            timed(process, length, |time| lines.send(time))
        }
        Load::Records(size) => {
            let mut records = Counted::records(server, size)?;
            timed(process, length, |time| records.send(time))
        }
        Load::All => {
            let before = process.cpu()?;
            send_all(server, length.mebibytes)?;
            let used = process.cpu()? - before;
            let mut sample = sample(used, length.mebibytes as u64);
            sample.peak = Some(process.memory("VmHWM")?);
            Ok(sample)
        }
        Load::Bulk => {
            let mut download = Download::open(server)?;
            timed(process, length, |time| download.receive(time))
        }
        Load::Visits { resumed } => {
            timed(process, length, |time| short::visit(server, resumed, time))
        }
        Load::Connections(count) => {
            let lines = |client| Dialogue::lines(client, 1);
            let _first = Crowd::open(server, 10, lines)?;
            let before = process.memory("VmRSS")?;
            let _crowd = Crowd::open(server, count, lines)?;
            grown(process, before, count)
        }
        Load::LateUnderLines => flood(server, || late(process, length)),
        Load::LineServer
        | Load::PageServer
        | Load::Datagrams(_)
        | Load::Inside
        | Load::Tasks(_)
        | Load::Calls(_)
        | Load::Late
        | Load::Start => unreachable!("these do not serve connections, or are started differently"),
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

/// The first `active` of the crowd ask.
fn exchanged(
    process: &Process,
    mut crowd: Crowd,
    active: usize,
    length: Length,
) -> io::Result<Sample> {
    let mut sample = timed(process, length, |time| crowd.exchange(0..active, time))?;
    sample.latency = crowd.slow_latency().map(|time| time.as_nanos() as f64);
    Ok(sample)
}

fn sample(used: Duration, operations: u64) -> Sample {
    Sample {
        cost: used.as_nanos() as f64 / operations as f64,
        operations,
        ..Sample::default()
    }
}

fn grown(process: &Process, before: u64, count: usize) -> io::Result<Sample> {
    let bytes = process.memory("VmRSS")?.saturating_sub(before);
    Ok(Sample {
        cost: bytes as f64 / count as f64,
        operations: count as u64,
        ..Sample::default()
    })
}

/// A program that connects to a server of ours, which answers by `answer`.
fn client(
    mut command: Command,
    answer: fn(std::net::TcpStream) -> io::Result<()>,
    length: Length,
) -> io::Result<Sample> {
    let (served, sample) = short::serve(answer, |port| {
        command.arg(port.to_string());
        with(Process::start(command)?, |process| inside(process, length))
    })?;
    if served < sample.operations {
        return Err(wrong(format!("only {served} connections were seen")));
    }
    Ok(sample)
}

/// What the program itself has counted: operations, and seconds of processor time.
fn inside(process: &Process, length: Length) -> io::Result<Sample> {
    let words = process.expect("done", length.patience)?;
    let (operations, seconds) = two_numbers(&words)?;
    if seconds <= 0.0 {
        return Err(wrong("the program took no time"));
    }
    Ok(sample(Duration::from_secs_f64(seconds), operations as u64))
}

/// How late timers of the program were: their number, and the seconds of the worst.
fn late(process: &Process, length: Length) -> io::Result<Sample> {
    let words = process.expect("late", length.patience)?;
    let (timers, worst) = two_numbers(&words)?;
    Ok(Sample {
        cost: worst * 1e9,
        operations: timers as u64,
        ..Sample::default()
    })
}

/// A count above nothing, and what else there is.
fn two_numbers(words: &[String]) -> io::Result<(f64, f64)> {
    let number = |place: usize| words.get(place).and_then(|word| word.parse::<f64>().ok());
    match (number(0), number(1)) {
        (Some(first), Some(second)) if first > 0.0 && second >= 0.0 => Ok((first, second)),
        _ => Err(wrong(format!("the program counted {words:?}"))),
    }
}

/// The system calls for requests of `count` connections: what a run with them has more than one without.
fn calls(command: &Command, count: usize, length: Length) -> io::Result<Sample> {
    let (without, _) = traced(command, count, None)?;
    let (with, requests) = traced(command, count, Some(length.time))?;
    Ok(Sample {
        cost: with.saturating_sub(without) as f64 / requests as f64,
        operations: requests,
        ..Sample::default()
    })
}

/// The calls of a run in which connections are opened and, for `time`, ask; and how often they did.
fn traced(command: &Command, count: usize, time: Option<Duration>) -> io::Result<(u64, u64)> {
    let mut traced = Traced::start(command)?;
    let load = |process: &mut Process| {
        let server = Address::plain(server(process)?);
        let mut crowd = Crowd::open(&server, count, |client| Dialogue::lines(client, 1))?;
        let requests = time.map_or(Ok(0), |time| crowd.exchange(0..count, time))?;
        Ok((requests, crowd))
    };
    // The connections stay open to the end, so that their ends are in neither count.
    let (requests, _crowd) =
        load(traced.process()).map_err(|error| complained(error, traced.process()))?;
    Ok((traced.end()?, requests))
}

/// What the program costs more than a bare interpreter.
fn start(subject: &Subject, workload: &Workload, length: Length) -> io::Result<Sample> {
    let mut with_program = Duration::ZERO;
    let mut bare = Duration::ZERO;
    for _ in 0..length.starts {
        with_program += whole_life(subject.run(workload))?;
        bare += whole_life(subject.bare())?;
    }
    let more = with_program.saturating_sub(bare);
    Ok(sample(more, length.starts as u64))
}

fn whole_life(command: Command) -> io::Result<Duration> {
    with(Process::start(command)?, Process::whole_life)
}

/// The bytes of what [`Load::All`] sends, for whoever compares the peak memory with it.
pub(crate) fn payload(sample: &Sample) -> u64 {
    sample.operations * MEBIBYTE as u64
}
