//! What is new in a run since another one.

use std::collections::BTreeMap;
use std::fmt;

use conformance::matrix::Grade;
use serde::{Deserialize, Serialize};

use crate::report::{Outcome, Report};

/// A cell or a line of one whose grade is not what it was.
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
}

/// Every change, in the order of the tests' names. Cells that one of the runs left out do not count.
pub(crate) fn between(before: &Report, after: &Report) -> Vec<Change> {
    // What a narrowed run left out is not gone.
    let is_narrowed = !after.run_info.is_complete;
    let (before, after) = (grades(before), grades(after));
    let is_left_out = |test: &str| is_narrowed && !after.keys().any(|(its, ..)| its == test);
    let has_run = |grades: &Grades, key: &Key| {
        let (_, lua, subject, _) = key;
        let mut keys = grades.keys();
        keys.any(|(_, its_lua, its_subject, _)| its_lua == lua && its_subject == subject)
    };
    let mut keys: Vec<&Key> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    let differing = keys.into_iter().filter(|key| {
        before.get(*key) != after.get(*key)
            && has_run(&before, key)
            && has_run(&after, key)
            && !is_left_out(&key.0)
    });
    differing
        .map(|key| {
            let (test, lua, subject, claim) = key.clone();
            Change {
                test,
                lua,
                subject,
                claim,
                before: before.get(key).copied(),
                after: after.get(key).copied(),
            }
        })
        .collect()
}

type Key = (String, String, String, Option<String>);
type Grades = BTreeMap<Key, Grade>;

fn grades(report: &Report) -> Grades {
    let cells = report.results.iter().filter(|outcome| outcome.is_cell());
    let mut grades = Grades::new();
    for cell in cells {
        grades.insert(key(cell, None), cell.grade);
        for line in &cell.subtests {
            grades.insert(key(cell, Some(&line.name)), line.grade);
        }
    }
    grades
}

fn key(cell: &Outcome, claim: Option<&str>) -> Key {
    let (test, lua, subject) = cell.key();
    (
        test.to_owned(),
        lua.to_owned(),
        subject.to_owned(),
        claim.map(str::to_owned),
    )
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |grade: Option<Grade>| grade.map_or("absent", Grade::name);
        write!(formatter, "{} on {}, {}", self.test, self.lua, self.subject)?;
        if let Some(claim) = &self.claim {
            write!(formatter, ", {claim}")?;
        }
        write!(formatter, ": {} -> {}", name(self.before), name(self.after))
    }
}
