//! One cell of the matrix: a scenario on a Lua and a subject, graded line by line.

use std::collections::BTreeSet;
use std::time::Duration;

use super::differences::{Difference, Table};
use super::grade::Grade;
use super::newest::{NEWEST, first_run, trace_on_newest, unlisted_variations};
use super::reference::{Side, rock};
use super::scenario::{Scenario, Trouble};
use super::trace::{ABSENT, Mismatch, Trace};
use crate::interpreter::Lua;
use crate::subject::Subject;

/// The claims in which a trace tells of an error what [`Grade::Position`] is about end so; what comes
/// before is the claim of its text.
pub const POSITION_ENDINGS: [&str; 2] = [".position", ".name"];

/// What is to be said of a cell.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The worst of its lines' grades.
    pub grade: Grade,
    /// Each line of either trace, in the order of their names.
    pub lines: Vec<LineVerdict>,
    /// Where the rock's trace comes from.
    pub side: Side,
    /// The versions that the rock's trace comes from, or why there is none.
    pub note: String,
    /// What went wrong with the whole, if anything did.
    pub trouble: Option<Trouble>,
    /// The full report of what was run, for people.
    pub report: String,
    /// How long one run took.
    pub elapsed: Duration,
}

/// What is to be said of a line.
#[derive(Clone, Debug)]
pub struct LineVerdict {
    /// The line's name.
    pub claim: String,
    /// What ours shows.
    pub ours: String,
    /// What the rock shows; none where that is not known.
    pub rock: Option<String>,
    /// How the two compare.
    pub grade: Grade,
    /// The entry of the table that explains it.
    pub difference: Option<String>,
    /// What the second run of ours showed, where that was something else.
    pub again: Option<String>,
    /// What ours shows on [`NEWEST`], where it must be the same and is not.
    pub newest: Option<String>,
}

/// Runs a scenario twice on a subject, and holds it against the rock and the table; and, where the rock shows
/// nothing or something else, against the same subject on [`NEWEST`].
///
/// # Panics
///
/// If the subject cannot be built, or [`REFERENCE`](crate::REFERENCE) names no rock.
pub fn judge(table: &Table, scenario: &Scenario, lua: Lua, subject: Subject) -> Verdict {
    let rock = rock(lua, scenario);
    let mut verdict = Verdict {
        grade: Grade::Fail,
        lines: Vec::new(),
        side: rock.side,
        note: rock.note.clone(),
        trouble: None,
        report: String::new(),
        elapsed: Duration::ZERO,
    };
    let first = first_run(scenario, lua, subject);
    let second = first.as_ref().as_ref().map(|_| scenario.run(lua, subject));
    match (first.as_ref(), second) {
        (Ok(first), Ok(Ok(second))) => {
            verdict.report.clone_from(&first.report);
            verdict.elapsed = first.elapsed;
            verdict.lines = compare(&first.trace, &second.trace, rock.trace.as_ref(), |found| {
                let mut known = table.differences(lua);
                known
                    .find(|(_, line)| line.explains(&scenario.name, found))
                    .map(|(entry, _)| entry)
            });
            if let Some(newest) = trace_on_newest(scenario, lua, subject) {
                let found = unlisted_variations(table, scenario, lua, &first.trace, &newest);
                hold_to_newest(&mut verdict.lines, &found);
            }
            let worst = verdict.lines.iter().map(|line| line.grade).max();
            verdict.grade = worst.unwrap_or(Grade::Fail);
        }
        (Err(trouble), _) | (_, Err(trouble)) => verdict.set_trouble(trouble.clone()),
        (_, Ok(Err(trouble))) => verdict.set_trouble(trouble),
    }
    verdict
}

/// Lines that are the rock's are right wherever they are. The others, for which the table may say no more than
/// that there is something, or for which there is no rock, are those of the newest, or fail.
fn hold_to_newest(lines: &mut [LineVerdict], found: &[Mismatch]) {
    for line in lines.iter_mut().filter(|line| line.grade != Grade::Same) {
        if let Some(found) = found.iter().find(|found| found.claim == line.claim) {
            line.grade = Grade::Fail;
            line.newest = Some(found.other.clone());
        }
    }
}

fn compare<'a>(
    ours: &Trace,
    again: &Trace,
    rock: Option<&Trace>,
    entry_for: impl Fn(&Mismatch) -> Option<&'a Difference>,
) -> Vec<LineVerdict> {
    let traces = [Some(ours), Some(again), rock];
    let claims: BTreeSet<&str> = traces
        .into_iter()
        .flatten()
        .flat_map(Trace::claims)
        .collect();
    let mismatch = |claim: &str, rock: &Trace| Mismatch {
        claim: claim.to_owned(),
        ours: ours.get(claim).to_owned(),
        other: rock.get(claim).to_owned(),
    };
    let lines = claims.into_iter().map(|claim| {
        let nothing = Trace::default();
        let found = mismatch(claim, rock.unwrap_or(&nothing));
        let mut entry = match rock {
            Some(_) if found.ours != found.other => entry_for(&found),
            _ => None,
        };
        if let (Some(rock), Some(error)) = (rock, error_of(claim))
            && entry.is_some_and(|entry| entry.grade == Grade::Position)
        {
            // A position, or a name, is no more than that if the error is the same; else its difference
            // is a part of the error's.
            let error = mismatch(error, rock);
            if error.ours != error.other || error.ours == ABSENT {
                entry = entry_for(&error);
            }
        }
        let again = again.get(claim);
        let is_steady = found.ours == again;
        let grade = match (is_steady, rock, entry) {
            (false, ..) => Grade::Fail,
            (true, None, _) => Grade::NoReference,
            (true, Some(_), Some(entry)) => entry.grade,
            (true, Some(_), None) if found.ours == found.other => Grade::Same,
            (true, Some(_), None) => Grade::Fail,
        };
        LineVerdict {
            claim: found.claim,
            ours: found.ours,
            rock: rock.map(|_| found.other),
            grade,
            difference: entry.map(|entry| entry.id.clone()),
            again: (!is_steady).then(|| again.to_owned()),
            newest: None,
        }
    });
    lines.collect()
}

/// The claim of the text of the error whose position, or name, this claim tells.
fn error_of(claim: &str) -> Option<&str> {
    let mut endings = POSITION_ENDINGS.iter();
    endings.find_map(|ending| claim.strip_suffix(ending))
}

impl Verdict {
    fn set_trouble(&mut self, trouble: Trouble) {
        self.report.clone_from(&trouble.report);
        self.trouble = Some(trouble);
    }

    /// Whether it lets a run succeed. Where the rock cannot run at all, nothing is compared, and nothing
    /// fails for that.
    pub fn is_pass(&self, lua: Lua) -> bool {
        self.grade.is_pass() || self.grade == Grade::NoReference && !lua.has_reference()
    }

    /// Where ours differs from the rock.
    pub fn mismatches(&self) -> impl Iterator<Item = Mismatch> {
        let known = self
            .lines
            .iter()
            .filter_map(|line| Some((line, line.rock.as_ref()?)));
        let differing = known.filter(|(line, rock)| line.ours != **rock);
        differing.map(|(line, rock)| Mismatch {
            claim: line.claim.clone(),
            ours: line.ours.clone(),
            other: rock.clone(),
        })
    }

    /// What fails, or keeps it from a grade, to be read; empty if nothing does.
    pub fn complaint(&self) -> String {
        if let Some(trouble) = &self.trouble {
            return format!("{:?}\n{}", trouble.kind, trouble.report);
        }
        let mut text = String::new();
        if self.side == Side::Unknown {
            text = format!("no reference: {}\n", self.note);
        }
        for line in self.lines.iter().filter(|line| line.grade == Grade::Fail) {
            text += &format!("{}\n    ours: {}\n", line.claim, line.ours);
            if let Some(again) = &line.again {
                text += &format!("    ours, run again: {again}\n");
            }
            if let Some(newest) = &line.newest {
                text += &format!("    ours on {NEWEST}: {newest}\n");
            }
            if let Some(rock) = &line.rock {
                text += &format!("    rock: {rock}\n");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        toml::from_str(
            r#"
            [[difference]]
            id = "known"
            grade = "BUG-FIXED"
            claim = "c"
            versions = ["5.4"]
            rock = "r"
            ours = "o"
            reason = "y"
            safe = "s"
            lines = [{ at = "s/b", shows = "2" }]

            [[difference]]
            id = "position"
            grade = "POSITION"
            claim = "c"
            versions = ["5.4"]
            rock = "r"
            ours = "o"
            reason = "y"
            safe = "s"
            lines = [{ at = "s/*.position", shows = "*" }]
            "#,
        )
        .unwrap()
    }

    fn graded(ours: &str, again: &str, rock: Option<&str>) -> Vec<(String, Grade)> {
        let parse = |text| Trace::parse(text).unwrap();
        let rock = rock.map(parse);
        let table = table();
        let lines = compare(&parse(ours), &parse(again), rock.as_ref(), |found| {
            let mut known = table.differences(Lua::Lua54);
            known
                .find(|(_, line)| line.explains("s", found))
                .map(|(entry, _)| entry)
        });
        lines
            .into_iter()
            .map(|line| (line.claim, line.grade))
            .collect()
    }

    #[test]
    fn every_line_has_its_grade() {
        let ours = "a: 1\nb: 2\nc: 3";
        let found = graded(ours, ours, Some("a: 1\nb: 1\nc: 1"));
        let grades: Vec<Grade> = found.into_iter().map(|(_, grade)| grade).collect();
        assert_eq!(grades, [Grade::Same, Grade::BugFixed, Grade::Fail]);
    }

    #[test]
    fn position_is_that_of_the_same_error_or_part_of_another_difference() {
        let grades = |ours: &str, rock| {
            let found = graded(ours, ours, Some(rock)).into_iter();
            found.map(|(_, grade)| grade).collect::<Vec<_>>()
        };
        let ours = "a: raises \"x\"\na.position: caller";
        let same = grades(ours, "a: raises \"x\"\na.position: cosock");
        assert_eq!(same, [Grade::Same, Grade::Position]);
        let unlisted = grades(ours, "a: raises \"y\"\na.position: cosock");
        assert_eq!(unlisted, [Grade::Fail, Grade::Fail]);
        let listed = grades("b: 2", "b: raises \"x\"\nb.position: cosock");
        assert_eq!(listed, [Grade::BugFixed, Grade::BugFixed]);
        let of_no_error = grades("c.position: caller", "c.position: cosock");
        assert_eq!(of_no_error, [Grade::Fail]);
    }

    #[test]
    fn without_a_reference_nothing_passes() {
        let found = graded("a: 1", "a: 1", None);
        assert_eq!(found, [("a".to_owned(), Grade::NoReference)]);
    }

    #[test]
    fn what_is_not_the_rocks_is_that_of_the_newest() {
        let graded = |rock: Option<&str>| {
            let parse = |text| Trace::parse(text).unwrap();
            let (ours, newest) = (parse("a: 1\nb: 2\nc: 3.0"), parse("a: 4\nb: 5\nc: 3"));
            let table = table();
            let mut lines = compare(&ours, &ours, rock.map(parse).as_ref(), |found| {
                let mut known = table.differences(Lua::Lua54);
                known
                    .find(|(_, line)| line.explains("s", found))
                    .map(|(entry, _)| entry)
            });
            let found = ours.without_subtypes().mismatches(&newest);
            hold_to_newest(&mut lines, &found);
            lines
        };
        let grades = |lines: &[LineVerdict]| lines.iter().map(|it| it.grade).collect::<Vec<_>>();
        let beside = graded(Some("a: 1\nb: 1\nc: 3.0"));
        assert_eq!(grades(&beside), [Grade::Same, Grade::Fail, Grade::Same]);
        assert_eq!(beside[1].newest.as_deref(), Some("5"));
        let alone = graded(None);
        let expected = [Grade::Fail, Grade::Fail, Grade::NoReference];
        assert_eq!(grades(&alone), expected);
    }

    #[test]
    fn unsteady_line_fails_though_it_is_the_rocks() {
        let found = graded("a: 1", "a: 2", Some("a: 1"));
        assert_eq!(found, [("a".to_owned(), Grade::Fail)]);
        let found = graded("a: 1", "a: 1\nb: 1", Some("a: 1"));
        assert_eq!(found[1], ("b".to_owned(), Grade::Fail));
    }
}
