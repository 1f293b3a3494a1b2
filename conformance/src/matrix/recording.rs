//! The rock's traces in `conformance/recorded`, for machines that do not have the rock.

use std::fs;
use std::path::PathBuf;

use super::reference::{REVISION, is_at_hand, versions};
use super::scenario::Scenario;
use super::trace::Trace;
use crate::interpreter::Lua;
use crate::repository;
use crate::subject::{REFERENCE, Subject};

/// A trace that was recorded from the scenario as it is now.
pub(super) struct Recording {
    pub(super) trace: Trace,
    /// What it was recorded from.
    pub(super) from: String,
}

impl Recording {
    /// The recording of a scenario.
    ///
    /// # Errors
    ///
    /// In words, if there is none, or if the scenario has changed since.
    pub(super) fn read(lua: Lua, scenario: &Scenario) -> Result<Recording, String> {
        let path = path(lua, scenario);
        let text = fs::read_to_string(&path).map_err(|_| "it is not recorded".to_owned())?;
        let trace = Trace::parse(&text).map_err(|why| format!("{}: {why}", path.display()))?;
        let mut fields = text.lines().filter_map(|line| line.strip_prefix("# "));
        let from = fields.next().unwrap_or_default().to_owned();
        if fields.next() != Some(&fingerprint_line(scenario)) {
            return Err("it is newer than its recording".to_owned());
        }
        Ok(Recording { trace, from })
    }
}

/// Runs a scenario on the rock, twice, and writes what it showed. Tells whether that is new.
///
/// # Errors
///
/// In words, if the rock is not at hand, or shows nothing or not the same twice.
pub fn record(lua: Lua, scenario: &Scenario) -> Result<bool, String> {
    if !is_at_hand(lua) {
        return Err(format!("there is no rock for {lua}"));
    }
    let run = || {
        let seen = scenario.run(lua, Subject::Reference);
        seen.map(|seen| seen.trace)
            .map_err(|trouble| format!("{:?}\n{}", trouble.kind, trouble.report))
    };
    let trace = run()?;
    let again = trace.mismatches(&run()?);
    if !again.is_empty() {
        return Err(format!("two runs of the rock differ: {again:#?}"));
    }
    let text = format!(
        "# Recorded from {}.\n# {}\n{}",
        versions(lua),
        fingerprint_line(scenario),
        trace.text()
    );
    if let Ok(place) = std::env::var(REFERENCE)
        && text.contains(&place)
    {
        return Err(format!("a path of this machine is in the trace:\n{text}"));
    }
    let path = path(lua, scenario);
    if fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(false);
    }
    let directory = path.parent().expect("a file has a directory");
    fs::create_dir_all(directory)
        .and_then(|()| fs::write(&path, text))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(true)
}

fn path(lua: Lua, scenario: &Scenario) -> PathBuf {
    let file = format!("conformance/recorded/{}/{}.txt", lua.name(), scenario.name);
    repository().join(file)
}

fn fingerprint_line(scenario: &Scenario) -> String {
    format!("Scenario {:016x}, rock {REVISION}.", scenario.fingerprint())
}
