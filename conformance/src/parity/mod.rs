//! Runs the scenarios of `conformance/lua/parity` on ours and on the rock, and holds every line that
//! differs against the table of intended differences, `conformance/differences.toml`.

mod differences;
mod reference;
mod trace;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use differences::{Difference, Line, Table, Variation};
pub use reference::{RECORD, REVISION, Rock};
pub use trace::{ABSENT, Mismatch, Trace};

use crate::interpreter::Lua;
use crate::run::run;
use crate::subject::Subject;
use crate::{repository, suite};

/// Both traces of one scenario on one version.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The scenario's name: its file's, without the ending.
    pub scenario: String,
    /// The version that both ran on.
    pub lua: Lua,
    /// What our module did.
    pub ours: Trace,
    /// What the rock did, now or when it was recorded.
    pub rock: Trace,
}

impl Observed {
    /// The claims that differ, in the order of their names.
    pub fn mismatches(&self) -> Vec<Mismatch> {
        self.ours.mismatches(&self.rock)
    }
}

/// Every scenario's file, in the order of their names.
///
/// # Panics
///
/// If the directory cannot be read or is empty.
pub fn scenarios() -> Vec<PathBuf> {
    let directory = repository().join("conformance/lua/parity");
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{directory:?}: {error}"));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable directory").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "lua"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{directory:?} holds no scenario");
    files
}

/// What a scenario is called in the table and in recordings.
pub fn name_of(scenario: &Path) -> String {
    let stem = scenario.file_stem().expect("a scenario is a file");
    stem.to_string_lossy().into_owned()
}

/// Runs a scenario on ours and gets the rock's trace; once for each version in a process.
///
/// # Panics
///
/// If the scenario hangs or prints what is no trace, with the full report; or if the rock is at hand
/// and does not do what was recorded.
#[track_caller]
pub fn observe(lua: Lua, scenario: &Path) -> Arc<Observed> {
    type Slot = Arc<OnceLock<Arc<Observed>>>;
    static KEPT: Mutex<Option<HashMap<(&'static str, PathBuf), Slot>>> = Mutex::new(None);
    let slot = {
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get_or_insert_with(HashMap::new);
        Slot::clone(kept.entry((lua.name(), scenario.to_owned())).or_default())
    };
    let observed = slot.get_or_init(|| {
        let name = name_of(scenario);
        let rock = reference::trace(lua, scenario, &name);
        let ours = trace_of(lua, Subject::Module, scenario);
        Arc::new(Observed {
            scenario: name,
            lua,
            ours,
            rock,
        })
    });
    Arc::clone(observed)
}

/// Runs a scenario and reads its trace; how it ended is a claim of it too.
fn trace_of(lua: Lua, subject: Subject, scenario: &Path) -> Trace {
    let output = run(subject.script(lua, scenario), suite::PATIENCE);
    let code = output.code();
    output.check(code.is_some(), "the scenario ends by itself");
    match Trace::parse(&output.stdout) {
        Ok(mut trace) => {
            trace.set("exit", &format!("{}", code.unwrap_or(-1)));
            trace
        }
        Err(problem) => panic!("{problem}\n{output}"),
    }
}
