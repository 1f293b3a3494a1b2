//! Ours and the rock side by side: every line that differs is in the table of intended differences,
//! and every line of that table still differs.
//!
//! `COSOCK_REFERENCE=<directory of the rock>` runs the rock, else its recorded traces count;
//! `COSOCK_RECORD=1` with it writes those anew.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use conformance::parity::{self, Table};
use conformance::{Lua, Subject};
use rstest::rstest;

#[rstest]
fn scenario_differs_only_where_the_table_says(
    #[files("lua/parity/*.lua")] path: PathBuf,
    #[values(Lua::Lua51, Lua::Lua52, Lua::Lua53, Lua::Lua54, Lua::LuaJit)] lua: Lua,
) {
    if !(lua.is_selected() && Subject::Module.is_selected()) {
        return;
    }
    let table = Table::read();
    let observed = parity::observe(lua, &path);
    let name = &observed.scenario;
    let mut report = String::new();
    for found in observed.mismatches() {
        if !table.explains(lua, name, &found) {
            let (claim, ours, rock) = (&found.claim, &found.ours, &found.rock);
            let _ = writeln!(report, "{name}/{claim}\n    ours: {ours}\n    rock: {rock}");
        }
    }
    assert!(
        report.is_empty(),
        "differs on {lua}, and the table does not say so:\n{report}"
    );
}

#[rstest]
fn every_listed_difference_still_shows(
    #[values(Lua::Lua51, Lua::Lua52, Lua::Lua53, Lua::Lua54, Lua::LuaJit)] lua: Lua,
) {
    if !(lua.is_selected() && Subject::Module.is_selected()) {
        return;
    }
    let table = Table::read();
    let all: Vec<_> = parity::scenarios()
        .iter()
        .map(|path| parity::observe(lua, path))
        .collect();
    let mut report = String::new();
    for (entry, line) in table.lines(lua) {
        let shows = all.iter().any(|observed| {
            let found = observed.mismatches();
            found
                .iter()
                .any(|found| line.explains(&observed.scenario, found))
        });
        if !shows {
            let _ = writeln!(report, "{}: {} showing {}", entry.id, line.at, line.shows);
        }
    }
    assert!(
        report.is_empty(),
        "no longer differs on {lua}, though the table says so:\n{report}"
    );
}

#[test]
fn table_is_complete() {
    let table = Table::read();
    let mut ids = HashSet::new();
    for entry in &table.difference {
        let id = &entry.id;
        assert!(ids.insert(id.as_str()), "{id} comes twice");
        for text in [
            &entry.claim,
            &entry.rock,
            &entry.ours,
            &entry.reason,
            &entry.safe,
        ] {
            assert!(!text.trim().is_empty(), "{id} leaves something out");
        }
        assert!(!entry.versions.is_empty(), "{id} names no version");
        let narrower = entry.lines.iter().filter_map(|line| line.versions.as_ref());
        for version in narrower.chain([&entry.versions]).flatten() {
            let known = Lua::ALL.iter().any(|lua| lua.name() == version);
            assert!(known, "{id}: no Lua is called {version}");
        }
        for line in &entry.lines {
            let within = |version| entry.versions.contains(version);
            assert!(
                line.versions.iter().flatten().all(within),
                "{id}: {} exceeds it",
                line.at
            );
        }
        assert!(
            entry.lines.is_empty() == entry.untraced.is_some(),
            "{id} must either show in lines or say why it is untraced"
        );
    }
    // The gaps of the rock that ours has settled, by their place in the reference.
    let settled = "G1 G2 G3 G4 G5 G6 G7 G8 G10 G11 G12 G13 G14 G15 G17 G18 G19 G20 G21 G22a G22b G22c G22d \
                   G22f G23 G24 G25 G26 G27 G30 G32 G33 G36 G37 G40 G41 G42 G43 G49 G50";
    for id in settled.split_whitespace() {
        assert!(ids.contains(id), "{id} is settled, but not in the table");
    }
}
