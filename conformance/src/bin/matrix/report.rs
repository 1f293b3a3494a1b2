//! `matrix.json`: the shape of wpt's reports, with a grade beside each status.

use std::env;
use std::fs;
use std::path::Path;

use conformance::matrix::{
    Difference, Grade, Line, LineVerdict, NEWEST, Scenario, TroubleKind, Verdict,
};
use conformance::{CANDIDATE, DIST, Lua, REFERENCE, Subject};
use serde::{Deserialize, Serialize};

use crate::comparison::Comparison;
use crate::run_info::RunInfo;

/// A whole run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) run_info: RunInfo,
    /// Milliseconds since 1970.
    pub(crate) time_start: u64,
    pub(crate) time_end: u64,
    pub(crate) results: Vec<Outcome>,
    /// What is new since another run, if one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) comparison: Option<Comparison>,
}

/// One cell; or what the rock or the table of differences has to answer for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// `chapter/name`, or `differences/id` for an entry of the table.
    pub(crate) test: String,
    /// The scenario's, for people and for what compares two runs.
    #[serde(default)]
    pub(crate) claim: String,
    /// [`Lua::name`].
    pub(crate) lua: String,
    /// [`Subject::name`].
    pub(crate) subject: String,
    /// `OK`, `ERROR`, `TIMEOUT` or `CRASH`.
    pub(crate) status: String,
    /// Runs it alone; nothing where it is no cell.
    #[serde(default)]
    pub(crate) command: String,
    /// What is wrong, and the command that shows it alone.
    pub(crate) message: Option<String>,
    pub(crate) grade: Grade,
    /// `live`, `recorded` or `none`.
    pub(crate) reference: String,
    /// The versions that the rock's side comes from, or why there is none.
    pub(crate) note: String,
    /// Of one run, in milliseconds.
    pub(crate) duration: u64,
    pub(crate) subtests: Vec<Subtest>,
}

/// One line of a trace.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Subtest {
    pub(crate) name: String,
    /// `PASS`, `FAIL`, or `PRECONDITION_FAILED` where there is no reference.
    pub(crate) status: String,
    pub(crate) message: Option<String>,
    pub(crate) grade: Grade,
    pub(crate) ours: String,
    pub(crate) rock: Option<String>,
    /// The entry of the table that explains it.
    pub(crate) difference: Option<String>,
}

impl Report {
    /// Reads the `matrix.json` of another run.
    ///
    /// # Errors
    ///
    /// In words, if it cannot be read.
    pub(crate) fn read(path: &Path) -> Result<Report, String> {
        let problem = |why: String| format!("{}: {why}", path.display());
        let text = fs::read_to_string(path).map_err(|error| problem(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| problem(error.to_string()))
    }

    pub(crate) fn json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("a report is plain data");
        text + "\n"
    }

    /// Whether everything passed.
    pub(crate) fn is_pass(&self) -> bool {
        self.results.iter().all(Outcome::is_pass)
    }
}

impl Outcome {
    pub(crate) fn of_cell(
        scenario: &Scenario,
        lua: Lua,
        subject: Subject,
        verdict: &Verdict,
    ) -> Outcome {
        let complaint = verdict.complaint();
        let command = command(&scenario.id(), lua, subject);
        let message =
            (!verdict.is_pass(lua)).then(|| format!("{}\nalone: {command}", complaint.trim_end()));
        let status = match verdict.trouble.as_ref().map(|trouble| trouble.kind) {
            None => "OK",
            Some(TroubleKind::TimedOut) => "TIMEOUT",
            Some(TroubleKind::Crashed) => "CRASH",
            Some(TroubleKind::NoTrace) => "ERROR",
        };
        Outcome {
            test: scenario.id(),
            claim: scenario.claim.clone(),
            lua: lua.name().to_owned(),
            subject: subject.name().to_owned(),
            status: status.to_owned(),
            command,
            message,
            grade: verdict.grade,
            reference: verdict.side.name().to_owned(),
            note: verdict.note.clone(),
            duration: verdict.elapsed.as_millis() as u64,
            subtests: verdict.lines.iter().map(Subtest::of).collect(),
        }
    }

    /// That the rock at hand does not do what was recorded of it.
    pub(crate) fn of_rock(scenario: &Scenario, lua: Lua, complaint: &str) -> Outcome {
        let id = scenario.id();
        let again = format!("ci/matrix --record --only {id} --lua {}", lua.name());
        let message = format!("{}\nto record it anew: {again}", complaint.trim_end());
        Outcome::failed(id, lua, Subject::Reference, message)
    }

    /// That a line of the table of differences explains nothing.
    pub(crate) fn of_line(entry: &Difference, line: &Line, lua: Lua, subject: Subject) -> Outcome {
        let message = format!(
            "differences.toml: {} at {:?} showing {:?} no longer differs, or not so",
            entry.id, line.at, line.shows
        );
        let id = format!("differences/{}", entry.id);
        Outcome::failed(id, lua, subject, message)
    }

    /// That a line of the table of differences leaves open what ours shows, and need not.
    pub(crate) fn of_star(entry: &Difference, line: &Line) -> Outcome {
        let message = format!(
            "differences.toml: {} at {:?} showing {:?} stands for one text alone, which should be written out",
            entry.id, line.at, line.shows
        );
        let id = format!("differences/{}", entry.id);
        Outcome::failed(id, NEWEST, Subject::Module, message)
    }

    fn failed(test: String, lua: Lua, subject: Subject, message: String) -> Outcome {
        Outcome {
            test,
            claim: String::new(),
            lua: lua.name().to_owned(),
            subject: subject.name().to_owned(),
            status: "ERROR".to_owned(),
            command: String::new(),
            message: Some(message),
            grade: Grade::Fail,
            reference: "none".to_owned(),
            note: String::new(),
            duration: 0,
            subtests: Vec::new(),
        }
    }

    /// Whether nothing is wrong with it; else there is a message.
    pub(crate) fn is_pass(&self) -> bool {
        self.message.is_none()
    }

    /// Whether it is a cell of the matrix.
    pub(crate) fn is_cell(&self) -> bool {
        self.subject != Subject::Reference.name() && !self.test.starts_with("differences/")
    }

    pub(crate) fn chapter(&self) -> &str {
        self.test.split('/').next().unwrap_or_default()
    }

    /// The scenario's name, without its chapter.
    pub(crate) fn name(&self) -> &str {
        self.test
            .split_once('/')
            .map_or(&self.test, |(_, name)| name)
    }
}

impl Subtest {
    fn of(line: &LineVerdict) -> Subtest {
        let status = match line.grade {
            Grade::Fail => "FAIL",
            Grade::NoReference => "PRECONDITION_FAILED",
            _ => "PASS",
        };
        let message = line
            .again
            .as_ref()
            .map(|again| format!("run again, ours shows {again}"))
            .or_else(|| {
                let newest = line.newest.as_ref()?;
                Some(format!("on {NEWEST} ours shows {newest}"))
            })
            .or_else(|| {
                let rock = line.rock.as_ref()?;
                (*rock != line.ours).then(|| format!("the rock shows {rock}"))
            });
        Subtest {
            name: line.claim.clone(),
            status: status.to_owned(),
            message,
            grade: line.grade,
            ours: line.ours.clone(),
            rock: line.rock.clone(),
            difference: line.difference.clone(),
        }
    }
}

/// The command that runs one cell alone, with the variables that choose what is run.
fn command(test: &str, lua: Lua, subject: Subject) -> String {
    let variables = [DIST, REFERENCE].into_iter();
    let set =
        variables.filter_map(|name| Some(format!("{name}={} ", quoted(&env::var(name).ok()?))));
    let which = match (subject, env::var(CANDIDATE)) {
        (Subject::Candidate, Ok(place)) => format!("--candidate {}", quoted(&place)),
        _ => format!("--subject {}", subject.name()),
    };
    let set: String = set.collect();
    format!("{set}ci/matrix --only {test} --lua {} {which}", lua.name())
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "/._-+:@%=,".contains(char);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn shell_reads_back_what_is_quoted() {
        for text in [
            "",
            "/a/plain-path.1",
            "with a space",
            "it's",
            "$HOME `x` \\ \"",
            "~",
        ] {
            let script = format!("printf %s {}", quoted(text));
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), text);
        }
        assert_eq!(quoted("/a/plain-path.1"), "/a/plain-path.1");
    }
}
