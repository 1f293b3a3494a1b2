//! The words of the report.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How ours compares with the rock, best first: a cell has the worst grade of its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Grade {
    /// Both show the same.
    #[serde(rename = "SAME")]
    Same,
    /// The rock lacks it; the table says so.
    #[serde(rename = "SUPERSET")]
    Superset,
    /// The same error with the same words, but its text begins with another position in the code, or calls
    /// the function otherwise. Whoever compares whole texts sees the difference, so it is not the same.
    #[serde(rename = "POSITION")]
    Position,
    /// The rock is wrong; the table says so.
    #[serde(rename = "BUG-FIXED")]
    BugFixed,
    /// They differ for another reason that the table gives.
    #[serde(rename = "DIFFERENT")]
    Different,
    /// Nothing is known of the rock here. This is no pass.
    #[serde(rename = "NO REFERENCE")]
    NoReference,
    /// They differ, and the table does not say so; or ours failed.
    #[serde(rename = "FAIL")]
    Fail,
}

impl Grade {
    /// Every grade, best first.
    pub const ALL: [Grade; 7] = [
        Grade::Same,
        Grade::Superset,
        Grade::Position,
        Grade::BugFixed,
        Grade::Different,
        Grade::NoReference,
        Grade::Fail,
    ];

    /// Whether a cell with this grade lets a run succeed.
    pub fn is_pass(self) -> bool {
        self < Grade::NoReference
    }

    /// As it is written in reports.
    pub fn name(self) -> &'static str {
        match self {
            Grade::Same => "SAME",
            Grade::Superset => "SUPERSET",
            Grade::Position => "POSITION",
            Grade::BugFixed => "BUG-FIXED",
            Grade::Different => "DIFFERENT",
            Grade::NoReference => "NO REFERENCE",
            Grade::Fail => "FAIL",
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_table_and_of_reports() {
        for grade in Grade::ALL {
            let written = serde_json::to_value(grade).unwrap();
            assert_eq!(written, grade.name());
        }
    }

    #[test]
    fn worst_is_last() {
        assert!(Grade::ALL.is_sorted());
        assert!(Grade::Different.is_pass());
        assert!(!Grade::NoReference.is_pass());
    }
}
