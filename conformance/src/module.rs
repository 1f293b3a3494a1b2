//! The module and the programs of a version: built by a nested cargo once per test process, or taken
//! from the directory that `ci/build` left.

use std::env::{self, consts::DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::Value;

use crate::interpreter::Lua;

/// Names the `dist/` directory to use instead of building: `<version>/cosock.so`, `<version>/cosock`.
pub const DIST: &str = "COSOCK_DIST";

type Built = [OnceLock<Result<PathBuf, Failure>>; Lua::ALL.len()];

static MODULES: Built = [const { OnceLock::new() }; Lua::ALL.len()];
static RUNNERS: Built = [const { OnceLock::new() }; Lua::ALL.len()];
static PLAIN_INTERPRETERS: Built = [const { OnceLock::new() }; Lua::ALL.len()];

/// The directory that holds `cosock.so` for `lua` and nothing else that Lua would load.
///
/// # Panics
///
/// If the module cannot be built or is missing in [`DIST`]; the message holds cargo's own.
pub(crate) fn module_directory(lua: Lua) -> &'static Path {
    let module = MODULES[lua.index()].get_or_init(|| {
        if let Some(ready) = from_dist(lua, "cosock.so") {
            return Ok(ready?);
        }
        let package = lua.module_package();
        let library = format!("lib{}{DLL_SUFFIX}", package.replace('-', "_"));
        let arguments = ["-p", package, "--no-default-features", "--features", tls()];
        let module = build(&arguments, &library, |artifact| {
            keep(artifact, lua, "module", "cosock.so")
        })?;
        Ok(module)
    });
    let module = module
        .as_ref()
        .unwrap_or_else(|failure| panic!("module for {lua}: {}", failure.tell()));
    module.parent().expect("a file has a directory")
}

/// The runner with `lua` built in.
///
/// # Panics
///
/// If the runner cannot be built or is missing in [`DIST`]; the message holds cargo's own.
pub(crate) fn runner(lua: Lua) -> &'static Path {
    let runner = RUNNERS[lua.index()].get_or_init(|| {
        if let Some(ready) = from_dist(lua, "cosock") {
            return Ok(ready?);
        }
        Ok(build_program(lua, "cosock", "runner")?)
    });
    runner
        .as_ref()
        .unwrap_or_else(|failure| panic!("runner for {lua}: {}", failure.tell()))
}

/// A plain interpreter of `lua`, where no stock one is packaged; in [`DIST`] it has a stock one's name.
///
/// # Panics
///
/// If it cannot be built or is missing in [`DIST`]; the message holds cargo's own.
pub(crate) fn plain_interpreter(lua: Lua) -> &'static Path {
    let program = PLAIN_INTERPRETERS[lua.index()].get_or_init(|| {
        if let Some(ready) = from_dist(lua, &format!("lua{}", lua.name())) {
            return Ok(ready?);
        }
        Ok(build_program(lua, "lua", "interpreter")?)
    });
    program
        .as_ref()
        .unwrap_or_else(|failure| panic!("interpreter for {lua}: {}", failure.tell()))
}

/// Whether what is ours for `lua` can be built, or is in [`DIST`].
pub(crate) fn is_to_be_had(lua: Lua) -> bool {
    ["cosock.so", "cosock"]
        .into_iter()
        .all(|file| from_dist(lua, file).is_none_or(|found| found.is_ok()))
}

/// Builds a program of the runner's crate, and keeps it in the directory `what`.
fn build_program(lua: Lua, program: &str, what: &str) -> Result<PathBuf, String> {
    let features = format!("{},{}", lua.runner_feature(), tls());
    let arguments = [
        "-p",
        "cosock-run",
        "--no-default-features",
        "--features",
        &features,
    ];
    // All versions share one artifact, and another cargo may replace it before it is copied: so ask
    // the copy what it is.
    let mut found = String::new();
    for _ in 0..5 {
        let copy = build(&arguments, program, |artifact| {
            keep(artifact, lua, what, program)
        })?;
        found = version_of(&copy)?;
        if found == lua.name() {
            return Ok(copy);
        }
    }
    Err(format!("cargo built it, but it says that it is {found}"))
}

/// The feature for the OpenSSL that `ci/common` has chosen, or else for the system's.
fn tls() -> &'static str {
    match env::var("COSOCK_OPENSSL") {
        Ok(chosen) if chosen == "vendored" => "tls-vendored",
        _ => "tls",
    }
}

/// Why something could not be built. Hundreds of tests may need it, and one report is enough.
struct Failure {
    report: String,
    told: AtomicBool,
}

impl Failure {
    fn tell(&self) -> &str {
        if self.told.swap(true, Ordering::Relaxed) {
            "missing, as the first test that needed it says"
        } else {
            &self.report
        }
    }
}

impl From<String> for Failure {
    fn from(report: String) -> Failure {
        Failure {
            report,
            told: AtomicBool::new(false),
        }
    }
}

fn from_dist(lua: Lua, file: &str) -> Option<Result<PathBuf, String>> {
    let dist = env::var_os(DIST)?;
    let path = Path::new(&dist).join(lua.name()).join(file);
    Some(fs::canonicalize(&path).map_err(|error| format!("{DIST}: {}: {error}", path.display())))
}

/// Runs `cargo build` with `arguments`, finds the artifact called `file`, and gives it to `take`
/// before any other build of this process can touch it.
fn build<T>(
    arguments: &[&str],
    file: &str,
    take: impl FnOnce(&Path) -> Result<T, String>,
) -> Result<T, String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);

    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(crate::repository());
    cargo
        .args(["build", "--message-format=json-render-diagnostics"])
        .args(arguments);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo
        .output()
        .map_err(|error| format!("{cargo:?}: {error}"))?;
    if !output.status.success() {
        let messages = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{cargo:?}: {}\n{messages}", output.status));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let artifact = artifact(&messages, file)
        .ok_or_else(|| format!("{cargo:?} succeeded, but names no artifact {file}"))?;
    take(&artifact)
}

/// The artifact called `file` among cargo's messages, one JSON object a line.
fn artifact(messages: &str, file: &str) -> Option<PathBuf> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let artifacts = messages.filter(|message| message["reason"] == "compiler-artifact");
    let mut paths = artifacts.flat_map(|message| {
        let names = message["filenames"].as_array().cloned().unwrap_or_default();
        names
            .into_iter()
            .filter_map(|name| name.as_str().map(PathBuf::from))
    });
    paths.rfind(|path| path.file_name().is_some_and(|name| name == file))
}

/// Copies the artifact to `conformance/<version>/<what>/<name>` beside it. Whoever loads the file
/// meanwhile, in this process or another, sees the old one or the new one and never a part.
fn keep(artifact: &Path, lua: Lua, what: &str, name: &str) -> Result<PathBuf, String> {
    let beside = artifact.parent().expect("a file has a directory");
    let directory = beside.join("conformance").join(lua.name()).join(what);
    let place = directory.join(name);
    let draft = directory.join(format!("{name}.{}", process::id()));
    fs::create_dir_all(&directory)
        .and_then(|()| fs::copy(artifact, &draft))
        .and_then(|_| fs::rename(&draft, &place))
        .map_err(|error| format!("{}: {error}", place.display()))?;
    Ok(place)
}

/// What the program at `path` says it is, as [`Lua::name`] would.
fn version_of(path: &Path) -> Result<String, String> {
    let question = r#"io.write(jit and "luajit" or _VERSION:match("%d+%.%d+"))"#;
    let answer = Command::new(path)
        .args(["-e", question])
        .output()
        .map_err(|error| format!("{}: {error}", path.display()))?;
    if !answer.status.success() {
        let complaint = String::from_utf8_lossy(&answer.stderr);
        return Err(format!(
            "{} -e: {}\n{complaint}",
            path.display(),
            answer.status
        ));
    }
    Ok(String::from_utf8_lossy(&answer.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifact_is_found_by_its_file_name() {
        let messages = r#"{"reason":"compiler-artifact","filenames":["/t/libother.rlib"]}
            {"reason":"compiler-artifact","filenames":["/t/libcosock_lua51.so"]}
            {"reason":"build-finished","success":true}"#;
        let found = artifact(messages, "libcosock_lua51.so");
        assert_eq!(found.as_deref(), Some(Path::new("/t/libcosock_lua51.so")));
    }

    #[test]
    fn missing_artifact_is_none() {
        assert_eq!(
            artifact(r#"{"reason":"build-finished","success":true}"#, "cosock"),
            None
        );
    }
}
