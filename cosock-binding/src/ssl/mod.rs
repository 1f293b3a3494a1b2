//! `cosock.ssl`: TLS in LuaSec's shape. A TLS object is a TCP object whose inner socket speaks TLS.

pub(crate) mod certificate;
mod config;
mod connection;
pub(crate) mod context;
mod dane;
mod names;
mod peer;

use std::ffi::{CStr, c_int};

use cosock_core::tls::context::SharedContext;

use crate::ffi::{Class, Marks, State};
use crate::open::{self, Module};
use crate::pusher::Pusher;
use crate::runtime::{Classes, ObjectClass, Runtime};
use crate::{classes, shims, tcp};

pub(crate) use connection::NATIVE;

/// The lazy module whose functions are those of this one that are written in Lua.
const FUNCTIONS: &CStr = c"functions.ssl";

/// What `newcontext` returns.
pub(crate) const CONTEXT: Class<SharedContext> = {
    static MARKS: Marks<SharedContext> = Marks::new();
    Class::new(&MARKS)
};
/// A certificate.
pub(crate) const CERTIFICATE: Class<certificate::Object> = {
    static MARKS: Marks<certificate::Object> = Marks::new();
    Class::new(&MARKS)
};

/// Registry numbers of what TLS keeps.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kept {
    pub(crate) object_meta: c_int,
    pub(crate) inner_meta: c_int,
    pub(crate) context_meta: c_int,
    pub(crate) certificate_meta: c_int,
}

/// Makes the metatables of the userdata.
pub(crate) fn make_classes(lua: State, runtime: &Runtime, kept: &mut Kept) {
    let plain = Pusher::new(lua, runtime);
    lua.new_table(0, 5);
    open::hide(lua);
    plain.set(-1, c"__gc", tcp::collect);
    plain.set(-1, c"__close", tcp::collect);
    plain.set(-1, c"__tostring", connection::to_string);
    kept.inner_meta = lua.keep();
    kept.context_meta = context::make_class(lua, runtime);
    kept.certificate_meta = certificate::make_class(lua, runtime);
}

/// Makes the module table, which is also that of the methods, and pushes it.
pub(crate) fn make_module(lua: State, runtime: &Runtime, kept: &mut Kept, classes: &mut Classes) {
    let (meta, class) = classes::make(
        lua,
        runtime,
        connection::PLAIN,
        connection::BLOCKING,
        kept.inner_meta,
        connection::fill_inner,
    );
    kept.object_meta = meta;
    let module = lua.top();
    // TLS objects wait as TCP ones do, by the same functions.
    lua.push_kept(runtime.kept.get().modules);
    lua.raw_get_field(-1, Module::Tcp.name());
    for name in [c"setwaker", c"_wake"] {
        lua.raw_get_field(-1, name);
        lua.raw_set_field(module, name);
    }
    lua.set_top(module);
    classes.tls = ObjectClass {
        metatable: class.metatable,
        ..classes.tcp
    };
    let plain = Pusher::new(lua, runtime);
    plain.set(module, c"loadcertificate", certificate::load);
    // `config` is long, and few look at it.
    lua.new_table(0, 1);
    plain.set(-1, c"__index", module_index);
    lua.set_metatable(module);
}

/// `__index` of the module: makes `config` when it is first asked for.
fn module_index(lua: State, _: &Runtime) -> c_int {
    if lua.string(2) != Some(b"config") {
        return 0;
    }
    lua.set_top(2);
    config::push(lua);
    lua.push_value(2);
    lua.push_value(3);
    lua.raw_set(1);
    1
}

/// Completes the module with what is written in Lua, or stands behind Lua frames on some versions.
pub(crate) fn complete(lua: State, runtime: &Runtime) {
    open::push_module(lua, runtime, Module::Ssl);
    for (name, text) in [
        (c"_VERSION", "1.2.0"),
        (c"_COPYRIGHT", "cosock in Rust, after LuaSec 1.2.0"),
    ] {
        lua.push_str(text);
        lua.raw_set_field(-2, name);
    }
    // A TLS object is a TCP object to these.
    open::push_module(lua, runtime, Module::Tcp);
    for name in [c"receive", c"send"] {
        lua.raw_get_field(-1, name);
        lua.raw_set_field(-3, name);
    }
    lua.pop(1);
    let names = [c"dohandshake", c"newcontext", c"wrap"];
    shims::set_later(lua, runtime, FUNCTIONS, &names);
    lua.pop(1);
}
