//! Where modules are looked for: Lua's own default places, and those of the system's packages.

use std::env::consts::ARCH;

use crate::state::State;

/// Adds to the default places those in which Debian's stock interpreters look as well, so that
/// what is installed for them is found here. May raise for lack of memory.
pub(crate) fn add_those_of_the_system(state: State) {
    let added = state
        .load_text(include_bytes!("paths.lua"), c"=paths")
        .and_then(|()| {
            state.push(ARCH.as_bytes());
            state.call(1, 0, None)
        });
    if added.is_err() {
        // It is only that fewer modules are found.
        state.truncate(state.top() - 1);
    }
}
