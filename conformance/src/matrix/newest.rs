//! Ours on one Lua beside ours on the newest: where the rock shows nothing or something else, that is
//! what a line is held to.

use std::sync::Arc;

use super::differences::Table;
use super::memo::Memo;
use super::scenario::{Scenario, Seen, Trouble};
use super::trace::{Mismatch, Trace};
use crate::interpreter::Lua;
use crate::module;
use crate::subject::Subject;

/// What the others are compared with: the newest on which there is a rock.
pub const NEWEST: Lua = Lua::Lua54;

/// The first run of a subject in a process.
pub(super) type Run = Arc<Result<Seen, Trouble>>;

/// Runs a scenario, once in a process.
pub(super) fn first_run(scenario: &Scenario, lua: Lua, subject: Subject) -> Run {
    static KNOWN: Memo<(String, Lua, Subject), Result<Seen, Trouble>> = Memo::new();
    let key = (scenario.name.clone(), lua, subject);
    KNOWN.get(key, || scenario.run(lua, subject))
}

/// What a subject shows on [`NEWEST`]: none for that one itself, where these tests leave it out, where it is
/// not built, and where it breaks off, which its own cell tells.
pub(super) fn trace_on_newest(scenario: &Scenario, lua: Lua, subject: Subject) -> Option<Trace> {
    let is_there = lua != NEWEST && NEWEST.is_selected() && module::is_to_be_had(NEWEST);
    let run = is_there.then(|| first_run(scenario, NEWEST, subject))?;
    let seen = run.as_ref().as_ref().ok()?;
    Some(seen.trace.without_subtypes())
}

/// Of what ours shows on a Lua, what differs from ours on the newest and is no variation of the language's
/// that the table lists; subtypes of numbers do not count.
pub fn unlisted_variations(
    table: &Table,
    scenario: &Scenario,
    lua: Lua,
    ours: &Trace,
    newest: &Trace,
) -> Vec<Mismatch> {
    let mut found = ours.without_subtypes().mismatches(newest);
    found.retain(|found| {
        let mut known = table.variations(lua);
        !known.any(|(_, line)| line.explains(&scenario.name, found))
    });
    found
}
