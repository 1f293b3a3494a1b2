//! `ssl.newcontext` and `ssl.config`: reads the configuration table.

use std::ffi::c_int;

use crate::ffi::State;
use crate::runtime::Runtime;

/// Makes the metatable of contexts, and keeps it.
pub(crate) fn make_class(lua: State, _: &Runtime) -> c_int {
    lua.new_table(0, 4);
    lua.keep()
}

/// `newcontext(config)`.
pub(crate) fn new_context(_: State, _: &Runtime) -> c_int {
    0
}

/// Pushes the table of what a configuration may say.
pub(crate) fn push_config(lua: State, _: &Runtime) {
    lua.new_table(0, 5);
}
