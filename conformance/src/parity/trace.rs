//! What a scenario printed, claim by claim.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Stands for a claim that one side does not print.
pub const ABSENT: &str = "(absent)";

/// Claims and what was seen of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    claims: BTreeMap<String, String>,
}

/// A claim of which two traces say something different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The claim's name.
    pub claim: String,
    /// What ours shows, or [`ABSENT`].
    pub ours: String,
    /// What the rock shows, or [`ABSENT`].
    pub rock: String,
}

impl Trace {
    /// Reads lines of the form `claim: values`; those that begin with `#` and empty ones are skipped.
    ///
    /// # Errors
    ///
    /// If a line has another form, or a claim comes twice.
    pub fn parse(text: &str) -> Result<Trace, String> {
        let mut trace = Trace::default();
        for line in text.lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (claim, values) = line
                .split_once(": ")
                .filter(|(claim, _)| !claim.is_empty() && !claim.contains('"'))
                .ok_or_else(|| format!("this is no claim: {line}"))?;
            if trace.claims.contains_key(claim) {
                return Err(format!("the claim comes twice: {claim}"));
            }
            trace.set(claim, values);
        }
        Ok(trace)
    }

    /// Adds a claim, or replaces what it shows.
    pub fn set(&mut self, claim: &str, values: &str) {
        self.claims.insert(claim.to_owned(), values.to_owned());
    }

    /// What a claim shows, or [`ABSENT`].
    pub fn get(&self, claim: &str) -> &str {
        self.claims.get(claim).map_or(ABSENT, String::as_str)
    }

    /// How many claims there are.
    pub fn len(&self) -> usize {
        self.claims.len()
    }

    /// Whether nothing was claimed.
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// The claims of which this trace, ours, and `rock` show something different.
    pub fn mismatches(&self, rock: &Trace) -> Vec<Mismatch> {
        let mut names: Vec<&String> = self.claims.keys().chain(rock.claims.keys()).collect();
        names.sort();
        names.dedup();
        let different = names
            .into_iter()
            .filter(|name| self.get(name) != rock.get(name));
        different
            .map(|name| Mismatch {
                claim: name.clone(),
                ours: self.get(name).to_owned(),
                rock: rock.get(name).to_owned(),
            })
            .collect()
    }

    /// The text that [`Trace::parse`] reads.
    pub fn text(&self) -> String {
        self.claims
            .iter()
            .fold(String::new(), |mut text, (claim, values)| {
                let _ = writeln!(text, "{claim}: {values}");
                text
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let trace = Trace::parse("b: (1) nil\n# a note\n\na.name: (2) \"x: y\", 1.0\n").unwrap();
        assert_eq!(trace.get("a.name"), "(2) \"x: y\", 1.0");
        assert_eq!(trace.get("c"), ABSENT);
        assert_eq!(Trace::parse(&trace.text()), Ok(trace));
    }

    #[test]
    fn other_lines_and_second_claims_are_refused() {
        assert!(Trace::parse("warning without a colon").is_err());
        assert!(Trace::parse("\"quoted: text\"").is_err());
        assert!(Trace::parse("a: 1\na: 1").is_err());
    }

    #[test]
    fn what_one_side_lacks_is_a_mismatch() {
        let ours = Trace::parse("same: 1\nours: 1\nboth: 1").unwrap();
        let rock = Trace::parse("same: 1\nrock: 1\nboth: 1.0").unwrap();
        let found = ours.mismatches(&rock);
        let shown: Vec<(&str, &str, &str)> = found
            .iter()
            .map(|found| (&*found.claim, &*found.ours, &*found.rock))
            .collect();
        let expected = [
            ("both", "1", "1.0"),
            ("ours", "1", ABSENT),
            ("rock", ABSENT, "1"),
        ];
        assert_eq!(shown, expected);
    }
}
