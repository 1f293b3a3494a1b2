//! The least that any module in the rock's place can cost, on one Lua: the modules in C of `bench/floor`,
//! which run our own programs.

use std::env;
use std::process::Command;

use conformance::repository;

use crate::workload::Workload;

/// The subject's name.
pub(crate) const FLOOR: &str = "floor";

/// The workloads whose programs ask for no more than it has.
const WORKLOADS: &[&str] = &[
    "echo-1",
    "echo-10",
    "echo-100",
    "echo-900",
    "echo-5000",
    "echo-10000",
    "idle-0",
    "idle-900",
    "idle-10000",
    "lines-64",
    "lines-1024",
    "receive-16",
    "receive-65536",
    "accept",
    "connect",
    "udp-1",
    "udp-32",
    "udp-connected",
    "channel-pingpong",
    "channel-stream",
    "channel-burst",
    "channel-fan-in",
    "spawn",
    "sleep-1",
    "sleep-1000",
    "parked-2000",
    "parked-20000",
    "timers-1000",
    "timers-10000",
    "timers-100000",
    "memory-task",
    "memory-connection",
];

pub(crate) fn has(workload: &Workload) -> bool {
    WORKLOADS.contains(&workload.name)
}

/// Compiles it, beside this program; where Lua finds it, or why it cannot be had.
pub(crate) fn build() -> Result<String, String> {
    let own = env::current_exe().expect("a process knows its program");
    let folder = own.with_file_name(FLOOR);
    let build = Command::new(repository().join("bench/floor/build"))
        .arg(&folder)
        .output()
        .map_err(|error| error.to_string())?;
    if !build.status.success() {
        let text = String::from_utf8_lossy(&build.stderr);
        return Err(text.lines().next().unwrap_or("fails").to_string());
    }
    Ok(folder.join("?.so").display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::ALL;

    #[test]
    fn every_workload_of_it_is_there() {
        for name in WORKLOADS {
            assert!(ALL.iter().any(|workload| workload.name == *name), "{name}");
        }
    }
}
