//! Modules whose Lua is compiled when something first asks for them, so that `require "cosock"` does
//! not pay for what a program never uses.
//!
//! The table of modules has a metatable that opens them by name; nothing else needs to know which
//! modules are lazy. Each chunk gets the table of modules, the native functions of `shims.rs` and a
//! table of the module's own native functions, and returns its module.

use std::ffi::{CStr, c_int};

use crate::asyncify;
use crate::ffi::{Function, State, upvalue};
use crate::mime;
use crate::pusher::{Plain, Pusher};
use crate::runtime::Runtime;
use crate::socket;

struct Lazy {
    name: &'static str,
    chunk: &'static CStr,
    source: &'static str,
    native: &'static [Plain],
}

const LAZY: &[Lazy] = &[
    Lazy {
        name: "functions.socket",
        chunk: c"=[cosock.socket]",
        source: include_str!("lua/socket.lua"),
        native: &[],
    },
    Lazy {
        name: "functions.cosock",
        chunk: c"=[cosock]",
        source: include_str!("lua/cosock.lua"),
        native: &[],
    },
    #[cfg(feature = "tls")]
    Lazy {
        name: "functions.ssl",
        chunk: c"=[cosock.ssl]",
        source: include_str!("lua/ssl.lua"),
        native: crate::ssl::NATIVE,
    },
    Lazy {
        name: "cosock.methods",
        chunk: c"=[cosock.internals]",
        source: include_str!("lua/methods.lua"),
        native: &[],
    },
    Lazy {
        name: "cosock.coroutines",
        chunk: c"=[cosock]",
        source: include_str!("lua/coroutines.lua"),
        native: &[],
    },
    Lazy {
        name: "cosock.endpoints",
        chunk: c"=[cosock.socket]",
        source: include_str!("lua/endpoints.lua"),
        native: &[],
    },
    #[cfg(feature = "luajit")]
    Lazy {
        name: "cosock.channel.jit",
        chunk: c"=[cosock.channel]",
        source: include_str!("lua/channel_jit.lua"),
        native: &[],
    },
    #[cfg(feature = "luajit")]
    Lazy {
        name: "cosock.tcp.jit",
        chunk: c"=[cosock.socket]",
        source: include_str!("lua/tcp_jit.lua"),
        native: &[],
    },
    #[cfg(feature = "tls")]
    Lazy {
        name: "cosock.adopt",
        chunk: c"=[cosock.ssl]",
        source: include_str!("lua/adopt.lua"),
        native: &[],
    },
    #[cfg(own_pcall)]
    Lazy {
        name: "pcall",
        chunk: c"=[cosock.pcall]",
        source: include_str!("lua/pcall.lua"),
        native: &[],
    },
    #[cfg(own_pcall)]
    Lazy {
        name: "traceback",
        chunk: c"=[cosock.traceback]",
        source: include_str!("lua/traceback.lua"),
        native: &[],
    },
    Lazy {
        name: "socket.headers",
        chunk: c"=[cosock.headers]",
        source: include_str!("lua/headers.lua"),
        native: &[],
    },
    Lazy {
        name: "socket.url",
        chunk: c"=[cosock.url]",
        source: include_str!("lua/url.lua"),
        native: &[],
    },
    Lazy {
        name: "ltn12",
        chunk: c"=[cosock.ltn12]",
        source: include_str!("lua/ltn12.lua"),
        native: &[],
    },
    Lazy {
        name: "mime",
        chunk: c"=[cosock.mime]",
        source: include_str!("lua/mime.lua"),
        native: mime::NATIVE,
    },
    // LuaSocket's native half has the whole module's functions, too.
    Lazy {
        name: "mime.core",
        chunk: c"=[cosock.mime]",
        source: "local modules = ... return modules.mime",
        native: &[],
    },
    Lazy {
        name: "cosock.http.connection",
        chunk: c"=[cosock.http.connection]",
        source: include_str!("lua/http_connection.lua"),
        native: &[(c"limit_lines", |push| push.method(socket::limit_lines))],
    },
    Lazy {
        name: "cosock.http.raising",
        chunk: c"=[cosock.http.raising]",
        source: include_str!("lua/http_raising.lua"),
        native: &[],
    },
    Lazy {
        name: "cosock.http.request",
        chunk: c"=[cosock.http.request]",
        source: include_str!("lua/http_request.lua"),
        native: &[],
    },
    Lazy {
        name: "cosock.socket.http",
        chunk: c"=[cosock.http]",
        source: include_str!("lua/http.lua"),
        native: &[],
    },
    Lazy {
        name: "cosock.ssl.https",
        chunk: c"=[cosock.https]",
        source: include_str!("lua/https.lua"),
        native: &[],
    },
    Lazy {
        name: "asyncify",
        chunk: c"=[cosock.asyncify]",
        source: include_str!("lua/asyncify.lua"),
        native: asyncify::NATIVE,
    },
    Lazy {
        name: "asyncify.environment",
        chunk: c"=[cosock.environment]",
        source: include_str!("lua/environment.lua"),
        native: asyncify::NATIVE,
    },
    Lazy {
        name: "asyncify.sharing",
        chunk: c"=[cosock.sharing]",
        source: include_str!("lua/sharing.lua"),
        native: asyncify::NATIVE,
    },
];

/// The chunk with those Lua functions by which methods go on where they cannot park a task: it fills the table of shims,
/// in which [`wait::call_shim`](crate::wait::call_shim) looks for them.
const WAITS: (&CStr, &str) = (c"=[cosock.waits]", include_str!("lua/waits.lua"));

/// Gives the table of modules its metatable, and that of the shims; `native` is the index of the native
/// functions.
pub(crate) fn install(lua: State, runtime: &Runtime, native: c_int) {
    let native = lua.absolute(native);
    lua.push_kept(runtime.kept.get().modules);
    lua.push_value(native);
    set_index(lua, runtime, open, 1);
    lua.push_kept(runtime.kept.get().shims);
    lua.push_kept(runtime.kept.get().modules);
    lua.push_value(native);
    set_index(lua, runtime, open_waits, 2);
}

/// Gives the table under the top `upvalues` values a metatable with this `__index`, and pops it.
pub(crate) fn set_index(lua: State, runtime: &Runtime, index: impl Function, upvalues: c_int) {
    lua.push_function(runtime, index, upvalues);
    lua.new_table(0, 1);
    lua.insert(-2);
    lua.raw_set_field(-2, c"__index");
    lua.set_metatable(-2);
    lua.pop(1);
}

/// Loads a chunk, with the globals that there were when cosock was first asked for: `setfenv(0)` may have given others
/// to this coroutine.
pub(crate) fn load(lua: State, runtime: &Runtime, chunk: &CStr, source: &str) {
    lua.load(chunk, source);
    #[cfg(function_environments)]
    {
        lua.push_kept(runtime.kept.get().globals);
        lua.set_function_environment(-2);
    }
    #[cfg(not(function_environments))]
    let _ = runtime;
}

/// `__index` of the table of the shims until it is filled: fills it, and has no more to do.
fn open_waits(lua: State, runtime: &Runtime) -> c_int {
    let (chunk, source) = WAITS;
    lua.set_top(2);
    load(lua, runtime, chunk, source);
    lua.push_value(upvalue(2));
    lua.push_value(upvalue(3));
    lua.push_value(1);
    lua.call(3, 0);
    lua.push_nil();
    lua.set_metatable(1);
    lua.raw_get(1);
    1
}

/// `__index` of the table of modules: opens the module of this name, if there is one.
fn open(lua: State, runtime: &Runtime) -> c_int {
    let wanted = lua.string(2);
    let mut known = LAZY.iter();
    let Some(lazy) = known.find(|lazy| Some(lazy.name.as_bytes()) == wanted) else {
        return 0;
    };
    lua.set_top(2);
    load(lua, runtime, lazy.chunk, lazy.source);
    lua.push_value(1);
    lua.push_value(upvalue(2));
    lua.new_table(0, lazy.native.len() as c_int);
    Pusher::new(lua, runtime).fill(lazy.native);
    lua.call(3, 1);
    lua.push_value(2);
    lua.push_value(-2);
    lua.raw_set(1);
    1
}
