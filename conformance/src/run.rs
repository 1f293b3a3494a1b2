//! Runs a program with a time limit, or keeps one running and talks to it. Whatever goes wrong is
//! reported with the command, how it ended, and all that it wrote.

use std::fmt::{self, Write as _};
use std::io::{BufRead, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// When a program counts as hung. Generous: a memory checker or an eager collector slows it down.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself or by a signal.
    Ended(ExitStatus),
    /// We killed it after this long.
    TimedOut(Duration),
}

/// A program that has ended, and what it wrote.
#[derive(Debug)]
pub struct Output {
    /// The command as started.
    pub command: String,
    /// How it ended.
    pub ending: Ending,
    /// All of its standard output; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    /// All of its standard error, likewise.
    pub stderr: String,
    /// From start to end, on the monotonic clock.
    pub elapsed: Duration,
}

/// Runs `command` to its end, with nothing on its standard input, and kills it after `limit`.
///
/// # Panics
///
/// If it cannot be started.
pub fn run(command: Command, limit: Duration) -> Output {
    let mut session = Session::start(command);
    session.hang_up();
    session.finish(limit)
}

impl Output {
    /// The lines of standard output.
    pub fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }

    /// Its exit code; none when a signal or the time limit ended it.
    pub fn code(&self) -> Option<i32> {
        match self.ending {
            Ending::Ended(status) => status.code(),
            Ending::TimedOut(_) => None,
        }
    }

    /// Panics with the full report unless `holds`.
    #[track_caller]
    pub fn check(&self, holds: bool, claim: impl fmt::Display) {
        assert!(holds, "not so: {claim}\n{self}");
    }

    /// Panics with the full report unless it ended with exit code 0 and wrote nothing to stderr.
    #[track_caller]
    pub fn check_success(&self) {
        self.check(self.code() == Some(0), "it ends with exit code 0");
        self.check(self.stderr.is_empty(), "it writes nothing to stderr");
    }
}

impl fmt::Display for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "command: {}", self.command)?;
        match self.ending {
            Ending::Ended(status) => writeln!(formatter, "ended: {status}")?,
            Ending::TimedOut(limit) => writeln!(formatter, "killed after {limit:?}")?,
        }
        writeln!(formatter, "elapsed: {:?}", self.elapsed)?;
        writeln!(formatter, "stdout:\n{}", indented(&self.stdout))?;
        writeln!(formatter, "stderr:\n{}", indented(&self.stderr))
    }
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |mut indented, line| {
        let _ = writeln!(indented, "    {line}");
        indented
    })
}

/// A program that is running. Dropping it kills the program.
pub struct Session {
    command: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Capture,
    stderr: Capture,
    started: Instant,
}

impl Session {
    /// Starts `command` with its three streams in our hands.
    ///
    /// # Panics
    ///
    /// If it cannot be started, naming the program.
    pub fn start(mut command: Command) -> Session {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("{command:?}: {error} (ci/setup installs what the tests run)")
        });
        let stdin = child.stdin.take();
        let stdout = Capture::of(child.stdout.take().expect("stdout is piped"));
        let stderr = Capture::of(child.stderr.take().expect("stderr is piped"));
        Session {
            command: format!("{command:?}"),
            child,
            stdin,
            stdout,
            stderr,
            started,
        }
    }

    /// The next line of standard output. A stock interpreter holds back what it writes to a pipe,
    /// so a program that is listened to must flush or set its buffering.
    ///
    /// # Panics
    ///
    /// If none comes within `limit`, with the full report.
    #[track_caller]
    pub fn next_line(&mut self, limit: Duration) -> String {
        match self.stdout.next_line(limit) {
            Ok(line) => line,
            Err(_) => {
                let output = self.end(Duration::ZERO);
                panic!("not so: another line comes within {limit:?}\n{output}")
            }
        }
    }

    /// Writes a line to standard input.
    ///
    /// # Panics
    ///
    /// If the program does not read any more.
    pub fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("standard input is open");
        // In one piece: some programs take the first half of a line for a line.
        let line = format!("{line}\n");
        let written = stdin.write_all(line.as_bytes());
        written.unwrap_or_else(|error| panic!("{}: {error}", self.command));
    }

    /// Closes standard input.
    pub fn hang_up(&mut self) {
        self.stdin = None;
    }

    /// Sends SIGINT, as Ctrl-C does.
    ///
    /// # Panics
    ///
    /// If the system refuses.
    pub fn interrupt(&self) {
        // We have not waited for the child, so its number is still its own.
        let child = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(child, rustix::process::Signal::INT)
            .unwrap_or_else(|error| panic!("{}: {error}", self.command));
    }

    /// Waits until it ends, at most `limit` from now, and kills it then.
    pub fn finish(mut self, limit: Duration) -> Output {
        self.end(limit)
    }

    fn end(&mut self, limit: Duration) -> Output {
        let deadline = Instant::now() + limit;
        // Its streams end with it; so this waits, without polling, for all but odd programs.
        let silent = self.stdout.read_until_end(deadline) && self.stderr.read_until_end(deadline);
        let ending = match self.wait_until(deadline) {
            Some(status) => Ending::Ended(status),
            None => {
                self.kill();
                Ending::TimedOut(self.started.elapsed())
            }
        };
        let elapsed = self.started.elapsed();
        if !silent {
            // A child of its own may hold the streams open: take what is there.
            let grace = Instant::now() + Duration::from_secs(1);
            self.stdout.read_until_end(grace);
            self.stderr.read_until_end(grace);
        }
        Output {
            command: self.command.clone(),
            ending,
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
            elapsed,
        }
    }

    fn wait_until(&mut self, deadline: Instant) -> Option<ExitStatus> {
        loop {
            let status = self
                .child
                .try_wait()
                .expect("we may wait for our own child");
            if status.is_some() || Instant::now() >= deadline {
                return status;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn kill(&mut self) {
        // Fails only when it has ended, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One stream, read by a thread of its own so that the program never waits for us.
struct Capture {
    incoming: Receiver<Vec<u8>>,
    all: Vec<u8>,
}

impl Capture {
    fn of(stream: impl Read + Send + 'static) -> Capture {
        let (sender, incoming) = mpsc::channel();
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream
                .read_until(b'\n', &mut line)
                .is_ok_and(|count| count > 0)
            {
                if sender.send(std::mem::take(&mut line)).is_err() {
                    break;
                }
            }
        });
        Capture {
            incoming,
            all: Vec::new(),
        }
    }

    fn next_line(&mut self, limit: Duration) -> Result<String, RecvTimeoutError> {
        let line = self.incoming.recv_timeout(limit)?;
        self.all.extend_from_slice(&line);
        Ok(String::from_utf8_lossy(&line)
            .trim_end_matches('\n')
            .to_owned())
    }

    /// Whether the stream ended before `deadline`.
    fn read_until_end(&mut self, deadline: Instant) -> bool {
        loop {
            match self.next_line(deadline.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => return true,
            }
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.all).into_owned()
    }
}
