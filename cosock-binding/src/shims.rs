//! The Lua part: what of it every program needs, and what stands for the rest until it is first called.

use std::ffi::{CStr, c_int};

use crate::ffi::{Kind, State, upvalue};
use crate::open::Module;
#[cfg(feature = "lua51")]
use crate::pcall;
use crate::pusher::Pusher;
use crate::runtime::{Runtime, token};
use crate::{arguments, lazy, nesting, select, socket, tcp, udp, wait};

/// The Lua that cannot be lazy.
const SHIMS: &[(&CStr, &str)] = &[
    #[cfg(any(feature = "lua51", feature = "luajit"))]
    (c"=[cosock.frames]", include_str!("lua/frames.lua")),
];

/// Makes a function of a lazy module that is compiled when it is first called. It leaves by a tail call, but on 5.1:
/// there that would hide from errors who has called, where they look past frames of ours.
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

/// Completes the modules with all that is written in Lua, or needs what is.
pub(crate) fn install(lua: State, runtime: &Runtime) {
    let top = lua.top();
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
    complete_socket(lua, runtime, native);
    complete_internals(lua, runtime);
    #[cfg(feature = "tls")]
    crate::ssl::complete(lua, runtime);
    complete_cosock(lua, runtime);
    add_searcher(lua, runtime);
    lua.set_top(top);
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
    #[cfg(not(feature = "lua51"))]
    for name in [c"pcall", c"xpcall"] {
        lua.global(name);
        lua.raw_set_field(native, name);
    }
    #[cfg(feature = "lua51")]
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

/// Copies `table[from]` to `table[to]`, of the table on top.
fn copy(lua: State, from: &CStr, to: &CStr) {
    lua.raw_get_field(-1, from);
    lua.raw_set_field(-2, to);
}

/// Pushes the table of a module.
pub(crate) fn push_module(lua: State, runtime: &Runtime, module: Module) {
    lua.push_kept(runtime.kept.get().modules);
    lua.raw_get_field(-1, module.name());
    lua.remove(-2);
}

fn complete_socket(lua: State, runtime: &Runtime, native: c_int) {
    let plain = Pusher::new(lua, runtime);
    push_module(lua, runtime, Module::Socket);
    let socket = lua.top();
    lua.push_str("LuaSocket 3.0.0");
    lua.raw_set_field(socket, c"_VERSION");
    for (name, number) in [
        (c"_SETSIZE", 1024),
        (c"_DATAGRAMSIZE", 8192),
        (c"_SOCKETINVALID", -1),
        (c"BLOCKSIZE", 2048),
    ] {
        lua.push_integer(number);
        lua.raw_set_field(socket, name);
    }
    // The method tables are called to make an object.
    push_module(lua, runtime, Module::Tcp);
    lua.new_table(0, 1);
    plain.set(-1, c"__call", tcp::create);
    lua.set_metatable(-2);
    lua.raw_set_field(socket, c"tcp");
    push_module(lua, runtime, Module::Udp);
    lua.new_table(0, 1);
    plain.set(-1, c"__call", udp::create);
    lua.set_metatable(-2);
    lua.raw_set_field(socket, c"udp");
    for name in [c"tcp6", c"sleep"] {
        lua.raw_get_field(native, name);
        lua.raw_set_field(socket, name);
    }
    plain.set(socket, c"tcp4", tcp::create_v4);
    plain.set(socket, c"udp4", udp::create_v4);
    plain.set(socket, c"udp6", udp::create_v6);
    plain.set(socket, c"skip", socket::skip);
    // Sources and sinks, as ltn12 has them.
    for (table, default, other) in [
        (c"sourcet", c"until-closed", c"by-length"),
        (c"sinkt", c"keep-open", c"close-when-done"),
    ] {
        lua.new_table(0, 4);
        set_later(lua, runtime, c"cosock.endpoints", &[default, other]);
        copy(lua, default, c"default");
        lua.push_value(-1);
        lua.raw_set_field(native, table);
        lua.raw_set_field(socket, table);
    }
    set_later(
        lua,
        runtime,
        c"functions.socket",
        &[
            c"bind",
            c"choose",
            c"connect",
            c"connect6",
            c"newtry",
            c"protect",
            c"sink",
            c"source",
            c"try",
        ],
    );
    copy(lua, c"connect", c"connect4");
    lua.pop(1);
}

fn complete_internals(lua: State, runtime: &Runtime) {
    lua.push_kept(runtime.kept.get().modules);
    lua.new_table(0, 2);
    set_later(
        lua,
        runtime,
        c"cosock.methods",
        &[c"passthroughbuilder", c"setuprealsocketwaker"],
    );
    lua.raw_set_field(-2, Module::Internals.name());
    lua.pop(1);
}

fn complete_cosock(lua: State, runtime: &Runtime) {
    push_module(lua, runtime, Module::Cosock);
    lua.push_str("0.2.0");
    lua.raw_set_field(-2, c"_VERSION");
    push_implementation(lua);
    lua.raw_set_field(-2, c"_IMPL");
    for (name, module) in [
        (c"socket", Module::Socket),
        (c"channel", Module::Channel),
        (c"ssl", Module::Ssl),
    ] {
        // Nil for a module that was not built: setting that changes nothing.
        push_module(lua, runtime, module);
        lua.raw_set_field(-2, name);
    }
    set_later(
        lua,
        runtime,
        c"functions.cosock",
        &[c"asyncify", c"install_coroutine", c"install_pcall"],
    );
    lua.push_kept(runtime.kept.get().modules);
    lua.raw_get_field(-2, c"asyncify");
    lua.raw_set_field(-2, Module::Asyncify.name());
    lua.pop(2);
}

/// What this is: its version, and where its TLS comes from.
fn push_implementation(lua: State) {
    lua.push_str(concat!("cosock in Rust ", env!("CARGO_PKG_VERSION"), ", "));
    #[cfg(feature = "tls")]
    lua.push_str(cosock_core::tls::library());
    lua.push_str(match () {
        () if cfg!(feature = "tls-vendored") => " (built in)",
        () if cfg!(feature = "tls") => " (the system's)",
        () => "without TLS",
    });
    lua.concat(if cfg!(feature = "tls") { 3 } else { 2 });
}

/// What LuaSocket brings beside sockets, for programs that have no LuaSocket: whoever provides it too,
/// comes first.
const COMPANIONS: [&[u8]; 5] = [
    b"ltn12",
    b"mime",
    b"mime.core",
    b"socket.headers",
    b"socket.url",
];

/// Appends ours to the searchers of `require`, if it has any.
fn add_searcher(lua: State, runtime: &Runtime) {
    if crate::open::push_package(lua) {
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
