//! The cells of the matrix as tests: every scenario on every Lua and both ways into ours, held
//! against the rock and the table of intended differences; and ours on one version beside ours on
//! the newest. `ci/matrix` makes the report of the same cells.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use conformance::matrix::{
    self, Counted, Grade, Line, Memo, Mismatch, NEWEST, POSITION_ENDINGS, Scenario, Table, Trace,
    Verdict, scenarios, unlisted_variations, unused_lines,
};
use conformance::{Lua, Subject};
use rstest::rstest;

conformance::on_every_lua!(
    cell on Module, Runner;
    #[files("lua/parity/*.lua")]
    #[files("../examples/*.lua")]
    path: PathBuf
);

fn cell(lua: Lua, subject: Subject, path: PathBuf) {
    let scenario = Scenario::at(&path);
    let verdict = judge(&scenario, lua, subject);
    assert!(
        verdict.is_pass(lua),
        "{} on {lua}, {subject}: {}\n{}",
        scenario.id(),
        verdict.grade,
        verdict.complaint()
    );
}

#[rstest]
fn rock_does_what_was_recorded(
    #[files("lua/parity/*.lua")]
    #[files("../examples/*.lua")]
    path: PathBuf,
    #[values(Lua::Lua51, Lua::Lua52, Lua::Lua53, Lua::Lua54, Lua::LuaJit)] lua: Lua,
) {
    if !lua.is_selected() {
        return;
    }
    let scenario = Scenario::at(&path);
    if let Some(complaint) = &matrix::rock(lua, &scenario).complaint {
        panic!(
            "{complaint}\nci/matrix --record --only {} records it anew",
            scenario.id()
        );
    }
}

#[rstest]
fn every_line_of_the_table_still_differs(
    #[values(Lua::Lua51, Lua::Lua52, Lua::Lua53, Lua::Lua54, Lua::LuaJit)] lua: Lua,
    #[values(Subject::Module, Subject::Runner)] subject: Subject,
) {
    if !(lua.is_selected() && subject.is_selected()) {
        return;
    }
    let verdicts: Vec<_> = scenarios()
        .iter()
        .map(|scenario| (scenario, judge(scenario, lua, subject)))
        .collect();
    let verdicts: Vec<(&Scenario, &Verdict)> = verdicts
        .iter()
        .map(|(scenario, verdict)| (scenario.as_ref(), verdict.as_ref()))
        .collect();
    let unused = unused_lines(table(), lua, &verdicts, true);
    let unused: Vec<_> = unused
        .iter()
        .map(|(entry, line)| (&entry.id, line))
        .collect();
    assert!(
        unused.is_empty(),
        "no longer differs on {lua}, {subject}, or not so, though the table says it: {unused:#?}"
    );
}

/// Where nothing narrows the tests, README.md is held to what they saw.
#[test]
fn readme_carries_the_summary() {
    let subjects = [Subject::Module, Subject::Runner];
    if !(Lua::ALL.iter().all(|lua| lua.is_selected())
        && subjects.iter().all(|subject| subject.is_selected()))
    {
        return;
    }
    let mut cells = Vec::new();
    for scenario in scenarios() {
        for lua in Lua::ALL {
            for subject in subjects {
                let verdict = judge(scenario, lua, subject);
                cells.push(Counted {
                    chapter: scenario.chapter.name.to_owned(),
                    column: format!("{lua}, {subject}"),
                    grades: verdict.lines.iter().map(|line| line.grade).collect(),
                });
            }
        }
    }
    assert_eq!(
        matrix::is_in_readme(&matrix::summary(&cells)),
        Ok(true),
        "README.md carries an old summary: ci/matrix --readme write"
    );
}

#[rstest]
fn scenario_is_the_same_on_every_version(
    #[files("lua/parity/*.lua")]
    #[files("../examples/*.lua")]
    path: PathBuf,
    #[values(Lua::Lua51, Lua::Lua52, Lua::Lua53, Lua::Lua55, Lua::LuaJit)] lua: Lua,
) {
    if !(lua.is_selected() && NEWEST.is_selected() && Subject::Module.is_selected()) {
        return;
    }
    let scenario = Scenario::at(&path);
    let (ours, newest) = (ours(&scenario, lua), ours(&scenario, NEWEST));
    let mut report = String::new();
    for found in unlisted_variations(table(), &scenario, lua, &ours, &newest) {
        let (claim, ours, other) = (&found.claim, &found.ours, &found.other);
        let _ = writeln!(report, "{claim}\n    ours:   {ours}\n    newest: {other}");
    }
    assert!(
        report.is_empty(),
        "ours on {lua} differs from ours on {NEWEST}, and the table does not say so:\n{report}"
    );
}

#[rstest]
fn every_variation_still_differs(
    #[values(Lua::Lua51, Lua::Lua52, Lua::Lua53, Lua::Lua55, Lua::LuaJit)] lua: Lua,
) {
    if !(lua.is_selected() && NEWEST.is_selected() && Subject::Module.is_selected()) {
        return;
    }
    let mut unused: Vec<&Line> = table().variations(lua).map(|(_, line)| line).collect();
    for scenario in scenarios() {
        let found = from_the_newest(scenario, lua);
        unused.retain(|line| !found.iter().any(|it| line.explains(&scenario.name, it)));
    }
    assert!(
        unused.is_empty(),
        "no longer differs from {NEWEST} on {lua}, though the table says it: {unused:#?}"
    );
}

/// Where ours differs from ours on the newest version, but for the subtypes of numbers.
fn from_the_newest(scenario: &Arc<Scenario>, lua: Lua) -> Vec<Mismatch> {
    ours(scenario, lua).mismatches(&ours(scenario, NEWEST))
}

fn ours(scenario: &Arc<Scenario>, lua: Lua) -> Trace {
    let verdict = judge(scenario, lua, Subject::Module);
    let mut trace = Trace::default();
    for line in &verdict.lines {
        if line.ours != matrix::ABSENT {
            trace.set(&line.claim, &line.ours);
        }
    }
    trace.without_subtypes()
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(Table::read)
}

/// Each cell is run once in a process.
fn judge(scenario: &Arc<Scenario>, lua: Lua, subject: Subject) -> Arc<Verdict> {
    static KNOWN: Memo<(String, Lua, Subject), Verdict> = Memo::new();
    let key = (scenario.name.clone(), lua, subject);
    KNOWN.get(key, || matrix::judge(table(), scenario, lua, subject))
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
            !matches!(entry.grade, Grade::Same | Grade::NoReference | Grade::Fail),
            "{id} cannot be {}",
            entry.grade
        );
        let is_of_a_position = |line: &Line| {
            let mut endings = POSITION_ENDINGS.iter();
            endings.any(|ending| line.at.ends_with(ending))
        };
        assert!(
            entry.grade != Grade::Position || entry.lines.iter().all(is_of_a_position),
            "{id} is about more than positions"
        );
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
}

fn check_versions(id: &str, versions: &[String], lines: &[Line]) {
    assert!(!versions.is_empty(), "{id} names no version");
    for version in versions {
        let known: Result<Lua, String> = version.parse();
        assert!(known.is_ok(), "{id}: {known:?}");
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
