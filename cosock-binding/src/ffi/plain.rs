//! Functions of the C interface that push a value and tell nothing of it, for callers who do not ask: where Lua's own
//! are so, mlua has them tell by one more call.

#[cfg(not(since_lua53))]
mod old {
    use std::ffi::{c_char, c_int};

    use crate::ffi::RawState;

    unsafe extern "C-unwind" {
        pub(crate) fn lua_getfield(state: *mut RawState, table: c_int, name: *const c_char);
        pub(crate) fn lua_gettable(state: *mut RawState, table: c_int);
        pub(crate) fn lua_pushlstring(state: *mut RawState, bytes: *const c_char, length: usize);
        pub(crate) fn lua_rawget(state: *mut RawState, table: c_int);
        pub(crate) fn lua_rawgeti(state: *mut RawState, table: c_int, place: c_int);
    }
}

#[cfg(not(since_lua53))]
pub(super) use old::*;

#[cfg(since_lua53)]
pub(super) use mlua::ffi::{lua_getfield, lua_gettable, lua_pushlstring, lua_rawget, lua_rawgeti};
