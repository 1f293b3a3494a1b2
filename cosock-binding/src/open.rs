//! Puts the runtime and its modules into a Lua state.

mod companions;
mod modules;
mod requiring;

use std::ffi::{CStr, c_int};

use cosock_core::scheduler::Scheduler;

use crate::ffi::{self, Kind, RawState, State};
use crate::pusher::Pusher;
use crate::runtime::{Kept, Runtime};
use crate::{channel, select, shims, socket, tasks, tcp, udp};

#[cfg(feature = "tls")]
pub(crate) use modules::push_module;
use requiring::publish;
pub(crate) use requiring::push_package;
pub use requiring::{Module, preload};

/// Where the registry has the table of a state's module tables.
const MODULES: &CStr = c"cosock.modules";

/// Pushes the table of a module, first making the runtime if this is the state's first.
///
/// # Safety
///
/// `state` is live, and this is called by Lua.
pub unsafe fn open(state: *mut RawState, module: Module) -> c_int {
    // SAFETY: the caller's promise.
    let lua = unsafe { State::new(state) };
    lua.check_stack(20);
    lua.set_top(0);
    lua.raw_get_field(ffi::REGISTRY, MODULES);
    if lua.kind(-1) != Kind::Table {
        lua.pop(1);
        make(lua);
    }
    // Not raw: a metamethod opens what is lazy.
    lua.get_field(-1, module.name());
    if lua.is_nil(-1) {
        crate::arguments::raise(lua, 1, format_args!("this cosock was built without TLS"));
    }
    1
}

/// Makes the runtime and all modules; leaves the table of modules on the stack.
fn make(lua: State) {
    // As the rock does: a peer that is gone is an error of `send`, not the end of the process.
    cosock_core::ignore_sigpipe();
    let made = ffi::push_runtime(lua, || {
        Scheduler::new()
            .map(Runtime::new)
            .map_err(|error| error.raw_os_error().unwrap_or(0))
    });
    let runtime = match made {
        // SAFETY: the userdata keeps it, and is anchored below.
        Ok(runtime) => unsafe { &*runtime },
        Err(code) => crate::arguments::raise(
            lua,
            1,
            format_args!("cosock: the event queue cannot be opened (errno {code})"),
        ),
    };
    let mut kept = Kept {
        anchor: lua.keep(),
        ..Kept::default()
    };
    runtime.kept.set(kept);
    runtime.main.set(ffi::main_coroutine(lua));
    make_tables(lua, runtime, &mut kept);
    runtime.kept.set(kept);
    tasks::release_last_reset(lua, runtime);
    make_inner_classes(lua, runtime, &mut kept);
    runtime.kept.set(kept);
    modules::make(lua, runtime, &mut kept);
    runtime.kept.set(kept);
    shims::install(lua, runtime);
    modules::complete(lua, runtime, lua.top());
    companions::add_searcher(lua, runtime);
    lua.pop(1);
    publish(lua, kept);
    lua.push_kept(kept.modules);
    lua.push_value(-1);
    lua.raw_set_field(ffi::REGISTRY, MODULES);
}

fn keep_table(lua: State) -> c_int {
    lua.new_table(0, 0);
    lua.keep()
}

/// Keeps a table of one value, which to change wants no memory; it is false at first.
fn keep_place(lua: State) -> c_int {
    lua.new_table(1, 0);
    lua.push_bool(false);
    lua.raw_set_at(-2, 1);
    lua.keep()
}

/// Keeps a table whose keys are weak.
fn keep_weak_table(lua: State) -> c_int {
    lua.new_table(0, 0);
    lua.new_table(0, 1);
    lua.push_str("k");
    lua.raw_set_field(-2, c"__mode");
    lua.set_metatable(-2);
    lua.keep()
}

fn make_tables(lua: State, runtime: &Runtime, kept: &mut Kept) {
    kept.selects = keep_table(lua);
    kept.handlers = keep_table(lua);
    kept.callbacks = keep_table(lua);
    kept.references = keep_table(lua);
    kept.modules = keep_table(lua);
    kept.shims = keep_table(lua);
    kept.senders = keep_weak_table(lua);
    kept.spare = keep_place(lua);
    kept.last_reset = keep_place(lua);
    lua.push_str("");
    kept.sender = lua.keep();
    #[cfg(function_environments)]
    {
        lua.push_globals();
        kept.globals = lua.keep();
    }
    lua.global(c"coroutine");
    lua.get_field(-1, c"close");
    kept.close = if lua.is_nil(-1) {
        // The registry has no place for nil; an absent number reads as nil.
        lua.pop(1);
        i32::MAX
    } else {
        lua.keep()
    };
    lua.pop(1);
    let plain = Pusher::new(lua, runtime);
    lua.new_table(0, 4);
    plain.set(-1, c"is_alive", tasks::is_alive);
    plain.set(-1, c"cancel", tasks::cancel);
    plain.set(-1, c"__tostring", tasks::to_string);
    lua.push_value(-1);
    lua.raw_set_field(-2, c"__index");
    kept.handle_meta = lua.keep();
    lua.new_table(0, 1);
    plain.set(-1, c"__index", select::result_index);
    kept.result_meta = lua.keep();
}

/// Hides the metatable on top from `getmetatable`: its `__gc` is for the collector alone.
pub(crate) fn hide(lua: State) {
    lua.push_bool(false);
    lua.raw_set_field(-2, c"__metatable");
}

/// Makes the metatables of the userdata.
fn make_inner_classes(lua: State, runtime: &Runtime, kept: &mut Kept) {
    let plain = Pusher::new(lua, runtime);
    lua.new_table(0, 4);
    hide(lua);
    plain.set(-1, c"__gc", tcp::collect);
    plain.set(-1, c"__tostring", socket::inner_to_string);
    kept.tcp_inner_meta = lua.keep();
    lua.new_table(0, 4);
    hide(lua);
    plain.set(-1, c"__gc", udp::collect);
    plain.set(-1, c"__tostring", socket::inner_to_string);
    kept.udp_inner_meta = lua.keep();
    #[cfg(feature = "tls")]
    crate::ssl::make_classes(lua, runtime, &mut kept.ssl);
    lua.new_table(0, 3);
    hide(lua);
    plain.set(-1, c"__gc", channel::collect);
    plain.set(-1, c"__len", channel::queue_len);
    plain.set(-1, c"__index", channel::queue_index);
    kept.queue_meta = lua.keep();
}
