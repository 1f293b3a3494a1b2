//! What a run was made of.

use std::collections::BTreeMap;
use std::env::{self, consts};
use std::process::Command;

use conformance::matrix::{REVISION, is_at_hand, versions};
use conformance::{CANDIDATE, Lua, Subject, repository};
use serde::{Deserialize, Serialize};

use crate::options::Options;

/// wpt's `run_info`, with what matters here.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RunInfo {
    pub(crate) product: String,
    /// The version in Cargo.toml.
    pub(crate) version: String,
    /// The commit, where git tells it.
    pub(crate) revision: String,
    pub(crate) os: String,
    pub(crate) os_version: String,
    pub(crate) processor: String,
    /// The commit of the rock.
    pub(crate) reference: String,
    /// What the rock was run with, by [`Lua::name`]; a Lua on which it was not run is missing.
    pub(crate) live: BTreeMap<String, String>,
    /// By [`Lua::name`], with the names for people.
    pub(crate) lua: Vec<(String, String)>,
    pub(crate) subjects: Vec<String>,
    /// Whether nothing narrowed the run.
    pub(crate) is_complete: bool,
    /// Whether no scenario was left out; runs of before it was told are known by the line above.
    #[serde(default)]
    pub(crate) every_scenario: bool,
    /// The folder of the candidate, where one was graded.
    #[serde(default)]
    pub(crate) candidate: Option<String>,
}

impl RunInfo {
    /// Whether no scenario was left out.
    pub(crate) fn has_every_scenario(&self) -> bool {
        self.is_complete || self.every_scenario
    }
}

pub(crate) fn find_out(options: &Options) -> RunInfo {
    let luas = options.luas.iter();
    let live = luas.clone().filter(|lua| is_at_hand(**lua));
    RunInfo {
        product: "cosock in Rust".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: answer("git", &["describe", "--always", "--dirty", "--abbrev=10"]),
        os: consts::OS.to_owned(),
        os_version: answer("uname", &["-sr"]),
        processor: consts::ARCH.to_owned(),
        reference: REVISION.to_owned(),
        live: live
            .map(|lua| (lua.name().to_owned(), versions(*lua).to_owned()))
            .collect(),
        lua: luas
            .map(|lua: &Lua| (lua.name().to_owned(), lua.to_string()))
            .collect(),
        subjects: options
            .subjects
            .iter()
            .map(|subject| subject.name().to_owned())
            .collect(),
        is_complete: options.is_complete(),
        every_scenario: options.has_every_scenario(),
        candidate: options
            .subjects
            .contains(&Subject::Candidate)
            .then(|| env::var(CANDIDATE).unwrap_or_default()),
    }
}

/// What a program says in a line, or nothing where it cannot be asked.
fn answer(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(repository())
        .output();
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => String::new(),
    }
}
