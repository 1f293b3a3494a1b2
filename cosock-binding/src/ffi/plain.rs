//! Functions of the C interface that push a value, without an answer that tells its type. In older versions they have
//! none; there mlua makes one by a second call, which callers that do not ask can save.

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
