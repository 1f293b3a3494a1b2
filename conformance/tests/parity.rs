//! Ours and the rock side by side: every line that differs is in the table of intended differences,
//! and every line of that table still differs. And ours on one version beside ours on the newest.
//!
//! `COSOCK_REFERENCE=<directory of the rock>` runs the rock, else its recorded traces count;
//! `COSOCK_RECORD=1` with it writes those anew.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use conformance::parity::{self, Line, Mismatch, Table};
use conformance::{Lua, Subject};
use rstest::rstest;

/// What the others are compared with.
const NEWEST: Lua = Lua::Lua54;

#[rstest]
fn scenario_differs_only_where_the_table_says(
    #[files("lua/parity/*.lua")] path: PathBuf,
    #[values(Lua::Lua51, Lua::Lua52, Lua::Lua53, Lua::Lua54, Lua::LuaJit)] lua: Lua,
) {
    if !(lua.is_selected() && Subject::Module.is_selected()) {
        return;
    }
    let table = Table::read();
    let found = from_the_rock(lua, &path);
    let report = unexplained(&table.differences(lua).collect::<Vec<_>>(), &path, &found);
    assert!(
        report.is_empty(),
        "ours on {lua} differs from the rock (\"other\"), and the table does not say so:\n{report}"
    );
}

#[rstest]
fn scenario_is_the_same_on_every_version(
    #[files("lua/parity/*.lua")] path: PathBuf,
    #[values(Lua::Lua51, Lua::Lua52, Lua::Lua53, Lua::LuaJit)] lua: Lua,
) {
    if !(lua.is_selected() && NEWEST.is_selected() && Subject::Module.is_selected()) {
        return;
    }
    let table = Table::read();
    let found = from_the_newest(lua, &path);
    let report = unexplained(&table.variations(lua).collect::<Vec<_>>(), &path, &found);
    assert!(
        report.is_empty(),
        "ours on {lua} differs from ours on {NEWEST} (\"other\"), and the table does not say so:\n\
         {report}"
    );
}

#[rstest]
fn every_line_of_the_table_still_differs(
    #[values(Lua::Lua51, Lua::Lua52, Lua::Lua53, Lua::Lua54, Lua::LuaJit)] lua: Lua,
) {
    if !(lua.is_selected() && Subject::Module.is_selected()) {
        return;
    }
    let table = Table::read();
    let mut unused: Vec<(&str, &Line)> = table.differences(lua).collect();
    let mut unused_variations: Vec<(&str, &Line)> = match NEWEST.is_selected() {
        true => table.variations(lua).collect(),
        false => Vec::new(),
    };
    for path in parity::scenarios() {
        let name = parity::name_of(&path);
        let found = from_the_rock(lua, &path);
        unused.retain(|(_, line)| !found.iter().any(|found| line.explains(&name, found)));
        if unused_variations.is_empty() {
            continue;
        }
        let found = from_the_newest(lua, &path);
        unused_variations
            .retain(|(_, line)| !found.iter().any(|found| line.explains(&name, found)));
    }
    unused.append(&mut unused_variations);
    assert!(
        unused.is_empty(),
        "no longer differs on {lua}, or not so, though the table says it: {unused:#?}"
    );
}

/// Where ours differs from the rock.
fn from_the_rock(lua: Lua, path: &Path) -> Vec<Mismatch> {
    parity::observe(lua, path).mismatches()
}

/// Where ours differs from ours on the newest version, but for the subtypes of numbers.
fn from_the_newest(lua: Lua, path: &Path) -> Vec<Mismatch> {
    let newest = parity::observe(NEWEST, path).ours.without_subtypes();
    let ours = parity::observe(lua, path).ours.without_subtypes();
    ours.mismatches(&newest)
}

/// What none of the lines explains, to be read.
fn unexplained(lines: &[(&str, &Line)], path: &Path, found: &[Mismatch]) -> String {
    let name = parity::name_of(path);
    let mut report = String::new();
    for found in found {
        if !lines.iter().any(|(_, line)| line.explains(&name, found)) {
            let (claim, ours, other) = (&found.claim, &found.ours, &found.other);
            let _ = writeln!(
                report,
                "{name}/{claim}\n    ours:  {ours}\n    other: {other}"
            );
        }
    }
    report
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
        assert!(
            entry.lines.is_empty() == entry.untraced.is_some(),
            "{id} must either show in lines or say why it is untraced"
        );
        check_versions(id, &entry.versions, &entry.lines);
    }
    for entry in &table.variation {
        let id = &entry.id;
        assert!(ids.insert(id.as_str()), "{id} comes twice");
        assert!(
            !entry.reason.trim().is_empty() && !entry.lines.is_empty(),
            "{id} says nothing"
        );
        check_versions(id, &entry.versions, &entry.lines);
    }
    // The gaps of the rock that ours has settled, by their place in the reference.
    let settled = "G1 G2 G3 G4 G5 G6 G7 G8 G10 G11 G12 G13 G14 G15 G17 G18 G19 G20 G21 G22a G22b \
                   G22c G22d G22f G23 G24 G25 G26 G27 G29a G29b G29c G29d G29e G29f G29g G30 \
                   G31 G32 G33 G36 G37 G40 G41 G42 G43 G49 G50";
    for id in settled.split_whitespace() {
        assert!(ids.contains(id), "{id} is settled, but not in the table");
    }
}

fn check_versions(id: &str, versions: &[String], lines: &[Line]) {
    assert!(!versions.is_empty(), "{id} names no version");
    for version in versions {
        let is_known = Lua::ALL.iter().any(|lua| lua.name() == version);
        assert!(is_known, "{id}: no Lua is called {version}");
    }
    for line in lines {
        let is_within = |version| versions.contains(version);
        assert!(
            line.versions.iter().flatten().all(is_within),
            "{id}: {} has versions that the entry does not have",
            line.at
        );
    }
}
