//! Running a command line in the runner and in the stock interpreter, and comparing the two.
//!
//! Both get the same `argv[0]`, environment, directory and input. What may still differ is taken out
//! in [`comparable`], and nothing else: the line that names the release, the runner's own options in
//! the usage, LuaJIT's `-b` there, addresses, and what 5.2 prints at random.

mod running;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use running::collect;
pub(crate) use running::{Running, wait_until_busy};

/// The stock interpreter of the version that the features chose.
pub(crate) const STOCK: &str = if cfg!(feature = "lua51") {
    "lua5.1"
} else if cfg!(feature = "lua52") {
    "lua5.2"
} else if cfg!(feature = "lua53") {
    "lua5.3"
} else if cfg!(feature = "lua54") {
    "lua5.4"
} else if cfg!(feature = "lua55") {
    "lua5.5"
} else {
    "luajit"
};

/// Stands in for the stock interpreter where none is packaged.
const PLAIN: Option<&str> = option_env!("CARGO_BIN_EXE_lua");

/// What the runner's usage has more than the stock one.
const OWN_USAGE: &str = "\
cosock is built in:
  doctor [lua]  first word: tells what a program gets that requires cosock, here and in lua
  --install-coroutine  first make coroutine.wrap and resume pass cosock's waits on
  --install-pcall      first make pcall and xpcall let waits pass, as only 5.1 does not
  -h, --help           show this help and exit
";

/// What LuaJIT's usage has more than the runner's.
const BYTECODE_USAGE: &str = "  -b ...    Save or list bytecode.\n";

/// Who runs a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Runner,
    Stock,
}

impl Subject {
    /// The program itself.
    pub(crate) fn path(self) -> PathBuf {
        match self {
            Subject::Runner => PathBuf::from(env!("CARGO_BIN_EXE_cosock")),
            Subject::Stock => {
                let paths = std::env::var_os("PATH").unwrap_or_default();
                std::env::split_paths(&paths)
                    .map(|directory| directory.join(STOCK))
                    .find(|path| path.is_file())
                    .or(PLAIN.map(PathBuf::from))
                    .unwrap_or_else(|| panic!("{STOCK} is not installed; ci/setup installs it"))
            }
        }
    }

    /// The release that it names when asked with `-v`.
    fn release(self) -> &'static str {
        static RELEASES: [OnceLock<String>; 2] = [const { OnceLock::new() }; 2];
        RELEASES[self as usize].get_or_init(|| {
            let ending = Case::new().args(["-v"]).run(self);
            let line = ending.stdout + &ending.stderr;
            let line = line.strip_suffix('\n').expect("-v prints a line");
            let (name, mark) = match STOCK {
                "luajit" => ("LuaJIT 2.1.", " -- Copyright (C) "),
                _ => ("Lua 5.", "  Copyright (C) "),
            };
            assert!(line.starts_with(name) && line.contains(mark), "{line}");
            line.to_owned()
        })
    }
}

/// A command line and everything around it.
#[derive(Clone)]
pub(crate) struct Case {
    arguments: Vec<OsString>,
    variables: HashMap<OsString, OsString>,
    input: Vec<u8>,
    directory: Arc<Directory>,
}

/// A directory that goes away with the last case that uses it, but stays when a test fails.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        if !thread::panicking() {
            // Nothing depends on its going away.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

impl Case {
    /// No arguments, no input, an empty directory of its own, and module paths that lead nowhere else.
    pub(crate) fn new() -> Case {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("runner")
            .join(name);
        std::fs::create_dir_all(&directory).expect("the directory of the case");
        let case = Case {
            arguments: Vec::new(),
            variables: HashMap::new(),
            input: Vec::new(),
            directory: Arc::new(Directory(directory)),
        };
        case.variable("LUA_PATH", "./?.lua")
            .variable("LUA_CPATH", "./?.so")
            .variable("TERM", "dumb")
    }

    /// Adds arguments.
    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Case {
        self.arguments.extend(
            arguments
                .into_iter()
                .map(|argument| argument.as_ref().to_owned()),
        );
        self
    }

    /// Sets an environment variable. There are no others, but for the three of [`Case::new`].
    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Case {
        self.variables
            .insert(name.into(), value.as_ref().to_owned());
        self
    }

    /// Sets what comes from standard input.
    pub(crate) fn input(mut self, input: impl AsRef<[u8]>) -> Case {
        self.input = input.as_ref().to_owned();
        self
    }

    /// Puts a file into the directory.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Case {
        std::fs::write(self.directory.0.join(name), content).expect("a file of the case");
        self
    }

    /// The command, with its streams still to be chosen.
    pub(crate) fn command(&self, subject: Subject) -> Command {
        let mut command = Command::new(subject.path());
        command
            .arg0("lua")
            .args(&self.arguments)
            .env_clear()
            .envs(&self.variables)
            .current_dir(&self.directory.0);
        command
    }

    /// Starts it with pipes.
    pub(crate) fn start(&self, subject: Subject) -> Running {
        self.start_as(subject, self.command(subject))
    }

    /// The same, with a command of [`Case::command`] that has been changed.
    pub(crate) fn start_as(&self, subject: Subject, mut command: Command) -> Running {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Running {
            child: command.spawn().expect("the program starts"),
            subject,
            case: self.clone(),
        }
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, subject: Subject) -> Ending {
        let mut running = self.start(subject);
        let mut pipe = running.child.stdin.take().expect("a pipe");
        let input = self.input.clone();
        // A program that does not read all of its input is none of our business.
        let writer = thread::spawn(move || drop(pipe.write_all(&input)));
        let ending = running.end();
        writer.join().expect("the writer does not panic");
        ending
    }

    /// Runs it to its end with both outputs in one stream, which is `stdout` then.
    fn run_in_one_stream(&self, subject: Subject) -> Ending {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut command = self.command(subject);
        let again = writer.try_clone().expect("the pipe's end again");
        command.stdin(Stdio::null()).stdout(writer).stderr(again);
        let child = command.spawn().expect("the program starts");
        // Holds the pipe's end open.
        drop(command);
        let reader = collect(reader);
        let mut ending = Running {
            child,
            subject,
            case: self.clone(),
        }
        .end();
        ending.stdout = reader.join().expect("the reader does not panic");
        ending
    }

    /// As [`Case::assert_same`], where the order of output and errors counts too.
    #[track_caller]
    pub(crate) fn assert_same_in_one_stream(&self) -> Ending {
        let [ours, stock] =
            [Subject::Runner, Subject::Stock].map(|subject| self.run_in_one_stream(subject));
        assert_same_ending(&ours, &stock);
        ours
    }

    /// Runs it in both and wants the same ending, which it returns for claims about it.
    #[track_caller]
    pub(crate) fn assert_same(&self) -> Ending {
        let (ours, stock) = (self.run(Subject::Runner), self.run(Subject::Stock));
        assert_same_ending(&ours, &stock);
        ours
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case {
            arguments,
            variables,
            input,
            directory,
        } = self;
        write!(
            out,
            "{arguments:?}\nwith {variables:?}\nin {}",
            directory.0.display()
        )?;
        write!(out, "\nreading \"{}\"", input.escape_ascii())
    }
}

/// Wants two endings to be the same, but for what [`Ending::comparable`] takes out.
#[track_caller]
pub(crate) fn assert_same_ending(ours: &Ending, stock: &Ending) {
    assert!(
        ours.comparable() == stock.comparable(),
        "the runner differs from {STOCK}\n== the runner\n{ours}\n== {STOCK}\n{stock}",
    );
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ending {
    subject: Subject,
    case: Case,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ending {
    /// Status, output and errors, where everything that may differ has become the same.
    fn comparable(&self) -> (ExitStatus, String, String) {
        let clean = |text| comparable(self.subject, text);
        (self.status, clean(&self.stdout), clean(&self.stderr))
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ending {
            case,
            status,
            stdout,
            stderr,
            ..
        } = self;
        writeln!(
            out,
            "{case:?}\n{status}\n-- stdout\n{stdout}\n-- stderr\n{stderr}"
        )
    }
}

/// Makes text the same that may differ between the subjects.
pub(crate) fn comparable(subject: Subject, text: &str) -> String {
    // The call that finds out the release has nothing to compare yet.
    let mut text = text.replace(subject.release(), "RELEASE");
    if text.contains("Available options are:") {
        let extra = if subject == Subject::Runner {
            OWN_USAGE
        } else {
            BYTECODE_USAGE
        };
        text = text.replacen(extra, "", 1);
    }
    if cfg!(feature = "lua52") {
        // It takes whichever name of a global function it meets first, in an order that is random.
        text = text.replace("in function '_G.", "in function '");
    }
    without_addresses(&text)
}

/// Replaces `0x...` by `0x`.
fn without_addresses(text: &str) -> String {
    let mut parts = text.split("0x");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result.push_str("0x");
        result.push_str(part.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
    }
    result
}
