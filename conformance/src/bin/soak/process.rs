//! What the system says about a process: memory, processor time, descriptors, limits.

use std::fs;
use std::io;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Resident memory of process `pid` in KiB.
///
/// # Errors
///
/// When the process has ended.
pub(crate) fn resident_kib(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok());
    number.ok_or_else(|| io::Error::other(format!("process {pid} has no memory")))
}

/// Processor time, user and system, that process `pid` has used; the kernel counts in steps of
/// usually 10 ms.
///
/// # Errors
///
/// When the process has ended.
pub(crate) fn processor_time(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything; user and system time are the 12th and 13th field
    // after it.
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_secs_f64(ticks as f64 / per_second as f64))
}

/// Number of open descriptors of process `pid`.
///
/// # Errors
///
/// When the process has ended.
pub(crate) fn descriptors(pid: u32) -> io::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

/// Makes sure that this process, and those it starts, may open `wanted` descriptors.
///
/// Returns the former limit if it had to be raised.
///
/// # Errors
///
/// A sentence if the system does not allow it.
pub(crate) fn allow_descriptors(wanted: u64) -> Result<Option<u64>, String> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(current) = current.filter(|&current| current < wanted) else {
        return Ok(None);
    };
    // Beyond the hard limit only a privileged process may go.
    let maximum = maximum.map(|maximum| maximum.max(wanted));
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(wanted),
            maximum,
        },
    )
    .map_err(|error| {
        format!("{wanted} descriptors are needed, {current} allowed, and not more: {error}")
    })?;
    Ok(Some(current))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::time::Instant;

    #[test]
    fn own_memory_grows_with_what_is_touched() {
        let pid = std::process::id();
        let before = resident_kib(pid).unwrap();
        let block = vec![1_u8; 64 << 20];
        let grown = resident_kib(pid).unwrap();
        assert!(block.iter().all(|&byte| byte == 1));
        assert!(
            grown > before + (48 << 10),
            "{before} KiB, then {grown} KiB"
        );
    }

    #[test]
    fn own_processor_time_passes_while_working() {
        let pid = std::process::id();
        let before = processor_time(pid).unwrap();
        let limit = Instant::now() + Duration::from_secs(60);
        while processor_time(pid).unwrap() < before + Duration::from_millis(50) {
            assert!(
                Instant::now() < limit,
                "no processor time after a minute of work"
            );
        }
    }

    #[test]
    fn a_missing_process_is_an_error() {
        let pid = i32::MAX as u32;
        assert!(resident_kib(pid).is_err());
        assert!(processor_time(pid).is_err());
        assert!(descriptors(pid).is_err());
    }

    #[test]
    fn descriptors_are_counted() {
        // Other tests of this process open descriptors as well, so many are opened here.
        let pid = std::process::id();
        let many: Vec<_> = (0..300)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
            .collect();
        assert!(descriptors(pid).unwrap() >= 300);
        drop(many);
    }
}
