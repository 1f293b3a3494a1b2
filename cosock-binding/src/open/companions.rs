//! What LuaSocket brings beside sockets, for programs that have no LuaSocket. If anything else provides it, that
//! comes first.

use std::ffi::c_int;

use super::push_package;
use crate::ffi::{Kind, State, upvalue};
use crate::runtime::Runtime;

/// What `require` calls them.
const COMPANIONS: [&[u8]; 5] = [
    b"ltn12",
    b"mime",
    b"mime.core",
    b"socket.headers",
    b"socket.url",
];

/// Appends ours to the searchers of `require`, if it has any.
pub(super) fn add_searcher(lua: State, runtime: &Runtime) {
    if push_package(lua) {
        lua.get_field(-1, c"searchers");
        if lua.is_nil(-1) {
            lua.pop(1);
            lua.get_field(-1, c"loaders");
        }
        if lua.kind(-1) == Kind::Table {
            let next = lua.raw_len(-1) + 1;
            lua.push_function(runtime, search, 0);
            lua.raw_set_at(-2, next);
        }
        lua.pop(1);
    }
    lua.pop(1);
}

/// Our searcher: returns a loader for the name of a companion.
fn search(lua: State, runtime: &Runtime) -> c_int {
    if !lua.string(1).is_some_and(|name| COMPANIONS.contains(&name)) {
        return 0;
    }
    lua.push_value(1);
    lua.push_function(runtime, load_companion, 1);
    1
}

fn load_companion(lua: State, runtime: &Runtime) -> c_int {
    lua.push_kept(runtime.kept.get().modules);
    lua.push_value(upvalue(2));
    lua.get(-2);
    1
}
