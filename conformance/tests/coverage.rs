//! Coverage is checked, not promised: each name and each row of `conformance/data` is covered by a
//! scenario, whose header says so, or stands with a reason in `skips.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use conformance::matrix::{Scenario, is_at_hand, scenarios};
use conformance::run::{PATIENCE, run};
use conformance::{Lua, Subject, repository};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Skips {
    skip: Vec<Skip>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Skip {
    what: Vec<String>,
    reason: String,
}

fn data(file: &str) -> String {
    let path = repository().join("conformance/data").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// The first words of a file's lines, without comments.
fn first_words(file: &str) -> Vec<String> {
    let text = data(file);
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect()
}

/// Every name and row that there is.
fn known() -> BTreeSet<String> {
    let words = [first_words("names.txt"), first_words("behaviour.txt")].concat();
    let known: BTreeSet<String> = words.iter().cloned().collect();
    assert_eq!(known.len(), words.len(), "something comes twice");
    known
}

/// The scenarios that cover each name or row, by what they cover.
fn covered() -> BTreeMap<&'static str, &'static Scenario> {
    let pairs = scenarios().iter().flat_map(|scenario| {
        let covers = scenario.covers.iter();
        covers.map(move |what| (what.as_str(), scenario.as_ref()))
    });
    pairs.collect()
}

fn stands_for(skip: &str, what: &str) -> bool {
    match skip.strip_suffix('*') {
        Some(beginning) => what.starts_with(beginning),
        None => what == skip,
    }
}

#[test]
fn everything_is_covered_or_skipped_with_a_reason() {
    let skips: Skips = toml::from_str(&data("skips.toml")).expect("skips.toml has its form");
    let skipped: Vec<&str> = skips
        .skip
        .iter()
        .flat_map(|skip| skip.what.iter().map(String::as_str))
        .collect();
    let (known, covered) = (known(), covered());
    let mut problems = Vec::new();
    for what in &known {
        let skip = skipped.iter().find(|skip| stands_for(skip, what));
        match (covered.get(what.as_str()), skip) {
            (None, None) => problems.push(format!("{what} has no scenario")),
            (Some(scenario), Some(skip)) => problems.push(format!(
                "{what} is covered by {}: skips.toml needs {skip} no longer, or not so wide",
                scenario.id()
            )),
            _ => {}
        }
    }
    for (what, scenario) in &covered {
        if !known.contains(*what) {
            problems.push(format!("{} covers {what}, which is nowhere", scenario.id()));
        }
    }
    for skip in &skipped {
        if !known.iter().any(|what| stands_for(skip, what)) {
            problems.push(format!("skips.toml: there is no {skip}"));
        }
    }
    for skip in &skips.skip {
        if skip.reason.trim().is_empty() {
            problems.push(format!("skips.toml: {:?} has no reason", skip.what));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

/// A header cannot claim a name that its program never says.
#[test]
fn scenario_says_every_name_that_it_covers() {
    let names: BTreeSet<String> = first_words("names.txt").into_iter().collect();
    let mut problems = Vec::new();
    for scenario in scenarios() {
        let code: Vec<&str> = scenario
            .text
            .lines()
            .filter(|line| !line.starts_with("--"))
            .collect();
        let words: BTreeSet<&str> = code
            .iter()
            .flat_map(|line| line.split(|char: char| !(char.is_alphanumeric() || char == '_')))
            .collect();
        for what in scenario.covers.iter().filter(|what| names.contains(*what)) {
            let last = what.rsplit(['.', ':']).next().unwrap_or_default();
            if !words.contains(last) {
                problems.push(format!(
                    "{} covers {what}, but never says {last}",
                    scenario.id()
                ));
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

/// Where the rock is at hand, as in `ci/jobs/names`, the list of names is what it shows.
#[test]
fn names_are_those_that_the_rock_shows() {
    if !(Lua::Lua54.is_selected() && is_at_hand(Lua::Lua54)) {
        println!("not checked: the rock is not at hand");
        return;
    }
    let program = repository().join("conformance/lua/programs/list_names.lua");
    let mut command = Subject::Reference.script(Lua::Lua54, &program);
    command.arg(certificates::directory().join("ca.pem"));
    let output = run(command, PATIENCE);
    output.check(output.code() == Some(0), "the names are listed");
    let text = data("names.txt");
    let stored: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    output.check(output.lines() == stored, "data/names.txt lists the same");
}
