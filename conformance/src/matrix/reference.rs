//! The rock's side: run where the rock is at hand, else read from what was recorded.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use super::fingerprint::Fingerprint;
use super::memo::Memo;
use super::recording::Recording;
use super::scenario::Scenario;
use super::trace::{Mismatch, Trace};
use crate::interpreter::Lua;
use crate::run::{PATIENCE, run};
use crate::subject::{REFERENCE, Subject};

/// The commit of the rock that ours is compared with.
pub const REVISION: &str = "204ae4e";

/// [`Fingerprint`] of the rock's Lua files at that commit. All its versions call themselves 0.2.0.
const FINGERPRINT: u64 = 0x3e5e_a4c6_8e31_b298;

/// Where the rock's trace comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The rock was run.
    Live,
    /// It is not here; it was recorded.
    Recorded,
    /// Neither.
    Unknown,
}

impl Side {
    /// As it is written in reports.
    pub fn name(self) -> &'static str {
        match self {
            Side::Live => "live",
            Side::Recorded => "recorded",
            Side::Unknown => "none",
        }
    }
}

/// What the rock does in a scenario, as far as it is known.
#[derive(Clone, Debug)]
pub struct Rock {
    /// Where that comes from.
    pub side: Side,
    /// What it shows; none where nothing is known.
    pub trace: Option<Trace>,
    /// The versions that it was recorded from, or why nothing is known.
    pub note: String,
    /// What is wrong with the recording, where the rock is at hand to tell.
    pub complaint: Option<String>,
}

/// The rock's side of a scenario; it is run once in a process.
///
/// # Panics
///
/// As [`is_at_hand`].
pub fn rock(lua: Lua, scenario: &Scenario) -> Arc<Rock> {
    static KNOWN: Memo<(Lua, String), Rock> = Memo::new();
    KNOWN.get((lua, scenario.name.clone()), || find_out(lua, scenario))
}

fn find_out(lua: Lua, scenario: &Scenario) -> Rock {
    if !lua.has_reference() {
        let why = format!("the rock does not run on {lua}, for which nobody packages LuaSocket");
        return unknown(why, None);
    }
    let recording = Recording::read(lua, scenario);
    if is_at_hand(lua) {
        let first = live(lua, scenario, &recording);
        // The rock's tasks run in random order, and now and then one of its waits never ends: it gets
        // a second chance to do what it did when it was recorded. Ours gets none.
        return match first.complaint {
            Some(_) if recording.is_ok() => live(lua, scenario, &recording),
            _ => first,
        };
    }
    match recording {
        Ok(recording) => Rock {
            side: Side::Recorded,
            trace: Some(recording.trace),
            note: recording.from,
            complaint: None,
        },
        Err(why) => unknown(why, None),
    }
}

fn live(lua: Lua, scenario: &Scenario, recording: &Result<Recording, String>) -> Rock {
    let seen = match scenario.run(lua, Subject::Reference) {
        Ok(seen) => seen,
        Err(trouble) => return unknown("the rock fails".to_owned(), Some(trouble.report)),
    };
    let complaint = match recording {
        Ok(recording) => not_as_recorded(&seen.trace.mismatches(&recording.trace)),
        Err(why) => Some(why.clone()),
    };
    Rock {
        side: Side::Live,
        trace: Some(seen.trace),
        note: versions(lua).to_owned(),
        complaint,
    }
}

fn unknown(note: String, complaint: Option<String>) -> Rock {
    Rock {
        side: Side::Unknown,
        trace: None,
        note,
        complaint,
    }
}

fn not_as_recorded(differing: &[Mismatch]) -> Option<String> {
    let lines = differing.iter().map(|line| {
        let (claim, now, recorded) = (&line.claim, &line.ours, &line.other);
        format!("{claim}\n    now:      {now}\n    recorded: {recorded}\n")
    });
    let lines: String = lines.collect();
    (!lines.is_empty()).then(|| format!("the rock does not do what was recorded:\n{lines}"))
}

/// Whether the rock can be run: from the directory that [`REFERENCE`] names, or from where the
/// interpreter finds it.
///
/// # Panics
///
/// If the variable names something other than the rock at [`REVISION`], or it cannot be loaded.
pub fn is_at_hand(lua: Lua) -> bool {
    static FOUND: [OnceLock<bool>; Lua::ALL.len()] = [const { OnceLock::new() }; Lua::ALL.len()];
    lua.has_reference() && *FOUND[lua.index()].get_or_init(|| look(lua))
}

fn look(lua: Lua) -> bool {
    let named = env::var_os(REFERENCE).map(PathBuf::from);
    let Some(directory) = named.clone().or_else(|| installed(lua)) else {
        return false;
    };
    let found = fingerprint(&directory);
    let is_it = found == Ok(FINGERPRINT)
        && Subject::Reference
            .command(lua)
            .args(["-e", "require 'cosock'"])
            .output()
            .is_ok_and(|output| output.status.success());
    assert!(
        is_it || named.is_none(),
        "{} is not the rock at {REVISION}, or it cannot be loaded in {lua} (fingerprint {found:x?})",
        directory.display()
    );
    is_it
}

/// The directory in which the interpreter finds a `cosock.lua`.
fn installed(lua: Lua) -> Option<PathBuf> {
    let question = "for place in package.path:gmatch '[^;]+' do \
                    local name = place:gsub('%?', 'cosock') \
                    if place:find '%?%.lua$' and io.open(name) then print(name) break end end";
    let path = PathBuf::from(answer(lua, &["-e", question]).lines().next()?);
    path.parent().map(Path::to_owned)
}

/// Over names and texts of the rock's Lua files.
fn fingerprint(directory: &Path) -> Result<u64, String> {
    let mut files = vec![directory.join("cosock.lua")];
    collect(&directory.join("cosock"), &mut files)?;
    files.sort();
    let mut print = Fingerprint::new();
    for file in files {
        let name = file.strip_prefix(directory).expect("it lies there");
        print.take(name.to_string_lossy().as_bytes());
        print.take(&fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?);
    }
    Ok(print.value())
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let problem = |error| format!("{}: {error}", directory.display());
    for entry in fs::read_dir(directory).map_err(problem)? {
        let path = entry.map_err(problem)?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "lua") {
            files.push(path);
        }
    }
    Ok(())
}

/// What the rock runs on here: its libraries, with the versions of their packages, which tell more
/// than they do themselves, and the interpreter.
pub fn versions(lua: Lua) -> &'static str {
    static KNOWN: [OnceLock<String>; Lua::ALL.len()] = [const { OnceLock::new() }; Lua::ALL.len()];
    KNOWN[lua.index()].get_or_init(|| {
        let socket = answer(lua, &["-e", "io.write(require 'socket'._VERSION)"]);
        let ssl = answer(lua, &["-e", "io.write('LuaSec ', require 'ssl'._VERSION)"]);
        // 5.1 writes its version to stderr.
        let interpreter = answer(lua, &["-v"]);
        let interpreter: Vec<&str> = interpreter.split_whitespace().take(2).collect();
        format!(
            "the rock at {REVISION}, {socket}{}, {ssl}{}, {}",
            package("lua-socket"),
            package("lua-sec"),
            interpreter.join(" ")
        )
    })
}

fn answer(lua: Lua, arguments: &[&str]) -> String {
    let mut command = Subject::Reference.command(lua);
    command.args(arguments);
    let output = run(command, PATIENCE);
    output.stdout + &output.stderr
}

fn package(name: &str) -> String {
    let found = Command::new("dpkg-query")
        .args(["-W", "-f", "${Version}", name])
        .output();
    match found {
        Ok(output) if output.status.success() => {
            format!(" ({name} {})", String::from_utf8_lossy(&output.stdout))
        }
        _ => String::new(),
    }
}
