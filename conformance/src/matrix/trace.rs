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
    /// What the other side shows, or [`ABSENT`].
    pub other: String,
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

    /// The claims' names, in order.
    pub fn claims(&self) -> impl Iterator<Item = &str> {
        self.claims.keys().map(String::as_str)
    }

    /// How many claims there are.
    pub fn len(&self) -> usize {
        self.claims.len()
    }

    /// Whether nothing was claimed.
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// The claims of which this trace, ours, and `other` show something different.
    pub fn mismatches(&self, other: &Trace) -> Vec<Mismatch> {
        let mut names: Vec<&String> = self.claims.keys().chain(other.claims.keys()).collect();
        names.sort();
        names.dedup();
        let different = names
            .into_iter()
            .filter(|name| self.get(name) != other.get(name));
        different
            .map(|name| Mismatch {
                claim: name.clone(),
                ours: self.get(name).to_owned(),
                other: other.get(name).to_owned(),
            })
            .collect()
    }

    /// The same, with floats that have no fraction written as integers: older versions know one
    /// kind of number.
    #[must_use]
    pub fn without_subtypes(&self) -> Trace {
        let claims = self.claims.iter();
        let claims = claims.map(|(claim, values)| (claim.clone(), without_subtypes(values)));
        Trace {
            claims: claims.collect(),
        }
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

/// Cuts `.0` off numbers that stand outside quotes.
fn without_subtypes(values: &str) -> String {
    let mut result = String::with_capacity(values.len());
    for (place, piece) in values.split('"').enumerate() {
        if place > 0 {
            result.push('"');
        }
        if place % 2 == 1 {
            result.push_str(piece);
            continue;
        }
        let mut rest = piece;
        while let Some(found) = rest.find(".0") {
            let (before, after) = rest.split_at(found);
            let after = &after[".0".len()..];
            let is_whole = before.ends_with(|end: char| end.is_ascii_digit() || end == '>')
                && !after.starts_with(|next: char| next.is_ascii_digit());
            result.push_str(before);
            result.push_str(if is_whole { "" } else { ".0" });
            rest = after;
        }
        result.push_str(rest);
    }
    result
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
    fn only_whole_numbers_outside_quotes_lose_their_subtype() {
        let shown = r#"(5) 1.0, -2.0, <fd>.0, 0.05, "3.0", {4.0, "5.0"}"#;
        let expected = r#"(5) 1, -2, <fd>, 0.05, "3.0", {4, "5.0"}"#;
        assert_eq!(without_subtypes(shown), expected);
    }

    #[test]
    fn what_one_side_lacks_is_a_mismatch() {
        let ours = Trace::parse("same: 1\nours: 1\nboth: 1").unwrap();
        let rock = Trace::parse("same: 1\nrock: 1\nboth: 1.0").unwrap();
        let found = ours.mismatches(&rock);
        let shown: Vec<(&str, &str, &str)> = found
            .iter()
            .map(|found| (&*found.claim, &*found.ours, &*found.other))
            .collect();
        let expected = [
            ("both", "1", "1.0"),
            ("ours", "1", ABSENT),
            ("rock", ABSENT, "1"),
        ];
        assert_eq!(shown, expected);
    }
}
