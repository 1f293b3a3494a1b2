//! Runs the cells, several at a time.

use std::io::{self, Write as _};
use std::panic;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use conformance::matrix::{Scenario, Table, Verdict, judge, rock, unused_lines, vague_lines};
use conformance::{Lua, Subject};

use crate::options::Options;
use crate::report::{Outcome, Report};
use crate::{run_info, terminal};

struct Cell<'a> {
    scenario: &'a Scenario,
    lua: Lua,
    subject: Subject,
}

/// Runs every chosen cell.
pub(crate) fn run(options: &Options, table: &Table) -> Report {
    // What a check of an example panics with is in its verdict.
    panic::set_hook(Box::new(|_| {}));
    let time_start = now();
    let cells = cells(options);
    let done = AtomicUsize::new(0);
    let verdicts = in_parallel(&cells, options.jobs, |cell| {
        let verdict = judge(table, cell.scenario, cell.lua, cell.subject);
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        let outcome = Outcome::of_cell(cell.scenario, cell.lua, cell.subject, &verdict);
        if !outcome.is_pass() {
            terminal::complain(&outcome);
        }
        show_progress(done, cells.len());
        (verdict, outcome)
    });
    let _ = panic::take_hook();
    let mut results: Vec<Outcome> = Vec::new();
    results.extend(complaints_on_the_rock(options));
    let (verdicts, outcomes): (Vec<Verdict>, Vec<Outcome>) = verdicts.into_iter().unzip();
    results.extend(outcomes);
    results.extend(lines_too_many(options, table, &cells, &verdicts));
    Report {
        run_info: run_info::find_out(options),
        time_start,
        time_end: now(),
        results,
        comparison: None,
    }
}

fn cells(options: &Options) -> Vec<Cell<'_>> {
    let mut cells = Vec::new();
    for scenario in &options.scenarios {
        for lua in &options.luas {
            for subject in &options.subjects {
                let (lua, subject) = (*lua, *subject);
                cells.push(Cell {
                    scenario,
                    lua,
                    subject,
                });
            }
        }
    }
    cells
}

/// Where the rock is at hand and does not do what was recorded.
fn complaints_on_the_rock(options: &Options) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for scenario in &options.scenarios {
        for lua in &options.luas {
            if let Some(complaint) = &rock(*lua, scenario).complaint {
                outcomes.push(Outcome::of_rock(scenario, *lua, complaint));
            }
        }
    }
    outcomes.iter().for_each(terminal::complain);
    outcomes
}

/// Lines of the table that explain nothing on a subject of ours, or leave open what need not be open.
fn lines_too_many(
    options: &Options,
    table: &Table,
    cells: &[Cell],
    verdicts: &[Verdict],
) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for lua in &options.luas {
        for subject in options.subjects.iter().filter(|subject| subject.is_ours()) {
            let of_these: Vec<(&Scenario, &Verdict)> = cells
                .iter()
                .zip(verdicts)
                .filter(|(cell, _)| cell.lua == *lua && cell.subject == *subject)
                .map(|(cell, verdict)| (cell.scenario, verdict))
                .collect();
            let unused = unused_lines(table, *lua, &of_these, options.has_every_scenario());
            let unused = unused.into_iter();
            outcomes
                .extend(unused.map(|(entry, line)| Outcome::of_line(entry, line, *lua, *subject)));
        }
    }
    if options.is_complete() {
        let all: Vec<(Lua, &Scenario, &Verdict)> = cells
            .iter()
            .zip(verdicts)
            .map(|(cell, verdict)| (cell.lua, cell.scenario, verdict))
            .collect();
        let vague = vague_lines(table, &all).into_iter();
        outcomes.extend(vague.map(|(entry, line)| Outcome::of_star(entry, line)));
    }
    outcomes.iter().for_each(terminal::complain);
    outcomes
}

/// Does `work` for every item, in `jobs` threads; the results are in the items' order.
pub(crate) fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    jobs: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    thread::scope(|scope| {
        for _ in 0..jobs.min(items.len()) {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(place) else { break };
                    let result = work(item);
                    results
                        .lock()
                        .expect("no thread panics")
                        .push((place, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no thread panics");
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

fn show_progress(done: usize, all: usize) {
    let step = (all / 20).max(1);
    if done.is_multiple_of(step) {
        println!("{done} of {all} cells");
        let _ = io::stdout().flush();
    }
}

/// Milliseconds since 1970, as in wpt's reports.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        assert_eq!(in_parallel(&items, 8, |item| *item), items);
        assert!(in_parallel(&[] as &[usize], 8, |item| *item).is_empty());
    }
}
