//! Where native functions and Lua meet: the table of native functions that our Lua gets, and the stand-ins for
//! functions written in Lua, which are compiled when they are first called.

use std::ffi::{CStr, c_int};

#[cfg(continuations)]
use crate::channel;
#[cfg(feature = "luajit")]
use crate::ffi::Kind;
use crate::ffi::State;
#[cfg(own_pcall)]
use crate::pcall;
use crate::pusher::Pusher;
use crate::runtime::{Runtime, token};
use crate::{arguments, lazy, nesting, select, socket, tcp, wait};

/// The Lua that cannot be lazy.
const SHIMS: &[(&CStr, &str)] = &[
    #[cfg(not(continuations))]
    (c"=[cosock.frames]", include_str!("lua/frames.lua")),
];

/// Makes a function of a lazy module that is compiled when it is first called. It ends in a tail call, but on 5.1:
/// there that would hide the caller from errors that look past frames of ours.
const LATER: &str = if cfg!(feature = "lua51") {
    "local modules = ... \
    local function results(...) return ... end \
    return function(module, name) \
    return function(...) return results(modules[module][name](...)) end end"
} else {
    "local modules = ... \
    return function(module, name) \
    return function(...) return modules[module][name](...) end end"
};

/// Makes the table of what our Lua gets of us, pushes it and gives it to all of that Lua.
pub(crate) fn install(lua: State, runtime: &Runtime) {
    lua.new_table(0, 40);
    let native = lua.top();
    set_native(lua, runtime, native);
    lazy::install(lua, runtime, native);
    for (name, source) in SHIMS {
        let kept = runtime.kept.get();
        lua.load(name, source);
        lua.push_kept(kept.modules);
        lua.push_value(native);
        lua.push_kept(kept.shims);
        lua.call(3, 0);
    }
    let mut kept = runtime.kept.get();
    lua.load(c"=[cosock]", LATER);
    lua.push_kept(kept.modules);
    lua.call(1, 1);
    kept.later = lua.keep();
    runtime.kept.set(kept);
}

/// Sets what Lua gets of us in the table at `native`.
fn set_native(lua: State, runtime: &Runtime, native: c_int) {
    let plain = Pusher::new(lua, runtime);
    plain.set(native, c"wait", select::wait);
    plain.set(native, c"resume_coroutine", nesting::resume_coroutine);
    plain.set(native, c"sleep", wait::sleep);
    plain.set(native, c"clock", socket::clock);
    plain.set(native, c"time_limit", socket::time_limit);
    plain.set(native, c"raise", arguments::raise_text);
    plain.method_with_names(&socket::NAMES, tcp::bind::<true>);
    lua.raw_set_field(native, c"bind_reusing");
    #[cfg(continuations)]
    {
        plain.method_with_names(&channel::NAMES, channel::receive);
        lua.raw_set_field(native, c"receive_message");
    }
    #[cfg(not(own_pcall))]
    for name in [c"pcall", c"xpcall"] {
        lua.global(name);
        lua.raw_set_field(native, name);
    }
    #[cfg(own_pcall)]
    pcall::set_native(lua, runtime, native);
    plain.set(native, c"tcp", tcp::create);
    plain.set(native, c"tcp6", tcp::create_v6);
    lua.push_pointer(token());
    lua.raw_set_field(native, c"in_lua");
    lua.push_bool(cfg!(feature = "luajit"));
    lua.raw_set_field(native, c"yields_in_lua");
    lua.push_kept(runtime.kept.get().shims);
    lua.raw_set_field(native, c"shims");
    // Now: a program may replace these, by functions that stand on ours.
    lua.global(c"require");
    lua.raw_set_field(native, c"require");
    lua.global(c"coroutine");
    lua.new_table(0, 5);
    for name in [c"close", c"create", c"resume", c"status", c"yield"] {
        lua.get_field(-2, name);
        lua.raw_set_field(-2, name);
    }
    lua.raw_set_field(native, c"coroutine");
    lua.set_top(native);
    #[cfg(feature = "luajit")]
    set_compiled(lua, native);
}

/// Sets what is compiled where LuaJIT does for us what C would: the libraries' functions as they are now, those that
/// there are.
#[cfg(feature = "luajit")]
fn set_compiled(lua: State, native: c_int) {
    const LIBRARIES: [(&CStr, &[&CStr]); 4] = [
        (c"jit", &[c"status"]),
        (c"bit", &[c"band"]),
        (c"math", &[c"floor"]),
        (c"string", &[c"byte", c"find", c"sub"]),
    ];
    lua.new_table(0, 10);
    lua.push_globals();
    let globals = lua.top();
    for name in [c"getmetatable", c"rawget", c"setmetatable", c"type"] {
        lua.raw_get_field(globals, name);
        lua.raw_set_field(globals - 1, name);
    }
    for (library, names) in LIBRARIES {
        lua.raw_get_field(globals, library);
        if lua.kind(-1) == Kind::Table {
            for name in names {
                lua.raw_get_field(-1, name);
                lua.raw_set_field(globals - 1, name);
            }
        }
        lua.pop(1);
    }
    lua.pop(1);
    lua.raw_set_field(native, c"compiled");
}

/// Pushes what compiles the function `name` of a lazy module when it is first called, and calls it.
pub(crate) fn push_later(lua: State, runtime: &Runtime, module: &CStr, name: &CStr) {
    lua.push_kept(runtime.kept.get().later);
    lua.push_bytes(module.to_bytes());
    lua.push_bytes(name.to_bytes());
    lua.call(2, 1);
}

/// Sets the functions of these names in the table on top.
pub(crate) fn set_later(lua: State, runtime: &Runtime, module: &CStr, names: &[&CStr]) {
    for name in names {
        push_later(lua, runtime, module, name);
        lua.raw_set_field(-2, name);
    }
}
