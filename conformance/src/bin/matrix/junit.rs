//! JUnit XML: a suite for each Lua and subject, a case for each cell.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use conformance::matrix::Grade;

use crate::report::{Outcome, Report};

pub(crate) fn of(report: &Report) -> String {
    let mut suites: BTreeMap<(&str, &str), Vec<&Outcome>> = BTreeMap::new();
    for outcome in &report.results {
        let key = (outcome.lua.as_str(), outcome.subject.as_str());
        suites.entry(key).or_default().push(outcome);
    }
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for ((lua, subject), outcomes) in suites {
        let failed = outcomes.iter().filter(|it| !it.is_pass()).count();
        let skipped = outcomes.iter().filter(|it| is_skipped(it)).count();
        let _ = writeln!(
            text,
            "  <testsuite name=\"Lua {lua}, {subject}\" tests=\"{}\" failures=\"{failed}\" skipped=\"{skipped}\">",
            outcomes.len()
        );
        for outcome in outcomes {
            write_case(&mut text, outcome);
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn write_case(text: &mut String, outcome: &Outcome) {
    let (chapter, name) = outcome.test.split_once('/').unwrap_or(("", &outcome.test));
    let _ = write!(
        text,
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{}.{:03}\"",
        escaped(chapter),
        escaped(name),
        outcome.duration / 1000,
        outcome.duration % 1000
    );
    match &outcome.message {
        Some(message) => {
            let _ = writeln!(
                text,
                ">\n      <failure type=\"{}\">{}</failure>\n    </testcase>",
                outcome.grade,
                escaped(message)
            );
        }
        None if is_skipped(outcome) => {
            let _ = writeln!(
                text,
                ">\n      <skipped message=\"{}: {}\"/>\n    </testcase>",
                outcome.grade,
                escaped(&outcome.note)
            );
        }
        None => text.push_str("/>\n"),
    }
}

/// What has no reference does not fail where there can be none, and is no pass either.
fn is_skipped(outcome: &Outcome) -> bool {
    outcome.is_pass() && outcome.grade == Grade::NoReference
}

/// As XML takes it: control characters, which it cannot hold, become question marks.
fn escaped(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            '"' => result.push_str("&quot;"),
            '\n' | '\t' => result.push(char),
            _ if char.is_control() => result.push('?'),
            _ => result.push(char),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cell_without_a_reference_is_no_pass() {
        let case = |grade: &str, message: Option<&str>| {
            let outcome = json!({
                "test": "tcp/x", "lua": "5.5", "subject": "module", "status": "OK", "message": message,
                "grade": grade, "reference": "none", "note": "no rock", "duration": 1005, "subtests": [],
            });
            let mut text = String::new();
            write_case(&mut text, &serde_json::from_value(outcome).unwrap());
            text
        };
        assert!(case("SAME", None).ends_with("name=\"x\" time=\"1.005\"/>\n"));
        let alone = case("NO REFERENCE", None);
        assert!(
            alone.contains("<skipped message=\"NO REFERENCE: no rock\"/>"),
            "{alone}"
        );
        let failed = case("NO REFERENCE", Some("newer than its recording"));
        assert!(
            failed.contains("<failure type=\"NO REFERENCE\">newer"),
            "{failed}"
        );
    }

    #[test]
    fn xml_holds_any_text() {
        assert_eq!(
            escaped("a<b>&\"c\"\n\u{1}"),
            "a&lt;b&gt;&amp;&quot;c&quot;\n?"
        );
    }
}
