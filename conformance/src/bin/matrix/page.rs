//! `index.html`: one page for people, which needs nothing else. What it shows is data in it, with
//! equal texts kept once; page.js builds the table from that.

use std::collections::HashMap;

use conformance::matrix::{CHAPTERS, Difference, Grade, Scenario, Table, scenarios};
use conformance::repository;
use serde_json::{Value, json};

use crate::report::{Outcome, Report};

/// The page.
pub(crate) fn of(report: &Report, table: &Table) -> String {
    let data = data(report, table).to_string();
    // What ends a script element must not stand in one.
    let data = data.replace("</", "<\\/");
    include_str!("page.html")
        .replace("/* page.css */", include_str!("page.css"))
        .replace("/* page.js */", include_str!("page.js"))
        .replace("/* data */", &data)
}

/// Texts, each once, known by their places.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
    places: HashMap<String, usize>,
}

impl Texts {
    fn place(&mut self, text: &str) -> usize {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = self.all.len();
        self.all.push(text.to_owned());
        self.places.insert(text.to_owned(), place);
        place
    }
}

fn data(report: &Report, table: &Table) -> Value {
    let mut texts = Texts::default();
    // Cells with equal lines share them.
    let mut blocks = Texts::default();
    let mut cells = Vec::new();
    for outcome in report.results.iter().filter(|outcome| outcome.is_cell()) {
        let lines: Vec<Value> = outcome
            .subtests
            .iter()
            .map(|line| {
                let mut place = |text: &Option<String>| text.as_ref().map(|it| texts.place(it));
                let (rock, difference) = (place(&line.rock), place(&line.difference));
                json!([
                    texts.place(&line.name),
                    texts.place(&line.ours),
                    rock,
                    grade(line.grade),
                    difference
                ])
            })
            .collect();
        cells.push(json!({
            "test": outcome.test,
            "lua": outcome.lua,
            "subject": outcome.subject,
            "grade": grade(outcome.grade),
            "status": outcome.status,
            "reference": outcome.reference,
            "command": outcome.command,
            "note": texts.place(&outcome.note),
            "message": outcome.message,
            "pass": outcome.is_pass(),
            "duration": outcome.duration,
            "lines": blocks.place(&Value::from(lines).to_string()),
        }));
    }
    let shown: Vec<&str> = report.results.iter().map(|it| it.test.as_str()).collect();
    let all = scenarios().iter();
    let rows = all.filter(|scenario| shown.contains(&scenario.id().as_str()));
    let blocks = blocks.all.iter();
    let blocks = blocks.map(|block| serde_json::from_str(block).expect("it was written so"));
    json!({
        "info": report.run_info,
        "time": report.time_end,
        "grades": Grade::ALL.map(Grade::name),
        "chapters": CHAPTERS.iter().map(|it| json!([it.name, it.title])).collect::<Vec<_>>(),
        "scenarios": rows.map(|scenario| row(scenario)).collect::<Vec<_>>(),
        "cells": cells,
        "complaints": complaints(&report.results),
        "comparison": comparison(report),
        "differences": table.difference.iter().map(entry).collect::<Vec<_>>(),
        "blocks": blocks.collect::<Vec<Value>>(),
        "texts": texts.all,
    })
}

/// How the run compares with another one, as the terminal tells it.
fn comparison(report: &Report) -> Value {
    report.comparison.as_ref().map_or(Value::Null, |it| {
        let changes: Vec<String> = it.changes.iter().map(ToString::to_string).collect();
        json!({ "headline": it.headline(), "notes": it.notes, "changes": changes })
    })
}

fn grade(grade: Grade) -> usize {
    grade as usize
}

fn row(scenario: &Scenario) -> Value {
    let path = scenario.path();
    let path = path.strip_prefix(repository()).unwrap_or(&path);
    json!({
        "id": scenario.id(),
        "chapter": scenario.chapter.name,
        "claim": scenario.claim,
        "source": scenario.source,
        "covers": scenario.covers,
        "file": path,
        "script": scenario.text,
    })
}

fn entry(difference: &Difference) -> Value {
    json!({
        "id": difference.id,
        "grade": difference.grade.name(),
        "claim": difference.claim,
        "rock": difference.rock,
        "ours": difference.ours,
        "reason": difference.reason,
        "safe": difference.safe,
        "versions": difference.versions,
    })
}

/// What no cell holds: recordings and lines of the table that are wrong.
fn complaints(results: &[Outcome]) -> Vec<Value> {
    let others = results.iter().filter(|outcome| !outcome.is_cell());
    others
        .map(|it| json!({ "test": it.test, "lua": it.lua, "subject": it.subject, "message": it.message }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kept_once() {
        let mut texts = Texts::default();
        assert_eq!(texts.place("a"), 0);
        assert_eq!(texts.place("b"), 1);
        assert_eq!(texts.place("a"), 0);
        assert_eq!(texts.all, ["a", "b"]);
    }

    #[test]
    fn place_of_a_grade_is_that_in_the_list() {
        for (place, each) in Grade::ALL.into_iter().enumerate() {
            assert_eq!(grade(each), place);
        }
    }
}
