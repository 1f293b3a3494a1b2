//! What the table of differences says too much: lines that explain nothing, and stars that stand for one
//! text alone.

use std::collections::BTreeSet;

use super::differences::{Difference, Line, Table};
use super::reference::Side;
use super::scenario::Scenario;
use super::trace::Mismatch;
use super::verdict::Verdict;
use crate::interpreter::Lua;

/// The lines of the table that should show on `lua` in one of these scenarios and do not: each has
/// to explain a mismatch. Lines that may speak of scenarios which are not among them do not count.
pub fn unused_lines<'a>(
    table: &'a Table,
    lua: Lua,
    verdicts: &[(&Scenario, &Verdict)],
    is_complete: bool,
) -> Vec<(&'a Difference, &'a Line)> {
    let found: Vec<(&str, Mismatch)> = verdicts
        .iter()
        .flat_map(|(scenario, verdict)| {
            verdict
                .mismatches()
                .map(|found| (scenario.name.as_str(), found))
        })
        .collect();
    let is_known = |name: &str| {
        let verdict = verdicts.iter().find(|(scenario, _)| scenario.name == name);
        verdict.is_some_and(|(_, verdict)| verdict.side != Side::Unknown)
    };
    let lines = table.differences(lua).filter(|(_, line)| {
        line.scenario()
            .map_or(is_complete, |name| is_complete || is_known(name))
    });
    lines
        .filter(|(_, line)| !found.iter().any(|(name, found)| line.explains(name, found)))
        .collect()
}

/// The lines of the table that leave open what ours shows, by a star, though it shows one thing alone: whatever
/// else it showed would pass. `verdicts` are those of every Lua.
pub fn vague_lines<'a>(
    table: &'a Table,
    verdicts: &[(Lua, &Scenario, &Verdict)],
) -> Vec<(&'a Difference, &'a Line)> {
    let found: Vec<(Lua, &str, Mismatch)> = verdicts
        .iter()
        .flat_map(|(lua, scenario, verdict)| {
            let name = scenario.name.as_str();
            verdict.mismatches().map(move |found| (*lua, name, found))
        })
        .collect();
    let is_vague = |entry: &Difference, line: &Line| {
        let explained = found.iter().filter(|(lua, name, found)| {
            line.is_for(*lua, &entry.versions) && line.explains(name, found)
        });
        let texts: BTreeSet<&str> = explained.map(|(.., found)| found.ours.as_str()).collect();
        line.shows.contains('*') && texts.len() == 1
    };
    let entries = table.difference.iter();
    entries
        .flat_map(|entry| entry.lines.iter().map(move |line| (entry, line)))
        .filter(|(entry, line)| is_vague(entry, line))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::matrix::{Grade, LineVerdict, scenarios};

    /// A verdict on lines, each with what ours and the rock show.
    fn verdict(lines: &[(&str, &str, &str)]) -> Verdict {
        let line = |(claim, ours, rock): &(&str, &str, &str)| LineVerdict {
            claim: (*claim).to_owned(),
            ours: (*ours).to_owned(),
            rock: Some((*rock).to_owned()),
            grade: Grade::Different,
            difference: None,
            again: None,
            newest: None,
        };
        Verdict {
            grade: Grade::Different,
            lines: lines.iter().map(line).collect(),
            side: Side::Live,
            note: String::new(),
            trouble: None,
            report: String::new(),
            elapsed: Duration::ZERO,
        }
    }

    fn table(lines: &str) -> Table {
        let text = format!(
            "[[difference]]\nid = \"x\"\ngrade = \"DIFFERENT\"\nclaim = \"c\"\nversions = [\"5.1\", \"5.4\"]\n\
             rock = \"r\"\nours = \"o\"\nreason = \"y\"\nsafe = \"s\"\nlines = [{lines}]"
        );
        toml::from_str(&text).unwrap()
    }

    fn ats(lines: &[(&Difference, &Line)]) -> Vec<String> {
        lines.iter().map(|(_, line)| line.at.clone()).collect()
    }

    #[test]
    fn line_that_explains_nothing_is_found() {
        let scenario = scenarios()
            .iter()
            .find(|it| it.name == "channel")
            .expect("there is one");
        let table = table(
            "{ at = \"channel/a\", shows = \"1\" }, { at = \"channel/b\", shows = \"1\" }, \
             { at = \"channel/c\", shows = \"1\" }, { at = \"udp/a\", shows = \"1\" }, \
             { at = \"channel/d\", shows = \"1\", versions = [\"5.1\"] }",
        );
        // The one is listed, the other no longer differs, the third shows something else.
        let verdict = verdict(&[("a", "1", "2"), ("b", "1", "1"), ("c", "3", "2")]);
        let seen = [(scenario.as_ref(), &verdict)];
        let narrowed = unused_lines(&table, Lua::Lua54, &seen, false);
        assert_eq!(ats(&narrowed), ["channel/b", "channel/c"]);
        let whole = unused_lines(&table, Lua::Lua54, &seen, true);
        assert_eq!(ats(&whole), ["channel/b", "channel/c", "udp/a"]);
    }

    #[test]
    fn star_for_one_text_is_found() {
        let scenario = scenarios()
            .iter()
            .find(|it| it.name == "channel")
            .expect("there is one");
        let table = table(
            "{ at = \"channel/a\", shows = \"1*\" }, { at = \"channel/b*\", shows = \"*\" }, \
             { at = \"channel/b*\", shows = \"4\" }",
        );
        let old = verdict(&[("a", "1", "2"), ("b", "4", "2")]);
        let new = verdict(&[("a", "1", "2"), ("b", "4", "2"), ("b2", "5", "2")]);
        let on = |lua, verdict| (lua, scenario.as_ref(), verdict);
        let both = [on(Lua::Lua51, &old), on(Lua::Lua54, &new)];
        assert_eq!(ats(&vague_lines(&table, &both)), ["channel/a"]);
        let differs = verdict(&[("a", "1.0", "2")]);
        let steady = [both[0], both[1], on(Lua::Lua54, &differs)];
        assert!(vague_lines(&table, &steady).is_empty());
    }
}
