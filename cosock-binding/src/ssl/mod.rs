//! `cosock.ssl`: TLS in LuaSec's shape. A TLS object is a TCP object whose inner socket speaks TLS.

pub(crate) mod certificate;
mod config;
mod connection;
pub(crate) mod context;
mod dane;
mod names;
mod peer;

use std::ffi::c_int;

use cosock_core::tls::context::SharedContext;

use crate::ffi::{Class, State};
use crate::module::Pusher;
use crate::open::{self, Module};
use crate::runtime::{Classes, ObjectClass, Runtime};
use crate::tcp;

/// What `newcontext` returns.
// SAFETY: a number of its own, beside those in `runtime`.
pub(crate) const CONTEXT: Class<SharedContext> = unsafe { Class::new(3) };
/// A certificate.
// SAFETY: as above.
pub(crate) const CERTIFICATE: Class<certificate::Object> = unsafe { Class::new(4) };

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
    let plain = Pusher::new(lua, runtime, &[]);
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
    let (meta, class) = open::make_socket_class(
        lua,
        runtime,
        connection::PLAIN,
        connection::BLOCKING,
        kept.inner_meta,
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
    let plain = Pusher::new(lua, runtime, &[]);
    plain.set(module, c"loadcertificate", certificate::load);
    // `config` is long, and few look at it.
    lua.new_table(0, 1);
    plain.set(-1, c"__index", module_index);
    lua.set_metatable(module);
}

/// `__index` of the module: makes `config` when it is first asked for.
fn module_index(lua: State, _: &Runtime) -> c_int {
    if lua.kind(2) != crate::ffi::Kind::String || lua.to_bytes(2) != Some(b"config") {
        return 0;
    }
    lua.set_top(2);
    config::push(lua);
    lua.push_value(2);
    lua.push_value(3);
    lua.raw_set(1);
    1
}

/// Runs the Lua part; `native` is the index of the native functions.
pub(crate) fn load_shim(lua: State, runtime: &Runtime, native: c_int) {
    let kept = runtime.kept.get();
    lua.load(c"=[cosock.ssl]", include_str!("../lua/ssl.lua"));
    lua.push_kept(kept.modules);
    lua.push_value(native);
    lua.push_kept(kept.shims);
    let pusher = Pusher::new(lua, runtime, &crate::socket::NAMES);
    lua.new_table(0, connection::NATIVE.len() as c_int + 1);
    for (name, push) in connection::NATIVE {
        push(pusher);
        lua.raw_set_field(-2, name);
    }
    lua.push_kept(kept.ssl.inner_meta);
    lua.raw_get_field(-1, c"methods");
    lua.raw_set_field(-3, c"inner");
    lua.pop(1);
    lua.call(4, 0);
}
