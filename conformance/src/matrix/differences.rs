//! The table of intended differences between ours and the rock, and of those of ours that the
//! versions of Lua make.

use std::fs;

use serde::Deserialize;

use super::grade::Grade;
use super::trace::Mismatch;
use crate::interpreter::Lua;
use crate::repository;

/// Every intended difference.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Where ours differs from the rock.
    pub difference: Vec<Difference>,
    /// Where ours differs between a version of Lua and the newest.
    #[serde(default)]
    pub variation: Vec<Variation>,
}

/// One intended difference.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// Its short name; `G` and a number as the list of the rock's known gaps has it.
    pub id: String,
    /// What kind of difference it is.
    pub grade: Grade,
    /// What it is about, in a line.
    pub claim: String,
    /// The versions of Lua on which ours and the rock differ, by [`Lua::name`].
    pub versions: Vec<String>,
    /// What the rock does.
    pub rock: String,
    /// What ours does.
    pub ours: String,
    /// Why.
    pub reason: String,
    /// Why a program that relies on what the rock does is safe with ours.
    pub safe: String,
    /// The lines of traces in which it shows.
    #[serde(default)]
    pub lines: Vec<Line>,
    /// Why no line shows it, where none does.
    pub untraced: Option<String>,
}

/// A difference of ours between versions, which the language makes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variation {
    /// Its short name.
    pub id: String,
    /// What the language does.
    pub reason: String,
    /// The versions that differ from the newest, by [`Lua::name`].
    pub versions: Vec<String>,
    /// The lines of traces in which it shows.
    pub lines: Vec<Line>,
}

/// A line of traces that may differ, or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// `scenario/claim`; a `*` stands for any text.
    pub at: String,
    /// What ours shows there; a `*` stands for any text.
    pub shows: String,
    /// The versions, where it is not all those of the entry.
    pub versions: Option<Vec<String>>,
}

impl Table {
    /// Reads `conformance/differences.toml`.
    ///
    /// # Panics
    ///
    /// If it cannot be read or has another form.
    pub fn read() -> Table {
        let path = repository().join("conformance/differences.toml");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        toml::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
    }

    /// The lines of differences that hold for a version, with their entries.
    pub fn differences(&self, lua: Lua) -> impl Iterator<Item = (&Difference, &Line)> {
        let entries = self.difference.iter();
        entries.flat_map(move |entry| {
            let lines = lines_for(lua, &entry.versions, &entry.lines);
            lines.map(move |line| (entry, line))
        })
    }

    /// The lines of variations that hold for a version, with their entries.
    pub fn variations(&self, lua: Lua) -> impl Iterator<Item = (&Variation, &Line)> {
        let entries = self.variation.iter();
        entries.flat_map(move |entry| {
            let lines = lines_for(lua, &entry.versions, &entry.lines);
            lines.map(move |line| (entry, line))
        })
    }
}

fn lines_for<'a>(
    lua: Lua,
    versions: &'a [String],
    lines: &'a [Line],
) -> impl Iterator<Item = &'a Line> {
    lines.iter().filter(move |line| line.is_for(lua, versions))
}

impl Line {
    /// Whether it holds on a Lua; `versions` are its entry's.
    pub fn is_for(&self, lua: Lua, versions: &[String]) -> bool {
        let versions = self.versions.as_deref().unwrap_or(versions);
        versions.iter().any(|version| version == lua.name())
    }

    /// Whether it speaks of this mismatch, and ours shows what it must.
    pub fn explains(&self, scenario: &str, mismatch: &Mismatch) -> bool {
        matches(&self.at, &format!("{scenario}/{}", mismatch.claim))
            && matches(&self.shows, &mismatch.ours)
    }

    /// The scenario that it speaks of; none when it may speak of several.
    pub fn scenario(&self) -> Option<&str> {
        let (scenario, _) = self.at.split_once('/')?;
        (!scenario.contains('*')).then_some(scenario)
    }
}

/// Whether `text` has the form of `pattern`, in which a `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().expect("split gives one piece at least");
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = pieces.next_back() else {
        return rest.is_empty();
    };
    for piece in pieces {
        let Some(found) = rest.find(piece) else {
            return false;
        };
        rest = &rest[found + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_stands_for_any_text() {
        for (pattern, text) in [
            ("", ""),
            ("exact", "exact"),
            ("*", ""),
            ("*", "anything"),
            ("a*", "a"),
            ("a*c", "abc"),
            ("*.position", "tcp/x.position"),
            ("a*b*a", "a-b-b-a"),
            ("(3) *, nil, nil", "(3) 5.0, nil, nil"),
        ] {
            assert!(matches(pattern, text), "{pattern} and {text}");
        }
        for (pattern, text) in [
            ("", "x"),
            ("exact", "exactly"),
            ("a*c", "ab"),
            ("a*a", "a"),
            ("a*b*a", "a-a"),
            ("*.position", "tcp/x.name"),
        ] {
            assert!(!matches(pattern, text), "{pattern} and {text}");
        }
    }

    #[test]
    fn line_without_versions_has_those_of_its_entry() {
        let table: Table = toml::from_str(
            r#"
            [[difference]]
            id = "x"
            grade = "DIFFERENT"
            claim = "c"
            versions = ["5.1", "5.4"]
            rock = "r"
            ours = "o"
            reason = "y"
            safe = "s"
            lines = [
                { at = "s/a", shows = "1" },
                { at = "s/b", shows = "*", versions = ["5.4"] },
            ]
            "#,
        )
        .unwrap();
        let explains = |lua: Lua, scenario: &str, claim: &str, ours: &str| {
            let found = Mismatch {
                claim: claim.to_owned(),
                ours: ours.to_owned(),
                other: "other".to_owned(),
            };
            let mut lines = table.differences(lua);
            lines.any(|(_, line)| line.explains(scenario, &found))
        };
        assert!(explains(Lua::Lua51, "s", "a", "1"));
        assert!(!explains(Lua::Lua51, "s", "a", "2"));
        assert!(!explains(Lua::Lua51, "t", "a", "1"));
        assert!(!explains(Lua::Lua51, "s", "b", "2"));
        assert!(explains(Lua::Lua54, "s", "b", "2"));
        assert!(!explains(Lua::Lua53, "s", "a", "1"));
        let lines = &table.difference[0].lines;
        assert_eq!(lines[0].scenario(), Some("s"));
        assert_eq!(
            Line {
                at: "*.x".to_owned(),
                ..lines[0].clone()
            }
            .scenario(),
            None
        );
    }
}
