//! The rock's side: run where the rock is at hand, else read from what was recorded.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::trace::Trace;
use super::trace_of;
use crate::interpreter::Lua;
use crate::repository;
use crate::run::run;
use crate::subject::Subject;
use crate::suite::PATIENCE;

/// Set to `1`, it makes the scenarios write `conformance/recorded` anew from the rock at hand.
pub const RECORD: &str = "COSOCK_RECORD";

/// Names the directory that holds the rock.
const REFERENCE: &str = "COSOCK_REFERENCE";

/// The commit of the rock that ours is compared with.
pub const REVISION: &str = "204ae4e";

/// [`fingerprint`] of the rock's Lua files at that commit. All its versions call themselves 0.2.0.
const FINGERPRINT: u64 = 0x3e5e_a4c6_8e31_b298;

/// Where the rock's traces come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rock {
    /// It is run.
    Live,
    /// It is not here; it was recorded.
    Recorded,
}

impl Rock {
    /// Which of the two it is for `lua`.
    ///
    /// # Panics
    ///
    /// If `REFERENCE` names something other than the rock at [`REVISION`], or the rock there cannot
    /// be loaded; or if there is no rock to record from.
    #[track_caller]
    pub fn of(lua: Lua) -> Rock {
        static FOUND: [OnceLock<Rock>; Lua::ALL.len()] =
            [const { OnceLock::new() }; Lua::ALL.len()];
        *FOUND[lua.index()].get_or_init(|| look(lua))
    }
}

fn look(lua: Lua) -> Rock {
    let named = env::var_os(REFERENCE).map(PathBuf::from);
    let Some(directory) = named.clone().or_else(|| installed(lua)) else {
        assert!(
            !is_recording(),
            "{RECORD} is set, but there is no rock for {lua}: {REFERENCE}=?"
        );
        return Rock::Recorded;
    };
    let is_it = fingerprint(&directory).is_ok_and(|found| found == FINGERPRINT);
    let loads = is_it && {
        let mut command = Subject::Reference.command(lua);
        run_quietly(command.args(["-e", "require 'cosock'"]))
    };
    if loads {
        return Rock::Live;
    }
    let found = fingerprint(&directory);
    assert!(
        named.is_none() && !is_recording(),
        "{} is not the rock at {REVISION}, or it cannot be loaded in {lua} (fingerprint {found:x?})",
        directory.display()
    );
    Rock::Recorded
}

fn run_quietly(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// The directory in which the interpreter finds a `cosock.lua`.
fn installed(lua: Lua) -> Option<PathBuf> {
    let question = "for place in package.path:gmatch '[^;]+' do \
                    local name = place:gsub('%?', 'cosock') \
                    if place:find '%?%.lua$' and io.open(name) then print(name) break end end";
    let output = run(
        {
            let mut command = Subject::Reference.command(lua);
            command.args(["-e", question]);
            command
        },
        PATIENCE,
    );
    let path = PathBuf::from(output.lines().first()?);
    path.parent().map(Path::to_owned)
}

/// Tells one version of the rock from another: FNV-1a over names and texts of its Lua files.
fn fingerprint(directory: &Path) -> Result<u64, String> {
    let mut files = vec![directory.join("cosock.lua")];
    collect(&directory.join("cosock"), &mut files)?;
    files.sort();
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut take = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for file in files {
        let name = file.strip_prefix(directory).expect("it lies there");
        take(name.to_string_lossy().as_bytes());
        take(&fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?);
    }
    Ok(hash)
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

fn is_recording() -> bool {
    env::var_os(RECORD).is_some_and(|value| value == "1")
}

fn recording(lua: Lua, name: &str) -> PathBuf {
    let file = format!("conformance/recorded/{}/{name}.txt", lua.name());
    repository().join(file)
}

/// The rock's trace of a scenario. A recording must say what the rock at hand does.
#[track_caller]
pub(super) fn trace(lua: Lua, scenario: &Path, name: &str) -> Trace {
    let file = recording(lua, name);
    let live = (Rock::of(lua) == Rock::Live).then(|| trace_of(lua, Subject::Reference, scenario));
    if let Some(live) = live.as_ref().filter(|_| is_recording()) {
        write(lua, &file, live);
    }
    let text = fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error} ({RECORD}=1 writes it)", file.display()));
    let recorded = Trace::parse(&text).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    if let Some(live) = live {
        let stale = live.mismatches(&recorded);
        assert!(
            stale.is_empty(),
            "{} is not what the rock does now ({RECORD}=1 writes it anew); \"ours\" is now, \"other\" \
             was recorded: {stale:#?}",
            file.display()
        );
    }
    recorded
}

fn write(lua: Lua, file: &Path, trace: &Trace) {
    let text = trace.text();
    if let Ok(directory) = env::var(REFERENCE) {
        assert!(
            !text.contains(&directory),
            "a path of this machine is in the trace:\n{text}"
        );
    }
    let header = format!(
        "# Recorded by {RECORD}=1 from the rock at {REVISION}, {}, {}.\n",
        luasocket(lua),
        interpreter(lua)
    );
    let directory = file.parent().expect("a file has a directory");
    fs::create_dir_all(directory)
        .and_then(|()| fs::write(file, header + &text))
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

/// What LuaSocket calls itself, and the version of its package, which tells more.
fn luasocket(lua: Lua) -> String {
    let mut command = Subject::Reference.command(lua);
    command.args(["-e", "io.write(require 'socket'._VERSION)"]);
    let name = run(command, PATIENCE).stdout;
    let package = Command::new("dpkg-query")
        .args(["-W", "-f", "${Version}", "lua-socket"])
        .output();
    match package {
        Ok(output) if output.status.success() => {
            format!(
                "{name} (lua-socket {})",
                String::from_utf8_lossy(&output.stdout)
            )
        }
        _ => name,
    }
}

/// The interpreter's name and full version; 5.1 writes it to stderr.
fn interpreter(lua: Lua) -> String {
    let mut command = Subject::Reference.command(lua);
    command.arg("-v");
    let output = run(command, PATIENCE);
    let text = output.stdout + &output.stderr;
    text.split_whitespace()
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
}
