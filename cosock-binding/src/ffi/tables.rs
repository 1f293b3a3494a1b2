//! Tables, and the registry.

use std::ffi::{CStr, c_int};

use mlua::ffi;

use super::{REGISTRY, State, plain};

// SAFETY of the whole block: rules 1 to 3 of `ffi`; each method adds what is its own.
#[allow(clippy::undocumented_unsafe_blocks)]
impl State {
    // --- tables; those without "raw" run metamethods and may raise anything ---

    /// May raise for lack of memory.
    pub(crate) fn new_table(self, array: c_int, fields: c_int) {
        unsafe { ffi::lua_createtable(self.0, array, fields) }
    }

    /// Replaces the key on top by its value; tells whether that is nil.
    #[inline]
    pub(crate) fn raw_get_is_nil(self, table: c_int) -> bool {
        unsafe { ffi::lua_rawget(self.0, table) == ffi::LUA_TNIL }
    }

    /// Replaces the key on top by its value.
    pub(crate) fn raw_get(self, table: c_int) {
        unsafe { plain::lua_rawget(self.0, table) };
    }

    /// Pops a value and below it the key. May raise for lack of memory, or a nil or NaN key.
    pub(crate) fn raw_set(self, table: c_int) {
        unsafe { ffi::lua_rawset(self.0, table) }
    }

    pub(crate) fn raw_get_at(self, table: c_int, place: usize) {
        unsafe { plain::lua_rawgeti(self.0, table, place as _) };
    }

    /// Pops the value. May raise for lack of memory.
    pub(crate) fn raw_set_at(self, table: c_int, place: usize) {
        unsafe { ffi::lua_rawseti(self.0, table, place as _) }
    }

    /// Tells whether the value that it pushes is a table.
    #[inline]
    pub(crate) fn raw_get_table_at(self, table: c_int, place: usize) -> bool {
        unsafe { ffi::lua_rawgeti(self.0, table, place as _) == ffi::LUA_TTABLE }
    }

    pub(crate) fn raw_get_signed(self, table: c_int, place: i64) {
        unsafe { plain::lua_rawgeti(self.0, table, place as _) };
    }

    /// Pops the value. May raise for lack of memory.
    pub(crate) fn raw_set_signed(self, table: c_int, place: i64) {
        unsafe { ffi::lua_rawseti(self.0, table, place as _) }
    }

    /// May raise for lack of memory.
    pub(crate) fn raw_get_field(self, table: c_int, name: &CStr) {
        let table = self.absolute(table);
        self.push_bytes(name.to_bytes());
        self.raw_get(table);
    }

    /// Pops the value. May raise for lack of memory.
    pub(crate) fn raw_set_field(self, table: c_int, name: &CStr) {
        let table = self.absolute(table);
        self.push_bytes(name.to_bytes());
        self.insert(-2);
        self.raw_set(table);
    }

    pub(crate) fn get_field(self, table: c_int, name: &CStr) {
        unsafe { plain::lua_getfield(self.0, table, name.as_ptr()) };
    }

    pub(crate) fn get(self, table: c_int) {
        unsafe { plain::lua_gettable(self.0, table) };
    }

    /// [`State::get`]; tells whether the value is nil.
    #[inline]
    pub(crate) fn get_is_nil(self, table: c_int) -> bool {
        unsafe { ffi::lua_gettable(self.0, table) == ffi::LUA_TNIL }
    }

    /// Pops a value and below it the key.
    pub(crate) fn set(self, table: c_int) {
        unsafe { ffi::lua_settable(self.0, table) }
    }

    pub(crate) fn global(self, name: &CStr) {
        unsafe { ffi::lua_getglobal(self.0, name.as_ptr()) };
    }

    /// Replaces the key on top by the next pair, or pops it and tells that there is none. Raises
    /// for a key that is not in the table.
    pub(crate) fn next(self, table: c_int) -> bool {
        unsafe { ffi::lua_next(self.0, table) != 0 }
    }

    /// Pushes the metatable, if there is one.
    pub(crate) fn metatable(self, index: c_int) -> bool {
        unsafe { ffi::lua_getmetatable(self.0, index) != 0 }
    }

    /// Pops a table and makes it the metatable.
    pub(crate) fn set_metatable(self, index: c_int) {
        unsafe {
            ffi::lua_setmetatable(self.0, index);
        }
    }

    /// Has the value at `index` closed when it leaves the stack, be it by an error. Raises for one
    /// that can be neither closed nor left alone.
    #[cfg(feature = "lua55")]
    pub(crate) fn to_be_closed(self, index: c_int) {
        unsafe { ffi::lua_toclose(self.0, index) }
    }

    // --- the registry ---

    /// Pops a value and keeps it in the registry under the number returned. May raise for lack of
    /// memory.
    pub(crate) fn keep(self) -> c_int {
        unsafe { ffi::luaL_ref(self.0, REGISTRY) }
    }

    /// Gives up what [`State::keep`] kept.
    pub(crate) fn release(self, number: c_int) {
        unsafe { ffi::luaL_unref(self.0, REGISTRY, number) }
    }

    /// Pops a value and keeps it under a number in place of what [`State::keep`] kept, which wants no memory.
    pub(crate) fn keep_instead(self, number: c_int) {
        unsafe { ffi::lua_rawseti(self.0, REGISTRY, number as _) };
    }

    pub(crate) fn push_kept(self, number: c_int) {
        unsafe { plain::lua_rawgeti(self.0, REGISTRY, number as _) };
    }
}
