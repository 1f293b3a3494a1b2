//! JUnit XML: a suite for each Lua and subject, a case for each cell.

use std::collections::BTreeMap;
use std::fmt::Write as _;

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
        let _ = writeln!(
            text,
            "  <testsuite name=\"Lua {lua}, {subject}\" tests=\"{}\" failures=\"{failed}\">",
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
        None => text.push_str("/>\n"),
    }
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
    use super::*;

    #[test]
    fn xml_holds_any_text() {
        assert_eq!(
            escaped("a<b>&\"c\"\n\u{1}"),
            "a&lt;b&gt;&amp;&quot;c&quot;\n?"
        );
    }
}
