//! Each allocation of a program fails, one after the other, alone or with all that come after it: the program gets Lua's
//! error, or what it should get, and nothing is left of what it began.

#![cfg(not(feature = "luajit"))] // Its own accounts of memory go wrong when an allocation fails.

use std::cell::Cell;
use std::ffi::{c_int, c_void};

use mlua::ffi;
use rstest::rstest;

#[path = "../built_in/descriptors.rs"]
mod descriptors;
#[path = "../built_in/support.rs"]
mod support;

use descriptors::{alone, descriptors};
use support::{run, state};

/// Which requests for memory fail.
#[derive(Default)]
struct Faults {
    /// How many have come.
    requests: Cell<usize>,
    /// The first that fails, and the first afterwards that does not.
    first: Cell<usize>,
    end: Cell<usize>,
    /// Whether any has failed.
    struck: Cell<bool>,
    /// Lua's own allocator.
    allocate: Cell<Option<ffi::lua_Alloc>>,
}

thread_local! {
    static FAULTS: Faults = Faults::default();
}

/// Lua's allocator, but for the faults.
unsafe extern "C" fn allocate(
    data: *mut c_void,
    place: *mut c_void,
    old: usize,
    new: usize,
) -> *mut c_void {
    // Without a place the old size is a type. What shrinks does not fail: older versions rely on that.
    let grows = new > 0 && (place.is_null() || new > old);
    let original = FAULTS.with(|faults| {
        let number = faults.requests.get() + usize::from(grows);
        faults.requests.set(number);
        if grows && (faults.first.get()..faults.end.get()).contains(&number) {
            faults.struck.set(true);
            return None;
        }
        faults.allocate.get()
    });
    match original {
        // SAFETY: `fault` has put it there, with its own data, and Lua keeps to its contract.
        Some(original) => unsafe { original(data, place, old, new) },
        None => std::ptr::null_mut(),
    }
}

/// `fault(number, count, fn)`: calls `fn`, and fails `count` requests for memory from that number on; returns whether it
/// ended well, its error, and whether any request has failed.
unsafe extern "C-unwind" fn fault(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: Lua calls this with a live state and a function as third argument, which fits on top of them. The call
    // is protected, so that Lua's allocator is back in its place at the end.
    unsafe {
        let first = ffi::lua_tonumber(state, 1) as usize;
        let count = ffi::lua_tonumber(state, 2) as usize;
        ffi::lua_settop(state, 3);
        let mut data = std::ptr::null_mut();
        let original = ffi::lua_getallocf(state, &mut data);
        FAULTS.with(|faults| {
            faults.requests.set(0);
            faults.first.set(first);
            faults.end.set(first.saturating_add(count));
            faults.struck.set(false);
            faults.allocate.set(Some(original));
        });
        ffi::lua_setallocf(state, allocate, data);
        let status = ffi::lua_pcall(state, 0, 0, 0);
        ffi::lua_setallocf(state, original, data);
        ffi::lua_pushboolean(state, c_int::from(status == ffi::LUA_OK));
        if status == ffi::LUA_OK {
            ffi::lua_pushnil(state);
        } else {
            ffi::lua_pushvalue(state, 3);
        }
        let struck = FAULTS.with(|faults| faults.struck.get());
        ffi::lua_pushboolean(state, c_int::from(struck));
    }
    3
}

/// Runs a program of `programs.lua` once for each of its allocations.
fn survive(program: &str) {
    let _alone = alone();
    let lua = state();
    let globals = lua.globals();
    // SAFETY: `fault` is called with what it wants by `faults.lua` alone.
    let fault = unsafe { lua.create_c_function(fault) }.expect("there is memory");
    globals.set("fault", fault).expect("there is memory");
    let count = lua.create_function(|_, ()| Ok(descriptors()));
    globals
        .set("descriptors", count.expect("there is memory"))
        .expect("there is memory");
    globals.set("program", program).expect("there is memory");
    #[cfg(feature = "tls")]
    globals
        .set("certificates", certificates::directory().to_str())
        .expect("there is memory");
    let code = [include_str!("programs.lua"), include_str!("faults.lua")].concat();
    run(&lua, &code);
}

#[rstest]
fn programs(
    #[values(
        "sockets_outside_of_tasks",
        "streams",
        "names",
        "connects_by_name",
        "selects",
        "channels",
        "sources_and_sinks",
        "http",
        "asyncified"
    )]
    program: &str,
) {
    survive(program);
}

#[cfg(feature = "tls")]
#[rstest]
fn secure_programs(
    #[values(
        "contexts",
        "wraps_outside_of_tasks",
        "tls_streams",
        "tls_certificates",
        "tls_names_and_protocols",
        "tls_sessions",
        "https"
    )]
    program: &str,
) {
    survive(program);
}
