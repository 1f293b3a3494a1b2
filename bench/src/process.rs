//! A process under test: what it says, what it uses.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// A started program. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    complaint: Option<JoinHandle<String>>,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> io::Result<Process> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().expect("it is piped");
        let mut errors = child.stderr.take().expect("it is piped");
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let complaint = thread::spawn(move || {
            let mut text = Vec::new();
            // What could be read until then is what there is to say.
            let _ = errors.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        Ok(Process {
            child,
            lines,
            complaint: Some(complaint),
        })
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end, however it is.
    pub(crate) fn wait(&mut self) -> io::Result<()> {
        self.child.wait().map(drop)
    }

    /// The next line that it prints, split into words, of which the first must be `word`.
    pub(crate) fn expect(&self, word: &str, patience: Duration) -> io::Result<Vec<String>> {
        let line = self.lines.recv_timeout(patience).map_err(|error| {
            io::Error::other(match error {
                RecvTimeoutError::Timeout => format!("not {word} within {} s", patience.as_secs()),
                RecvTimeoutError::Disconnected => format!("ended before it was {word}"),
            })
        })?;
        let mut words = line.split_whitespace().map(str::to_string);
        if words.next().as_deref() != Some(word) {
            return Err(io::Error::other(format!("said \"{line}\", not {word}")));
        }
        Ok(words.collect())
    }

    /// Lets it go on where it reads a line.
    pub(crate) fn tell(&mut self) -> io::Result<()> {
        let mut input = self.child.stdin.as_ref().expect("it is piped");
        input.write_all(b"\n")
    }

    /// The processor time that its threads have used.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            let first = text.split_whitespace().next().unwrap_or_default();
            nanoseconds += first.parse::<u64>().map_err(io::Error::other)?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// A figure of its memory in bytes: `VmRSS` is what it has now, `VmHWM` the most that it had.
    pub(crate) fn memory(&self, key: &str) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let kib = line
            .and_then(|rest| rest.trim_matches([':', '\t', ' ']).split(' ').next())
            .and_then(|number| number.trim().parse::<u64>().ok())
            .ok_or_else(|| io::Error::other(format!("no {key}")))?;
        Ok(kib * 1024)
    }

    /// Waits for its end, which must be a success, and tells the processor time of its life.
    pub(crate) fn whole_life(&mut self) -> io::Result<Duration> {
        let pid = Pid::from_child(&self.child);
        // It stays a zombie, whose figures can still be read.
        waitid(
            WaitId::Pid(pid),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        )?;
        let used = self.cpu()?;
        let status = self.child.wait()?;
        if !status.success() {
            return Err(io::Error::other(status.to_string()));
        }
        Ok(used)
    }

    /// Ends it; what it complained of, in one line, if it did.
    pub(crate) fn complaint(&mut self) -> Option<String> {
        self.end();
        let text = self.complaint.take()?.join().ok()?;
        let line = text.lines().find(|line| !line.trim().is_empty())?;
        Some(line.trim().to_string())
    }

    fn end(&mut self) {
        // Neither fails but for one that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
