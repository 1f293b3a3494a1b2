//! What `lua/asyncify.lua` cannot do in Lua, or not without the debug library.

use std::ffi::c_int;

use crate::arguments::raise;
use crate::ffi::{Kind, State};
use crate::nesting;
use crate::pusher::Plain;
use crate::runtime::Runtime;

/// The native functions of the module.
pub(crate) const NATIVE: &[Plain] = &[
    (c"adopt", |push| push.method(adopt)),
    (c"call", |push| push.method(call)),
    (c"is_c_function", |push| push.method(is_c_function)),
    (c"is_running", |push| push.method(is_running)),
    (c"set_environment", |push| push.method(set_environment)),
    (c"source", |push| push.method(source)),
];

/// `adopt(copy, original, environment)`: makes the copy of a function, as loaded from its dump, share the
/// original's upvalues, but for its environment. Tells whether it could: a program may have replaced what dumps and
/// loads by functions that make no copies.
fn adopt(lua: State, _: &Runtime) -> c_int {
    const COPY: c_int = 1;
    const ORIGINAL: c_int = 2;
    const ENVIRONMENT: c_int = 3;
    let mut number = 1;
    while let Some(name) = lua.push_upvalue(ORIGINAL, number) {
        if lua.is_c_function(COPY) || !has_upvalue(lua, COPY, number) {
            lua.push_bool(false);
            return 1;
        }
        if is_environment(lua, name) {
            lua.pop(1);
            lua.push_value(ENVIRONMENT);
            lua.set_upvalue(COPY, number);
        } else {
            lua.pop(1);
            if !lua.share_upvalue(COPY, ORIGINAL, number) {
                lua.push_bool(false);
                return 1;
            }
        }
        number += 1;
    }
    #[cfg(function_environments)]
    {
        lua.push_value(ENVIRONMENT);
        lua.set_function_environment(COPY);
    }
    lua.push_bool(true);
    1
}

fn has_upvalue(lua: State, function: c_int, number: c_int) -> bool {
    let found = lua.push_upvalue(function, number).is_some();
    if found {
        lua.pop(1);
    }
    found
}

/// Whether the upvalue of this name, with its value on top, is the environment. A stripped chunk has no
/// names; there it is the one that holds the globals.
fn is_environment(lua: State, name: &[u8]) -> bool {
    if cfg!(function_environments) {
        return false;
    }
    match name {
        b"_ENV" => true,
        b"" | b"(no name)" | b"(*no name)" => {
            lua.push_globals();
            let same = lua.raw_equal(-1, -2);
            lua.pop(1);
            same
        }
        _ => false,
    }
}

/// `call(function, argument)`: calls it from C as `require` does, so that its errors have no position of ours.
fn call(lua: State, _: &Runtime) -> c_int {
    lua.set_top(2);
    lua.call(1, 2);
    2
}

/// `is_c_function(value)`.
fn is_c_function(lua: State, _: &Runtime) -> c_int {
    lua.push_bool(lua.is_c_function(1));
    1
}

/// `is_running(function)`: whether a call of it is in progress in this coroutine, or in those on behalf of
/// which it runs.
fn is_running(lua: State, runtime: &Runtime) -> c_int {
    lua.set_top(1);
    let mut outer = nesting::outer_coroutines(lua, runtime);
    let running = runs_in(lua, lua, 1) || outer.any(|outer| runs_in(lua, outer, 0));
    lua.push_bool(running);
    1
}

/// Whether the function on top of `lua` is called at `level` of the coroutine's stack or below.
fn runs_in(lua: State, coroutine: State, level: c_int) -> bool {
    for level in level.. {
        if coroutine.push_running(level).is_none() {
            return false;
        }
        coroutine.move_to(lua, c_int::from(coroutine != lua));
        let same = lua.raw_equal(-1, -2);
        lua.pop(1);
        if same {
            return true;
        }
    }
    false
}

/// `set_environment(table)`: gives it to the function that called the one that calls this.
fn set_environment(lua: State, _: &Runtime) -> c_int {
    if lua.push_running(2) != Some(false) {
        raise(
            lua,
            2,
            format_args!("'module' not called from a Lua function"),
        );
    }
    let caller = lua.top();
    #[cfg(function_environments)]
    {
        lua.push_value(1);
        lua.set_function_environment(caller);
    }
    #[cfg(not(function_environments))]
    if lua.push_upvalue(caller, 1).is_some() {
        lua.pop(1);
        lua.push_value(1);
        lua.set_upvalue(caller, 1);
    }
    0
}

/// `source(function)`: where its text is from, `@` and a file name, or its text itself.
fn source(lua: State, _: &Runtime) -> c_int {
    if lua.kind(1) == Kind::Function {
        lua.push_source(1);
    } else {
        lua.push_nil();
    }
    1
}
