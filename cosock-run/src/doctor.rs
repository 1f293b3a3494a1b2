//! `cosock doctor`: what a program gets that requires cosock, here and in the stock interpreter, and
//! from where. It is Lua, like what it examines.

use std::ffi::{CStr, c_int};

use crate::chunk;
use crate::dialect::DIALECT;
use crate::messages::{self, Reported};
use crate::state::State;

const DOCTOR: &str = include_str!("doctor.lua");

/// What the doctor has the stock interpreter run.
const PROBE: &str = include_str!("probe.lua");

/// Runs it with the words behind `doctor`. It ends the program itself, with its finding as exit code.
pub(crate) fn run(
    state: State,
    program: &CStr,
    arguments: &[&'static CStr],
) -> Result<(), Reported> {
    let outcome = state
        .load_text(DOCTOR.as_bytes(), c"=doctor")
        .and_then(|()| {
            let [soft, hard] = descriptor_limits();
            state.push(PROBE.as_bytes());
            state.push(DIALECT.interpreter.as_bytes());
            state.push_integer(soft);
            state.push_integer(hard);
            state.reserve(arguments.len() as c_int, c"too many arguments");
            for argument in arguments {
                state.push(argument.to_bytes());
            }
            chunk::call(state, 4 + arguments.len() as c_int, 0)
        });
    messages::report(state, outcome, Some(program))
}

/// How many descriptors this process may have open, and how many it may ask for: `getrlimit(2)`.
/// -1 is more than can be counted.
fn descriptor_limits() -> [c_int; 2] {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the call writes to `limit`, which is ours.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
    }
    [limit.rlim_cur, limit.rlim_max].map(|count| c_int::try_from(count).unwrap_or(-1))
}
