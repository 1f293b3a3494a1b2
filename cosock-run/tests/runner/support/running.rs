//! A program while it runs: signals, and waiting for what it does.

use std::io::Read;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use super::{Case, Ending, Subject};

/// How long anything may take that should happen by itself. Far more than any of it needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that has been started. It does not outlive this.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(super) subject: Subject,
    pub(super) case: Case,
}

impl Running {
    /// Reads standard output up to `text`.
    pub(crate) fn wait_for(&mut self, text: &str) {
        let output = self.child.stdout.as_mut().expect("a pipe");
        let mut seen = Vec::new();
        while !seen.ends_with(text.as_bytes()) {
            let mut byte = [0];
            let count = output.read(&mut byte).expect("the output can be read");
            assert!(
                count == 1,
                "no {text:?} in {:?}",
                String::from_utf8_lossy(&seen)
            );
            seen.push(byte[0]);
        }
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: i32) {
        let id = self.child.id().try_into().expect("a process number");
        // SAFETY: the child has not been waited for, so that the number is still its own.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0);
    }

    /// Waits until the program waits for something, such as its input.
    pub(crate) fn wait_until_asleep(&self) {
        let id = self.child.id();
        wait_until("it waits for something", || stat(id)[0] == "S");
    }

    /// Waits until the program has been computing for a while.
    pub(crate) fn wait_until_busy(&self) {
        wait_until_busy(self.child.id());
    }

    /// Waits for the end; standard input stays as it is.
    pub(crate) fn end(mut self) -> Ending {
        let stdout = self.child.stdout.take().map(collect);
        let stderr = self.child.stderr.take().map(collect);
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the child can be waited for") {
                break status;
            }
            assert!(
                Instant::now() < deadline,
                "{:?} does not end: {:?}",
                self.subject,
                self.case
            );
            thread::sleep(Duration::from_millis(1));
        };
        let text = |reader: Option<thread::JoinHandle<String>>| {
            reader
                .map(|reader| reader.join().expect("the reader does not panic"))
                .unwrap_or_default()
        };
        Ending {
            subject: self.subject,
            case: self.case.clone(),
            status,
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails when it has ended, as it should.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a process has used 30 ms of a processor from now on: what it did before the loop that it
/// is in by then takes far less.
pub(crate) fn wait_until_busy(id: u32) {
    let used = || stat(id)[11].parse::<u64>().expect("clock ticks");
    let start = used();
    wait_until("it computes", || used() >= start + 3);
}

/// What the system tells of a process, from its state on (item 3 of `proc_pid_stat(5)`).
fn stat(id: u32) -> Vec<String> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("the process is there");
    let (_, rest) = text.rsplit_once(") ").expect("a name in parentheses");
    rest.split(' ').map(str::to_owned).collect()
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not yet so: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Reads a stream to its end.
pub(super) fn collect(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream
            .read_to_end(&mut bytes)
            .expect("the stream can be read");
        // Distinct bytes stay distinct, whether or not they are UTF-8.
        match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => error.as_bytes().escape_ascii().to_string(),
        }
    })
}
