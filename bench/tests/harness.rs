//! Every workload, for a moment: programs of ours, on the floor too, and those without Lua are started,
//! loaded and reported. How long anything takes is not looked at. `ci/bench --quick --rounds 1` does it with
//! the peers.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use conformance::{Lua, Subject};
use serde_json::Value;

#[test]
fn every_workload_runs_and_is_reported() {
    let Some(lua) = Lua::ALL.into_iter().find(|lua| lua.is_selected()) else {
        return;
    };
    let module = Subject::Module.command(lua);
    let path = module
        .get_envs()
        .find_map(|(name, value)| value.filter(|_| name == OsStr::new("LUA_CPATH")))
        .expect("the module is found by it")
        .to_string_lossy();
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    // What an earlier test run has left would be gone on with.
    let _ = fs::remove_dir_all(&output);
    let run = bench(lua, &path, &output).output().unwrap();
    let complaints = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{complaints}");

    let file = output.join(format!("{}.json", lua.name()));
    let json = fs::read_to_string(&file).unwrap();
    let results: Value = serde_json::from_str(&json).unwrap();
    let workloads = results["workloads"].as_object().unwrap();
    assert!(!workloads.is_empty());
    for (name, workload) in workloads {
        let samples = &workload["subjects"]["module"]["samples"];
        let operations = samples[0]["operations"].as_u64();
        assert!(operations > Some(0), "{name}: {workload}");
    }
    let raw = &workloads["bulk"]["subjects"]["raw"]["samples"][0];
    assert!(raw["cost"].as_f64() > Some(0.0), "{raw}");
    let table = fs::read_to_string(output.join(format!("{}.md", lua.name()))).unwrap();
    assert!(table.contains("| bulk send | MiB |"), "{table}");
    // What it fails at would have failed the run.
    let floor = &workloads["receive-16"]["subjects"]["floor"]["samples"][0];
    assert_eq!(floor["cost"].as_f64() > Some(0.0), lua == Lua::Lua54);
    assert_eq!(table.contains("| at least |"), lua == Lua::Lua54);

    // What is there already is not measured again, and its results are the same.
    let again = bench(lua, &path, &output).output().unwrap();
    assert!(again.status.success());
    assert!(fs::read_to_string(&file).unwrap() == json);
}

fn bench(lua: Lua, module: &str, output: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
    command
        .args([
            "--quick",
            "--rounds",
            "1",
            "--continue",
            "--lua",
            lua.name(),
        ])
        .args(["--against", &format!("module={module}")])
        .args(["--subject", "module", "--subject", "raw"])
        .args(["--subject", "floor", "--output"])
        .arg(output);
    command
}
