//! Who is measured, and where it is found.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use conformance::matrix::Fingerprint;
use conformance::{DIST, Lua, REFERENCE};

use crate::floor::{self, FLOOR};
use crate::workload::Workload;

/// An implementation under test.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) version: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// An interpreter with variables for it, and the folder of the subject's programs.
    Lua {
        interpreter: PathBuf,
        variables: Vec<(&'static str, String)>,
        programs: PathBuf,
    },
    /// The server without Lua.
    Raw,
}

/// What the program without Lua knows.
const RAW: &[&str] = &[
    "echo",
    "accept",
    "lines",
    "records",
    "all",
    "bulk",
    "udp",
    "udp-connected",
    "connect",
    "tls-accept",
    "tls-echo",
    "tls-send",
    "tls-receive",
    "http-server",
    "http-client",
];

/// A library that somebody else has made.
struct Peer {
    name: &'static str,
    /// The folder of its programs.
    programs: &'static str,
    /// The variable that may name a checkout of it, where there is one; else the interpreter finds it.
    checkout: Option<&'static str>,
    /// Lua that loads it and prints its version.
    question: &'static str,
}

const PEERS: [Peer; 4] = [
    Peer {
        name: "rock",
        programs: "cosock",
        checkout: Some(REFERENCE),
        question: "require 'cosock' print('cosock on', require 'socket'._VERSION)",
    },
    Peer {
        name: "copas",
        programs: "copas",
        checkout: Some("COPAS_REFERENCE"),
        question: "print(require 'copas'._VERSION)",
    },
    Peer {
        name: "cqueues",
        programs: "cqueues",
        checkout: None,
        question: "print('cqueues', require 'cqueues'.VERSION) require 'cqueues.socket'",
    },
    Peer {
        name: "luv",
        programs: "luv",
        checkout: None,
        question: "print('libuv', require 'luv'.version_string())",
    },
];

impl Peer {
    /// The variables with which an interpreter finds the checkout, if there is one.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let Some(root) = self.checkout.and_then(|variable| env::var(variable).ok()) else {
            return Vec::new();
        };
        let path = absolute(&format!("{root}/?.lua;{root}/?/init.lua"));
        vec![("LUA_PATH", format!("{path};;"))]
    }
}

impl Subject {
    /// Everything that is here for `lua`, ours first, and why the rest is not.
    pub(crate) fn discover(lua: Lua, against: &[(String, String)]) -> (Vec<Subject>, Vec<String>) {
        let mut found = Vec::new();
        let mut missing = Vec::new();
        let mut add = |name: &str, api: &str, variables, question: &str| match Subject::probe(
            lua, name, api, variables, question,
        ) {
            Ok(subject) => found.push(subject),
            Err(reason) => missing.push(format!("{name} on {lua}: {reason}")),
        };
        let dist = env::var(DIST).unwrap_or_else(|_| "dist".into());
        let ours = format!("{dist}/{}/?.so", lua.name());
        // The programs' folder and no other for Lua files: a cosock.lua there would win over the module.
        let module = |path: &str| {
            vec![
                ("LUA_PATH", "./?.lua".into()),
                ("LUA_CPATH", absolute(path)),
            ]
        };
        let loads = "require 'cosock' print(_VERSION)";
        add("cosock", "cosock", module(&ours), loads);
        for (name, path) in against {
            add(name, "cosock", module(path), loads);
        }
        for peer in &PEERS {
            add(peer.name, peer.programs, peer.variables(), peer.question);
        }
        found.push(Subject {
            name: "raw".into(),
            version: "epoll, no Lua".into(),
            kind: Kind::Raw,
        });
        if lua == Lua::Lua54 {
            let floor = floor::build()
                .and_then(|path| Subject::probe(lua, FLOOR, "cosock", module(&path), loads));
            match floor {
                Ok(subject) => found.push(subject),
                Err(reason) => missing.push(format!("{FLOOR} on {lua}: {reason}")),
            }
        }
        (found, missing)
    }

    fn probe(
        lua: Lua,
        name: &str,
        api: &str,
        variables: Vec<(&'static str, String)>,
        question: &str,
    ) -> Result<Subject, String> {
        let programs = conformance::repository().join("bench/programs").join(api);
        let mut subject = Subject {
            name: name.into(),
            version: String::new(),
            kind: Kind::Lua {
                interpreter: lua.interpreter().into(),
                variables,
                programs,
            },
        };
        let output = subject
            .command(None)
            .args(["-e", question])
            .output()
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            // Where it was looked for follows a colon.
            let reason = text.lines().next().unwrap_or("fails");
            return Err(reason.trim_end_matches(':').to_string());
        }
        if let Some(build) = subject.build() {
            subject.version = build;
            return Ok(subject);
        }
        let answer = String::from_utf8_lossy(&output.stdout);
        subject.version = answer.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(subject)
    }

    /// Which build of ours it is, if it is one: a sum over the bytes of the module.
    fn build(&self) -> Option<String> {
        let Kind::Lua { variables, .. } = &self.kind else {
            return None;
        };
        let mut variables = variables.iter();
        let (_, path) = variables.find(|(name, _)| *name == "LUA_CPATH")?;
        let mut files = path.split(';').map(|part| part.replace('?', "cosock"));
        let module = files.find_map(|file| fs::read(file).ok())?;
        let mut sum = Fingerprint::new();
        sum.take(&module);
        Some(format!("build {:08x}", sum.value() >> 32))
    }

    /// Whether it has a program for `workload`.
    pub(crate) fn has(&self, workload: &Workload) -> bool {
        match &self.kind {
            Kind::Lua { .. } if self.name == FLOOR => floor::has(workload),
            Kind::Lua { programs, .. } => program(programs, workload.program).is_file(),
            Kind::Raw => RAW.contains(&workload.program),
        }
    }

    /// A command that runs `workload`'s program, without arguments of its own.
    pub(crate) fn run(&self, workload: &Workload) -> Command {
        let mut command = self.command(None);
        match &self.kind {
            Kind::Lua { programs, .. } => command.arg(program(programs, workload.program)),
            Kind::Raw => command.arg(workload.program),
        };
        command
    }

    /// The bare interpreter.
    pub(crate) fn bare(&self) -> Command {
        self.command(Some("-v"))
    }

    fn command(&self, argument: Option<&str>) -> Command {
        let mut command = match &self.kind {
            Kind::Lua { interpreter, .. } => Command::new(interpreter),
            Kind::Raw => Command::new(raw_program()),
        };
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("LUA_") {
                command.env_remove(name);
            }
        }
        if let Kind::Lua {
            variables,
            programs,
            ..
        } = &self.kind
        {
            for (name, value) in variables {
                command.env(name, value);
            }
            // What the programs of one peer share lies beside them.
            command.current_dir(programs);
        }
        command.args(argument);
        command
    }
}

fn program(folder: &Path, name: &str) -> PathBuf {
    folder.join(name).with_extension("lua")
}

/// The same search path from any folder: the programs run in their own.
fn absolute(path: &str) -> String {
    let parts = path.split(';').map(|part| match std::path::absolute(part) {
        Ok(part) => part.display().to_string(),
        // Of nothing.
        Err(_) => part.to_string(),
    });
    parts.collect::<Vec<_>>().join(";")
}

/// The server without Lua lies beside this program.
fn raw_program() -> PathBuf {
    let own = env::current_exe().expect("a process knows its program");
    own.with_file_name("raw")
}
