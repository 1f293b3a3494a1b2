//! What there is to compare: the documented examples, and the scenarios of `conformance/lua/parity`.
//!
//! A scenario begins with its header, of comments: `claim` says in a line what it shows, `chapter`
//! where it stands, `source` who documents it, `covers` (in as many lines as it takes) the names and
//! rows of `conformance/data` that it tests.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::fingerprint::Fingerprint;
use super::trace::Trace;
use crate::examples::{self, Example};
use crate::interpreter::Lua;
use crate::repository;
use crate::run::{Ending, PATIENCE, run};
use crate::subject::Subject;

/// A part of the report.
#[derive(Debug, PartialEq, Eq)]
pub struct Chapter {
    /// What scenarios call it.
    pub name: &'static str,
    /// What people read.
    pub title: &'static str,
}

/// Every chapter, in the order of the report.
#[rustfmt::skip]
pub const CHAPTERS: [Chapter; 12] = [
    Chapter { name: "examples", title: "The documented examples" },
    Chapter { name: "tasks", title: "Tasks, run and errors" },
    Chapter { name: "waits", title: "Waiting: select, yields, wakers, timeouts" },
    Chapter { name: "channels", title: "Channels" },
    Chapter { name: "tcp", title: "TCP" },
    Chapter { name: "udp", title: "UDP" },
    Chapter { name: "socket", title: "Functions of the socket module" },
    Chapter { name: "tls", title: "TLS" },
    Chapter { name: "http", title: "HTTP and HTTPS" },
    Chapter { name: "asyncify", title: "asyncify" },
    Chapter { name: "modules", title: "Modules, names and internals" },
    Chapter { name: "programs", title: "Patterns of real programs" },
];

/// One program that any cosock runs, and what it is for.
pub struct Scenario {
    /// Its file's name, without the ending.
    pub name: String,
    /// Where it stands.
    pub chapter: &'static Chapter,
    /// What it shows, in a line.
    pub claim: String,
    /// Who documents that.
    pub source: String,
    /// The names and rows of `conformance/data` that it tests.
    pub covers: Vec<String>,
    /// What is run.
    pub program: Program,
    /// The program's text.
    pub text: String,
}

/// What is run for a scenario.
pub enum Program {
    /// A documented example, of which facts are found out.
    Example(&'static Example),
    /// A script that prints its trace.
    Script(PathBuf),
}

/// What one run showed.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its lines, or facts.
    pub trace: Trace,
    /// All that it wrote, for people.
    pub report: String,
    /// How long it took.
    pub elapsed: Duration,
}

/// Why a run showed nothing.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// What kind it is.
    pub kind: TroubleKind,
    /// The full report.
    pub report: String,
}

/// What can go wrong with a run as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// It did not end.
    TimedOut,
    /// A signal ended it.
    Crashed,
    /// What it wrote is no trace.
    NoTrace,
}

/// Every scenario, chapter by chapter.
///
/// # Panics
///
/// If one cannot be read or its header is wrong.
pub fn scenarios() -> &'static [Arc<Scenario>] {
    static ALL: OnceLock<Vec<Arc<Scenario>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let examples = examples::ALL.iter().map(Scenario::of_example);
        let directory = repository().join("conformance/lua/parity");
        let entries =
            fs::read_dir(&directory).unwrap_or_else(|error| panic!("{directory:?}: {error}"));
        let mut files: Vec<PathBuf> = entries
            .map(|entry| entry.expect("a readable directory").path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "lua"))
            .collect();
        files.sort();
        let scripts = files.iter().map(|path| Scenario::of_script(path));
        let mut all: Vec<_> = examples.chain(scripts).map(Arc::new).collect();
        all.sort_by_key(|scenario| scenario.chapter.place());
        all
    })
}

impl Scenario {
    /// The scenario in a file.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn at(path: &Path) -> Arc<Scenario> {
        let path = fs::canonicalize(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let found = scenarios()
            .iter()
            .find(|scenario| fs::canonicalize(scenario.path()).is_ok_and(|its| its == path));
        Arc::clone(found.unwrap_or_else(|| panic!("{path:?} holds no scenario")))
    }

    fn of_example(example: &'static Example) -> Scenario {
        Scenario {
            name: example.name.to_owned(),
            chapter: &CHAPTERS[0],
            claim: example.claim.to_owned(),
            source: format!("the book: {}", example.source),
            covers: Vec::new(),
            program: Program::Example(example),
            text: read(&example.path()),
        }
    }

    fn of_script(path: &Path) -> Scenario {
        let text = read(path);
        let mut header = Header::parse(&text).unwrap_or_else(|why| panic!("{path:?}: {why}"));
        let chapter = header.take("chapter");
        let chapter = CHAPTERS.iter().find(|known| known.name == chapter);
        let stem = path.file_stem().expect("a scenario is a file");
        Scenario {
            name: stem.to_string_lossy().into_owned(),
            chapter: chapter.unwrap_or_else(|| panic!("{path:?}: no such chapter")),
            claim: header.take("claim"),
            source: header.take("source"),
            covers: header
                .take("covers")
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            program: Program::Script(path.to_owned()),
            text,
        }
    }

    /// `chapter/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.chapter.name, self.name)
    }

    /// The program's file.
    pub fn path(&self) -> PathBuf {
        match &self.program {
            Program::Example(example) => example.path(),
            Program::Script(path) => path.clone(),
        }
    }

    /// Runs it once.
    ///
    /// # Errors
    ///
    /// If it shows nothing that could be compared.
    pub fn run(&self, lua: Lua, subject: Subject) -> Result<Seen, Trouble> {
        // Builds what is not built yet, which takes no part of the time.
        drop(subject.command(lua));
        let started = Instant::now();
        let (trace, report) = match &self.program {
            Program::Example(example) => look_at(example, lua, subject)?,
            Program::Script(path) => trace_of(path, lua, subject)?,
        };
        Ok(Seen {
            trace,
            report,
            elapsed: started.elapsed(),
        })
    }

    /// Tells whether what is run has changed: of the program's code and of the support files that it
    /// requires, without comments.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut print = Fingerprint::new();
        let mut files = vec![self.path()];
        let mut next = 0;
        while let Some(file) = files.get(next).cloned() {
            next += 1;
            let text = read(&file);
            for line in text
                .lines()
                .filter(|line| !line.trim_start().starts_with("--"))
            {
                print.take(line.as_bytes());
                print.take(b"\n");
                let support = required_support(line, &file);
                files.extend(
                    support
                        .filter(|file| !files.contains(file))
                        .collect::<Vec<_>>(),
                );
            }
        }
        print.value()
    }
}

impl Chapter {
    /// Where it stands in the report.
    pub fn place(&self) -> usize {
        let place = CHAPTERS.iter().position(|other| other == self);
        place.expect("every chapter is in the list")
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// The files of this repository that a line requires by a literal name, or names as to be asyncified.
fn required_support<'a>(line: &'a str, from: &'a Path) -> impl Iterator<Item = PathBuf> + 'a {
    let required = line.split("require").skip(1).filter_map(|rest| {
        let rest = rest.trim_start_matches([' ', '(']);
        rest.strip_prefix('"')?.split('"').next()
    });
    let quoted = line.split('"').skip(1).step_by(2);
    let asyncified = quoted.filter(|name| name.starts_with("asyncified."));
    required.chain(asyncified).flat_map(move |name| {
        let file = format!("{}.lua", name.replace('.', "/"));
        let places = [
            repository().join("conformance/lua").join(&file),
            from.with_file_name(&file),
        ];
        places.into_iter().find(|place| place.is_file())
    })
}

fn look_at(example: &Example, lua: Lua, subject: Subject) -> Result<(Trace, String), Trouble> {
    let facts = panic::catch_unwind(AssertUnwindSafe(|| example.look(lua, subject)));
    let facts = facts.map_err(|payload| Trouble {
        kind: TroubleKind::NoTrace,
        report: payload
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_else(|| "its check broke off".to_owned()),
    })?;
    let mut trace = Trace::default();
    for (name, holds) in &facts.holds {
        trace.set(name, if *holds { "holds" } else { "does not hold" });
    }
    Ok((trace, facts.reports))
}

/// Runs a script and reads its trace; how it ended is a line of it too.
fn trace_of(path: &Path, lua: Lua, subject: Subject) -> Result<(Trace, String), Trouble> {
    let output = run(subject.script(lua, path), PATIENCE);
    let report = output.to_string();
    let Some(code) = output.code() else {
        let kind = match output.ending {
            Ending::TimedOut(_) => TroubleKind::TimedOut,
            Ending::Ended(_) => TroubleKind::Crashed,
        };
        return Err(Trouble { kind, report });
    };
    let mut trace = Trace::parse(&output.stdout).map_err(|why| Trouble {
        kind: TroubleKind::NoTrace,
        report: format!("{why}\n{report}"),
    })?;
    trace.set("exit", &code.to_string());
    Ok((trace, report))
}

/// The comments at the beginning of a script, by their keys.
struct Header(BTreeMap<String, String>);

impl Header {
    fn parse(text: &str) -> Result<Header, String> {
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        for line in text.lines().map_while(|line| line.strip_prefix("--")) {
            let Some((key, value)) = line.trim().split_once(": ") else {
                break;
            };
            if !["claim", "chapter", "source", "covers"].contains(&key) {
                break;
            }
            let field = fields.entry(key.to_owned()).or_default();
            if !field.is_empty() && key != "covers" {
                return Err(format!("\"{key}\" comes twice"));
            }
            field.push(' ');
            field.push_str(value.trim());
        }
        for key in ["claim", "chapter", "source"] {
            if !fields.contains_key(key) {
                return Err(format!("the header has no line \"-- {key}: ...\""));
            }
        }
        Ok(Header(fields))
    }

    fn take(&mut self, key: &str) -> String {
        self.0.remove(key).unwrap_or_default().trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_is_read_to_its_end() {
        let text = "-- claim: it works\n-- chapter: tcp\n-- source: a book\n-- covers: a b\n\
                    -- covers: c\n-- Note: no field\nlocal x\n";
        let mut header = Header::parse(text).unwrap();
        assert_eq!(header.take("claim"), "it works");
        assert_eq!(header.take("covers"), "a b c");
        assert!(Header::parse("-- claim: it works\n-- chapter: tcp\n").is_err());
        assert!(Header::parse("-- claim: a\n-- claim: b\n-- chapter: c\n-- source: d\n").is_err());
    }

    #[test]
    fn support_is_found_by_its_name() {
        let here = repository().join("conformance/lua/parity/x.lua");
        let found = |line: &str| required_support(line, &here).collect::<Vec<_>>();
        let trace = repository().join("conformance/lua/trace.lua");
        assert_eq!(found("local trace = require \"trace\""), [trace]);
        let plain = repository().join("conformance/lua/asyncified/plain.lua");
        assert_eq!(found("claim(\"a\", look, \"asyncified.plain\")"), [plain]);
        assert!(found("local cosock = require(\"cosock\")").is_empty());
    }

    #[test]
    fn every_scenario_has_a_name_of_its_own() {
        let mut names: Vec<&str> = scenarios()
            .iter()
            .map(|scenario| scenario.name.as_str())
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
