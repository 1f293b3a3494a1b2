//! What `require` finds: the modules by name, and how they get into the tables of the library `package`.

use std::ffi::{CStr, c_int};

use super::open;
use crate::ffi::{self, Kind, RawState, State};
use crate::runtime::Kept;

/// A module that `require` can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Module {
    Cosock,
    Socket,
    Tcp,
    Udp,
    Internals,
    Channel,
    Timers,
    Asyncify,
    Ssl,
    Http,
    Https,
}

impl Module {
    const ALL: [Module; 11] = [
        Module::Cosock,
        Module::Socket,
        Module::Tcp,
        Module::Udp,
        Module::Internals,
        Module::Channel,
        Module::Timers,
        Module::Asyncify,
        Module::Ssl,
        Module::Http,
        Module::Https,
    ];

    /// The name that `require` takes.
    #[must_use]
    pub const fn name(self) -> &'static CStr {
        match self {
            Module::Cosock => c"cosock",
            Module::Socket => c"cosock.socket",
            Module::Tcp => c"cosock.socket.tcp",
            Module::Udp => c"cosock.socket.udp",
            Module::Internals => c"cosock.socket.internals",
            Module::Channel => c"cosock.channel",
            Module::Timers => c"cosock.timers",
            Module::Asyncify => c"cosock.asyncify",
            Module::Ssl => c"cosock.ssl",
            Module::Http => c"cosock.socket.http",
            Module::Https => c"cosock.ssl.https",
        }
    }

    /// Whether its table is made when something first asks for it, and not with the runtime.
    fn is_lazy(self) -> bool {
        matches!(self, Module::Http | Module::Https)
    }
}

/// Registers every module in `package.preload`, for a program that has cosock built in.
///
/// # Safety
///
/// `state` is live, with its standard libraries open, and no Lua code runs in it.
pub unsafe fn preload(state: *mut RawState) {
    // SAFETY: the caller's promise.
    let lua = unsafe { State::new(state) };
    lua.global(c"package");
    lua.get_field(-1, c"preload");
    for module in Module::ALL {
        // SAFETY: the loaders are called by Lua, by `require`.
        unsafe { ffi::push_loader(lua, loader_of(module)) };
        lua.raw_set_field(-2, module.name());
    }
    lua.pop(2);
}

fn loader_of(module: Module) -> mlua::ffi::lua_CFunction {
    macro_rules! loader {
        ($module:expr) => {{
            unsafe extern "C-unwind" fn load(state: *mut RawState) -> c_int {
                // SAFETY: called by Lua with a live state.
                unsafe { open(state, $module) }
            }
            load
        }};
    }
    match module {
        Module::Cosock => loader!(Module::Cosock),
        Module::Socket => loader!(Module::Socket),
        Module::Tcp => loader!(Module::Tcp),
        Module::Udp => loader!(Module::Udp),
        Module::Internals => loader!(Module::Internals),
        Module::Channel => loader!(Module::Channel),
        Module::Timers => loader!(Module::Timers),
        Module::Asyncify => loader!(Module::Asyncify),
        Module::Ssl => loader!(Module::Ssl),
        Module::Http => loader!(Module::Http),
        Module::Https => loader!(Module::Https),
    }
}

/// Pushes `package`, or what there is in its place; tells whether it is a table. `require` has it also where a
/// program hides the global from what it loads.
pub(crate) fn push_package(lua: State) -> bool {
    lua.global(c"package");
    if lua.kind(-1) != Kind::Table {
        lua.pop(1);
        lua.raw_get_field(ffi::REGISTRY, c"_LOADED");
        lua.raw_get_field(-1, c"package");
        lua.remove(-2);
    }
    lua.kind(-1) == Kind::Table
}

/// Enters the modules into `package.loaded`, and lazy ones into `package.preload`, so that no file of
/// another cosock is found for them.
pub(super) fn publish(lua: State, kept: Kept) {
    if !push_package(lua) {
        return lua.pop(1);
    }
    lua.get_field(-1, c"loaded");
    lua.get_field(-2, c"preload");
    let preload = lua.top();
    let loaded = preload - 1;
    if lua.kind(loaded) != Kind::Table || lua.kind(preload) != Kind::Table {
        return lua.pop(3);
    }
    for module in Module::ALL {
        if module.is_lazy() {
            publish_one(lua, preload, module, || {
                // SAFETY: the loaders are called by Lua, by `require`.
                unsafe { ffi::push_loader(lua, loader_of(module)) };
            });
        } else if module != Module::Cosock {
            publish_one(lua, loaded, module, || {
                lua.push_kept(kept.modules);
                // Nil for a module that was not built: setting that changes nothing.
                lua.raw_get_field(-1, module.name());
                lua.remove(-2);
            });
        }
    }
    lua.pop(3);
}

/// Sets what `push` pushes as `table[name]`, unless something is there or the program has done away
/// with the table.
fn publish_one(lua: State, table: c_int, module: Module, push: impl FnOnce()) {
    if lua.kind(table) != Kind::Table {
        return;
    }
    lua.raw_get_field(table, module.name());
    let taken = matches!(lua.kind(-1), Kind::Table | Kind::Function);
    lua.pop(1);
    if !taken {
        push();
        lua.raw_set_field(table, module.name());
    }
}
