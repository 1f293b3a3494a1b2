//! Records the rock's traces.

use conformance::Lua;
use conformance::matrix::{self, Scenario};

use crate::options::Options;
use crate::work::in_parallel;

/// Records every chosen scenario on every chosen Lua. Tells whether all could be recorded.
pub(crate) fn record(options: &Options) -> Result<bool, String> {
    let luas = options.luas.iter().filter(|lua| lua.has_reference());
    let scenarios = options.scenarios.iter();
    let pairs: Vec<(&Scenario, Lua)> = scenarios
        .flat_map(|scenario| luas.clone().map(|lua| (scenario.as_ref(), *lua)))
        .collect();
    let results = in_parallel(&pairs, options.jobs, |(scenario, lua)| {
        let result = matrix::record(*lua, scenario);
        if let Err(why) = &result {
            println!("{} on {lua}: {why}", scenario.id());
        }
        result
    });
    let written = results.iter().filter(|result| matches!(result, Ok(true)));
    let failed = results.iter().filter(|result| result.is_err()).count();
    println!(
        "{} recordings are new, {failed} could not be made, {} are as they were",
        written.clone().count(),
        results.len() - failed - written.count()
    );
    Ok(failed == 0)
}
