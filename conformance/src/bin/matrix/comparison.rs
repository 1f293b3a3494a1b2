//! What is new in a run since another one: cells are paired by scenario, Lua and subject, and every
//! pair that is not of equals is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use conformance::Subject;
use conformance::matrix::Grade;
use serde::{Deserialize, Serialize};

use crate::report::{Outcome, Report, Subtest};

/// One run beside another.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Comparison {
    /// How many cells of this run have one in the other.
    pub(crate) cells: usize,
    /// What was compared with something of another name, or with nothing, in words.
    pub(crate) notes: Vec<String>,
    /// In the order of this run's cells.
    pub(crate) changes: Vec<Change>,
}

/// A cell, or a line of one, that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) test: String,
    pub(crate) lua: String,
    pub(crate) subject: String,
    /// The line; none when it is about the cell as a whole.
    pub(crate) claim: Option<String>,
    /// None where it is new.
    pub(crate) before: Option<Grade>,
    /// None where it is gone.
    pub(crate) after: Option<Grade>,
    /// What ours showed and shows, where the grade alone does not tell that it is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shows: Option<(String, String)>,
}

/// What is new in `after` since `before`.
pub(crate) fn between(before: &Report, after: &Report) -> Comparison {
    let mut result = Comparison::default();
    let old = by_key(before);
    let names = renamed(before, after, &mut result.notes);
    let columns = columns(before, after, &mut result.notes);
    let mut met = BTreeSet::new();
    for cell in cells(after) {
        let column = (cell.lua.as_str(), cell.subject.as_str());
        let Some(subject) = columns.get(&column) else {
            continue;
        };
        let name = names.get(cell.name()).copied().unwrap_or(cell.name());
        let key = (name, column.0, *subject);
        match old.get(&key) {
            Some(other) => {
                met.insert(key);
                result.cells += 1;
                compare(other, cell, &mut result.changes);
            }
            // What a narrowed run left out is not new.
            None if before.run_info.has_every_scenario() => {
                result
                    .changes
                    .push(change(cell, None, None, Some(cell.grade)));
            }
            None => {}
        }
    }
    if after.run_info.has_every_scenario() {
        let stand_ins: BTreeSet<_> = columns.iter().map(|((lua, _), it)| (*lua, *it)).collect();
        let gone = cells(before).filter(|cell| {
            let key = (cell.name(), cell.lua.as_str(), cell.subject.as_str());
            stand_ins.contains(&(key.1, key.2)) && !met.contains(&key)
        });
        let gone = gone.map(|cell| change(cell, None, Some(cell.grade), None));
        result.changes.extend(gone);
    }
    result
}

/// A cell's scenario, Lua and subject. A scenario's name is its own in every chapter.
type Key<'a> = (&'a str, &'a str, &'a str);

fn cells(report: &Report) -> impl Iterator<Item = &Outcome> {
    report.results.iter().filter(|outcome| outcome.is_cell())
}

fn by_key(report: &Report) -> BTreeMap<Key<'_>, &Outcome> {
    let pairs = cells(report).map(|cell| {
        let key = (cell.name(), cell.lua.as_str(), cell.subject.as_str());
        (key, cell)
    });
    pairs.collect()
}

/// The former names of scenarios that have another one now, and claim the same.
fn renamed<'a>(
    before: &'a Report,
    after: &'a Report,
    notes: &mut Vec<String>,
) -> BTreeMap<&'a str, &'a str> {
    let claims = |report: &'a Report| -> BTreeMap<&'a str, &'a str> {
        let known = cells(report).filter(|cell| !cell.claim.is_empty());
        known
            .map(|cell| (cell.name(), cell.claim.as_str()))
            .collect()
    };
    let (before, after) = (claims(before), claims(after));
    let mut names = BTreeMap::new();
    for (new, claim) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        let gone = before.iter().filter(|(name, _)| !after.contains_key(*name));
        let mut same = gone.filter(|(_, its)| its == &claim);
        if let Some((old, _)) = same.next() {
            notes.push(format!("{new} was called {old}"));
            names.insert(*new, *old);
        }
    }
    names
}

/// For each Lua and subject of `after` the subject of `before` that it is compared with. A candidate that
/// the other run lacks is held against its module, and a module against its candidate.
fn columns<'a>(
    before: &'a Report,
    after: &'a Report,
    notes: &mut Vec<String>,
) -> BTreeMap<(&'a str, &'a str), &'a str> {
    let of = |report: &'a Report| -> BTreeSet<(&'a str, &'a str)> {
        cells(report)
            .map(|cell| (cell.lua.as_str(), cell.subject.as_str()))
            .collect()
    };
    let (before, after) = (of(before), of(after));
    let (module, candidate) = (Subject::Module.name(), Subject::Candidate.name());
    let mut columns = BTreeMap::new();
    for (lua, subject) in after {
        let stand_in = match subject {
            _ if subject == module => candidate,
            _ if subject == candidate => module,
            _ => subject,
        };
        let mut others = [subject, stand_in].into_iter();
        let Some(other) = others.find(|other| before.contains(&(lua, other))) else {
            notes.push(format!(
                "the other run has nothing to hold {subject} on {lua} against"
            ));
            continue;
        };
        if other != subject {
            notes.push(format!(
                "{subject} on {lua} is held against the other run's {other}"
            ));
        }
        columns.insert((lua, subject), other);
    }
    columns
}

fn compare(before: &Outcome, after: &Outcome, changes: &mut Vec<Change>) {
    if before.grade != after.grade || before.status != after.status {
        changes.push(change(after, None, Some(before.grade), Some(after.grade)));
    }
    if before.subtests.is_empty() || after.subtests.is_empty() {
        // One of them broke off: there are no lines to compare.
        return;
    }
    let lines = before.subtests.iter().chain(&after.subtests);
    let names: BTreeSet<&str> = lines.map(|line| line.name.as_str()).collect();
    for name in names {
        let (old, new) = (line(before, name), line(after, name));
        let shows = match (old, new) {
            // Where both are the rock's, what changed is the scenario.
            (Some(old), Some(new)) if old.ours != new.ours && new.grade != Grade::Same => {
                Some((old.ours.clone(), new.ours.clone()))
            }
            _ => None,
        };
        let grades = (old.map(|line| line.grade), new.map(|line| line.grade));
        if grades.0 != grades.1 || shows.is_some() {
            changes.push(Change {
                shows,
                ..change(after, Some(name), grades.0, grades.1)
            });
        }
    }
}

fn line<'a>(cell: &'a Outcome, name: &str) -> Option<&'a Subtest> {
    cell.subtests.iter().find(|line| line.name == name)
}

fn change(
    cell: &Outcome,
    claim: Option<&str>,
    before: Option<Grade>,
    after: Option<Grade>,
) -> Change {
    Change {
        test: cell.test.clone(),
        lua: cell.lua.clone(),
        subject: cell.subject.clone(),
        claim: claim.map(str::to_owned),
        before,
        after,
        shows: None,
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |grade: Option<Grade>| grade.map_or("absent", Grade::name);
        write!(formatter, "{} on {}, {}", self.test, self.lua, self.subject)?;
        if let Some(claim) = &self.claim {
            write!(formatter, ", {claim}")?;
        }
        write!(formatter, ": {} -> {}", name(self.before), name(self.after))?;
        if let Some((before, after)) = &self.shows {
            write!(formatter, ", {before} -> {after}")?;
        }
        Ok(())
    }
}

impl Comparison {
    /// What there is to say of it as a whole.
    pub(crate) fn headline(&self) -> String {
        match (self.cells, self.changes.len()) {
            (0, _) => "it has no cell of this run".to_owned(),
            (cells, 0) => format!("no change in {cells} cells"),
            (cells, changes) => format!("{changes} changes in {cells} cells"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A scenario, a Lua, a subject, and the lines with what ours shows and the grade.
    type Cell<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, &'a str, &'a str)]);

    /// A run of these cells.
    fn run(every_scenario: bool, cells: &[Cell]) -> Report {
        let result = |(test, lua, subject, lines): &Cell| {
            let subtest = |(name, ours, grade): &(&str, &str, &str)| {
                json!({ "name": name, "status": "PASS", "message": null, "grade": grade, "ours": ours,
                        "rock": null, "difference": null })
            };
            let worst = lines
                .iter()
                .map(|(.., grade)| *grade)
                .max_by_key(|it| *it == "FAIL");
            json!({ "test": test, "claim": format!("what {} shows", lines[0].0), "lua": lua,
                    "subject": subject, "status": "OK", "message": null, "grade": worst,
                    "reference": "live", "note": "", "duration": 1,
                    "subtests": lines.iter().map(subtest).collect::<Vec<_>>() })
        };
        let report = json!({
            "run_info": {
                "product": "", "version": "", "revision": "", "os": "", "os_version": "", "processor": "",
                "reference": "", "live": {}, "lua": [], "subjects": [], "is_complete": false,
                "every_scenario": every_scenario,
            },
            "time_start": 0, "time_end": 0,
            "results": cells.iter().map(result).collect::<Vec<_>>(),
        });
        serde_json::from_value(report).expect("a report has this form")
    }

    fn told(before: &Report, after: &Report) -> (usize, Vec<String>, Vec<String>) {
        let found = between(before, after);
        let changes = found.changes.iter().map(ToString::to_string);
        (found.cells, found.notes, changes.collect())
    }

    #[test]
    fn cells_are_paired_by_scenario_lua_and_subject() {
        let same: &[_] = &[("a", "1", "SAME")];
        let worse: &[_] = &[("a", "2", "FAIL")];
        let before = run(
            true,
            &[
                ("tcp/x", "5.1", "module", same),
                ("tcp/x", "5.4", "runner", same),
            ],
        );
        let after = run(
            true,
            &[
                ("tcp/x", "5.1", "module", same),
                ("tcp/x", "5.4", "runner", worse),
            ],
        );
        assert_eq!(told(&before, &before), (2, vec![], vec![]));
        let expected = [
            "tcp/x on 5.4, runner: SAME -> FAIL",
            "tcp/x on 5.4, runner, a: SAME -> FAIL, 1 -> 2",
        ];
        assert_eq!(
            told(&before, &after),
            (2, vec![], expected.map(str::to_owned).to_vec())
        );
    }

    #[test]
    fn candidate_is_held_against_the_module() {
        let before = run(true, &[("tcp/x", "5.4", "module", &[("a", "1", "SAME")])]);
        let after = run(
            true,
            &[
                ("tcp/x", "5.1", "candidate", &[("a", "1", "SAME")]),
                ("tcp/x", "5.4", "candidate", &[("a", "2", "FAIL")]),
            ],
        );
        let (cells, notes, changes) = told(&before, &after);
        let expected = [
            "the other run has nothing to hold candidate on 5.1 against",
            "candidate on 5.4 is held against the other run's module",
        ];
        assert_eq!((cells, notes), (1, expected.map(str::to_owned).to_vec()));
        assert_eq!(changes[0], "tcp/x on 5.4, candidate: SAME -> FAIL");
        let (cells, notes, _) = told(&after, &before);
        assert_eq!(
            (cells, notes.len()),
            (1, 1),
            "and the other way round: {notes:?}"
        );
        let runner = run(true, &[("tcp/x", "5.4", "runner", &[("a", "1", "SAME")])]);
        let nothing = between(&before, &runner);
        assert_eq!(nothing.headline(), "it has no cell of this run");
        assert_eq!(nothing.notes.len(), 1);
    }

    #[test]
    fn scenario_is_known_in_another_chapter_and_under_another_name() {
        let lines: &[_] = &[("a", "1", "SAME")];
        let before = run(true, &[("tcp/x", "5.4", "module", lines)]);
        let moved = run(true, &[("socket/x", "5.4", "module", lines)]);
        assert_eq!(told(&before, &moved), (1, vec![], vec![]));
        let renamed = run(true, &[("tcp/y", "5.4", "module", lines)]);
        assert_eq!(
            told(&before, &renamed),
            (1, vec!["y was called x".to_owned()], vec![])
        );
    }

    #[test]
    fn what_a_narrowed_run_left_out_is_neither_new_nor_gone() {
        let (one, two): (&[_], &[_]) = (&[("a", "1", "SAME")], &[("b", "1", "SAME")]);
        let whole = [
            ("tcp/x", "5.4", "module", one),
            ("udp/y", "5.4", "module", two),
        ];
        let (whole, all) = (run(true, &whole), &whole);
        let part = run(false, &all[..1]);
        assert_eq!(told(&whole, &part), (1, vec![], vec![]));
        assert_eq!(told(&part, &whole), (1, vec![], vec![]));
        let fewer = run(true, &all[..1]);
        let gone = told(&whole, &fewer).2;
        assert_eq!(gone, ["udp/y on 5.4, module: SAME -> absent"]);
        let new = told(&fewer, &whole).2;
        assert_eq!(new, ["udp/y on 5.4, module: absent -> SAME"]);
    }

    #[test]
    fn what_ours_shows_counts_where_no_grade_tells_of_it() {
        let before = run(
            true,
            &[(
                "tcp/x",
                "5.5",
                "module",
                &[("a", "1", "NO REFERENCE"), ("b", "1", "SAME")],
            )],
        );
        let after = run(
            true,
            &[(
                "tcp/x",
                "5.5",
                "module",
                &[("a", "2", "NO REFERENCE"), ("b", "2", "SAME")],
            )],
        );
        let expected = "tcp/x on 5.5, module, a: NO REFERENCE -> NO REFERENCE, 1 -> 2";
        assert_eq!(told(&before, &after).2, [expected]);
    }
}
