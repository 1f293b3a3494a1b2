//! The tables of the modules: first their native functions, and then those that are written in Lua, which stand on
//! the native ones.

use std::ffi::{CStr, c_int};

use cosock_core::clock::wall_seconds;

use super::Module;
use crate::ffi::State;
use crate::pusher::Pusher;
use crate::runtime::{Classes, Kept, Runtime};
use crate::shims::set_later;
use crate::{channel, classes, dns, metadata, run, select, socket, tasks, tcp, timers, udp};

/// Makes the tables, with all that is native.
pub(super) fn make(lua: State, runtime: &Runtime, kept: &mut Kept) {
    let mut classes = runtime.classes.get();
    lua.push_kept(kept.modules);
    let modules = lua.top();

    (kept.tcp_meta, classes.tcp) = classes::make(
        lua,
        runtime,
        tcp::PLAIN,
        tcp::BLOCKING,
        kept.tcp_inner_meta,
        tcp::fill_inner,
    );
    lua.raw_set_field(modules, Module::Tcp.name());
    (kept.udp_meta, classes.udp) = classes::make(
        lua,
        runtime,
        udp::PLAIN,
        udp::BLOCKING,
        kept.udp_inner_meta,
        udp::fill_inner,
    );
    lua.raw_set_field(modules, Module::Udp.name());
    #[cfg(feature = "tls")]
    {
        crate::ssl::make_module(lua, runtime, &mut kept.ssl, &mut classes);
        lua.raw_set_field(modules, Module::Ssl.name());
    }

    make_channel(lua, runtime, kept, &mut classes);
    lua.raw_set_field(modules, Module::Channel.name());
    runtime.classes.set(classes);

    let plain = Pusher::new(lua, runtime);
    lua.new_table(0, 3);
    plain.set(-1, c"set", timers::set);
    plain.set(-1, c"cancel", timers::cancel);
    plain.set(-1, c"run", timers::run);
    lua.raw_set_field(modules, Module::Timers.name());

    lua.new_table(0, 40);
    plain.set(-1, c"select", select::select);
    plain.set(-1, c"gettime", gettime);
    lua.new_table(0, 5);
    plain.set(-1, c"toip", dns::toip);
    plain.set(-1, c"tohostname", dns::tohostname);
    plain.set(-1, c"getaddrinfo", dns::getaddrinfo);
    plain.set(-1, c"getnameinfo", dns::getnameinfo);
    plain.set(-1, c"gethostname", dns::gethostname);
    lua.raw_set_field(-2, c"dns");
    lua.raw_set_field(modules, Module::Socket.name());

    lua.new_table(0, 20);
    plain.set(-1, c"spawn", tasks::spawn);
    plain.set(-1, c"run", run::run);
    plain.set(-1, c"reset", tasks::reset);
    plain.set(-1, c"seterrorhandler", tasks::set_error_handler);
    plain.set(-1, c"get_thread_metadata", metadata::get);
    plain.set(-1, c"_debug", metadata::debug);
    lua.raw_set_field(modules, Module::Cosock.name());
    lua.pop(1);
}

fn make_channel(lua: State, runtime: &Runtime, kept: &mut Kept, classes: &mut Classes) {
    let base = lua.top();
    let pusher = Pusher::with_names(lua, runtime, &channel::NAMES);
    lua.new_table(0, 3);
    let module = lua.top();
    pusher.set(module, c"new", channel::new);
    lua.new_table(0, 16);
    pusher.set(-1, c"send", channel::send);
    pusher.set(-1, c"close", channel::close);
    lua.push_value(-1);
    kept.sender_methods = lua.keep();
    lua.raw_set_field(module, c"sender");
    lua.new_table(0, 16);
    pusher.set(-1, c"receive", channel::receive);
    pusher.set(-1, c"close", channel::close);
    pusher.set(-1, c"settimeout", channel::settimeout);
    pusher.method(channel::setwaker);
    classes.receiver.setwaker = lua.identity(-1);
    lua.raw_set_field(-2, c"setwaker");
    lua.push_value(-1);
    kept.receiver_methods = lua.keep();
    lua.raw_set_field(module, c"receiver");
    lua.replace(base + 1);
    lua.set_top(base + 1);
}

/// `socket.gettime()`.
fn gettime(lua: State, _: &Runtime) -> c_int {
    lua.push_number(wall_seconds());
    1
}

/// Completes them with all that is written in Lua, or needs what is. What Lua gets of us is at `native`.
pub(super) fn complete(lua: State, runtime: &Runtime, native: c_int) {
    complete_socket(lua, runtime, native);
    complete_internals(lua, runtime);
    #[cfg(feature = "tls")]
    crate::ssl::complete(lua, runtime);
    complete_cosock(lua, runtime);
}

/// Pushes the table of a module.
pub(crate) fn push_module(lua: State, runtime: &Runtime, module: Module) {
    lua.push_kept(runtime.kept.get().modules);
    lua.raw_get_field(-1, module.name());
    lua.remove(-2);
}

/// Copies `table[from]` to `table[to]`, of the table on top.
fn copy(lua: State, from: &CStr, to: &CStr) {
    lua.raw_get_field(-1, from);
    lua.raw_set_field(-2, to);
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
