//! What was found, as the file that keeps it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use conformance::Lua;
use serde::{Deserialize, Serialize};

use crate::floor::FLOOR;
use crate::subject::Subject;
use crate::workload::{ALL, Workload};

/// The results on one Lua.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: String,
    pub(crate) lua: String,
    /// In the order of the columns.
    pub(crate) subjects: Vec<Version>,
    /// Who was not found, and why.
    pub(crate) missing: Vec<String>,
    /// By name.
    pub(crate) workloads: BTreeMap<String, Entry>,
}

/// A subject and what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) name: String,
    pub(crate) version: String,
}

/// One workload.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) title: String,
    pub(crate) operation: String,
    pub(crate) unit: String,
    pub(crate) rounds: usize,
    /// Whether the runs were short ones.
    pub(crate) quick: bool,
    pub(crate) subjects: BTreeMap<String, Series>,
}

/// What became of one subject under one workload.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Series {
    /// The subject's version.
    pub(crate) version: String,
    /// One for each round.
    pub(crate) samples: Vec<Sample>,
    /// Why there are none; the rounds after a failure are not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
}

/// What one measurement found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// What one operation costs, in the workload's unit.
    pub(crate) cost: f64,
    pub(crate) operations: u64,
    /// The part of the time during which the process ran: near 1 it was the bottleneck.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) busy: Option<f64>,
    /// What 99 of 100 requests waited at most, in nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) latency: Option<f64>,
    /// The most memory that the process had, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peak: Option<u64>,
}

impl Series {
    pub(crate) fn costs(&self) -> Vec<f64> {
        self.samples.iter().map(|sample| sample.cost).collect()
    }

    /// How many times `ours` each round of it costs.
    pub(crate) fn ratios(&self, ours: &Series) -> Vec<f64> {
        let rounds = self.samples.iter().zip(&ours.samples);
        rounds
            .map(|(theirs, ours)| theirs.cost / ours.cost)
            .collect()
    }
}

impl Results {
    /// Where the results on `lua` are in `directory`.
    pub(crate) fn path(directory: &Path, lua: Lua) -> PathBuf {
        directory.join(format!("{}.json", lua.name()))
    }

    /// What the file has; nothing if there is none.
    pub(crate) fn load(path: &Path) -> io::Result<Results> {
        match fs::read_to_string(path) {
            Ok(text) => serde_json::from_str(&text)
                .map_err(|error| io::Error::other(format!("{}: {error}", path.display()))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Results::default()),
            Err(error) => Err(error),
        }
    }

    /// Writes the file, all of it or nothing: whoever interrupts the measurement has what was found.
    pub(crate) fn save(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        let new = path.with_extension("json.new");
        fs::write(&new, text)?;
        fs::rename(new, path)
    }

    /// Says who is measured from now on. Columns of earlier workloads stay.
    pub(crate) fn describe(&mut self, lua: Lua, subjects: &[Subject], missing: Vec<String>) {
        self.machine = machine();
        self.lua = lua.to_string();
        self.missing = missing;
        let earlier = std::mem::take(&mut self.subjects);
        self.subjects = subjects
            .iter()
            .map(|subject| Version {
                name: subject.name.clone(),
                version: subject.version.clone(),
            })
            .collect();
        for subject in earlier {
            if !self.subjects.iter().any(|one| one.name == subject.name) {
                self.subjects.push(subject);
            }
        }
        // Other builds of ours stand beside ours.
        const COLUMNS: [&str; 6] = ["cosock", "", "rock", "copas", "cqueues", "luv"];
        self.subjects
            .sort_by_key(|subject| match subject.name.as_str() {
                "raw" => COLUMNS.len(),
                FLOOR => COLUMNS.len() + 1,
                name => COLUMNS.iter().position(|one| *one == name).unwrap_or(1),
            });
    }

    /// Whether `entry` is of the versions that are measured now.
    pub(crate) fn is_current(&self, entry: &Entry) -> bool {
        self.subjects.iter().all(|subject| {
            let series = entry.subjects.get(&subject.name);
            series.is_none_or(|series| series.version == subject.version)
        })
    }

    /// The measured workloads in the order of the list.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = (&'static Workload, &Entry)> {
        ALL.iter()
            .filter_map(|workload| Some((workload, self.workloads.get(workload.name)?)))
    }
}

/// The processor, how many there are, and the kernel.
fn machine() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let count = std::thread::available_parallelism().map_or(1, |count| count.get());
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{count} x {model}, Linux {}", kernel.trim())
}
