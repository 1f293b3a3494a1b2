//! The harness itself, for a moment: programs of ours and the server without Lua are found, started, loaded
//! and reported. How long anything takes is not looked at.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use conformance::{Lua, Subject};
use serde_json::Value;

/// One of each kind of load.
const WORKLOADS: &[&str] = &[
    "idle-0",
    "pipelined",
    "select-100",
    "lines-64",
    "receive-16",
    "all",
    "bulk",
    "accept",
    "connect",
    "udp-32",
    "channel-pingpong",
    "parked-2000",
    "memory-task",
    "require",
];

#[test]
fn loads_are_answered_and_reported() {
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
    let run = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["--quick", "--rounds", "1", "--lua", lua.name()])
        .args(["--against", &format!("module={path}")])
        .args(["--subject", "module", "--subject", "raw"])
        .arg("--output")
        .arg(&output)
        .args(WORKLOADS)
        .output()
        .expect("the harness starts");
    let complaints = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{complaints}");

    let json = fs::read_to_string(output.join(format!("{}.json", lua.name()))).unwrap();
    let results: Value = serde_json::from_str(&json).unwrap();
    for name in WORKLOADS {
        let subjects = &results["workloads"][name]["subjects"];
        let sample = &subjects["module"]["samples"][0];
        let operations = sample["operations"].as_u64();
        assert!(operations > Some(0), "{name}: {subjects}");
    }
    let raw = &results["workloads"]["bulk"]["subjects"]["raw"]["samples"][0];
    assert!(raw["cost"].as_f64() > Some(0.0), "{raw}");
    let table = fs::read_to_string(output.join(format!("{}.md", lua.name()))).unwrap();
    assert!(table.contains("| bulk send | MiB |"), "{table}");
}
