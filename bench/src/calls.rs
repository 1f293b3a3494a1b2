//! How many system calls a program makes, counted by strace.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::load::wrong;
use crate::process::Process;

/// A program whose system calls are counted from its start to its end.
pub(crate) struct Traced {
    tracer: Process,
    summary: Summary,
}

/// The file that strace writes, removed when this is dropped.
struct Summary(PathBuf);

impl Drop for Summary {
    fn drop(&mut self) {
        // Not there if strace did not start.
        let _ = fs::remove_file(&self.0);
    }
}

impl Traced {
    pub(crate) fn start(program: &Command) -> io::Result<Traced> {
        let name = format!("bench-calls-{}", std::process::id());
        let summary = Summary(std::env::temp_dir().join(name));
        let mut strace = Command::new("strace");
        strace.args(["-f", "-c", "-o"]).arg(&summary.0).arg("--");
        strace.arg(program.get_program()).args(program.get_args());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => strace.env(name, value),
                None => strace.env_remove(name),
            };
        }
        if let Some(folder) = program.get_current_dir() {
            strace.current_dir(folder);
        }
        let tracer = Process::start(strace)
            .map_err(|error| wrong(format!("strace does not start: {error}")))?;
        Ok(Traced { tracer, summary })
    }

    /// What the program says goes through strace unchanged.
    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.tracer
    }

    /// Ends the program; how many calls it has made.
    pub(crate) fn end(mut self) -> io::Result<u64> {
        let tracer = self.tracer.id();
        let children = fs::read_to_string(format!("/proc/{tracer}/task/{tracer}/children"))?;
        for child in children.split_whitespace() {
            let pid = child.parse().ok().and_then(Pid::from_raw);
            let pid = pid.ok_or_else(|| wrong("a process has a number"))?;
            kill_process(pid, Signal::KILL)?;
        }
        self.tracer.wait()?;
        calls(&fs::read_to_string(&self.summary.0)?)
    }
}

/// The number of calls in a summary of strace: of all rows but the head, the rules and the total.
fn calls(summary: &str) -> io::Result<u64> {
    let rows = summary
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let is_row = words.last() != Some(&"total");
            words.get(3).filter(|_| is_row)?.parse::<u64>().ok()
        })
        .collect::<Vec<_>>();
    if rows.is_empty() {
        return Err(wrong("strace has counted nothing"));
    }
    Ok(rows.iter().sum())
}

#[cfg(test)]
mod tests {
    #[test]
    fn calls_are_added_up() {
        let summary = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 57.37    0.000471           2       200           sendto
 30.00    0.000100           1       210        10 recvfrom
------ ----------- ----------- --------- --------- ----------------
100.00    0.000571           3       410        10 total
";
        assert_eq!(super::calls(summary).unwrap(), 410);
        assert!(super::calls("").is_err());
    }
}
