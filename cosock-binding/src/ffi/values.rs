//! What values are, and pushing them.

use std::ffi::{CStr, c_int, c_void};

use mlua::ffi;

use super::{Kind, RawState, State, plain};

/// A value that refers to nothing, so that it may be kept outside Lua.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scalar {
    Boolean(bool),
    #[cfg(integers)]
    Integer(ffi::lua_Integer),
    Number(f64),
}

// SAFETY of the whole block: rules 1 to 3 of `ffi`; each method adds what is its own.
#[allow(clippy::undocumented_unsafe_blocks)]
impl State {
    pub(crate) fn kind(self, index: c_int) -> Kind {
        match unsafe { ffi::lua_type(self.0, index) } {
            ffi::LUA_TNONE => Kind::None,
            ffi::LUA_TNIL => Kind::Nil,
            ffi::LUA_TBOOLEAN => Kind::Boolean,
            ffi::LUA_TLIGHTUSERDATA => Kind::LightUserdata,
            ffi::LUA_TNUMBER => Kind::Number,
            ffi::LUA_TSTRING => Kind::String,
            ffi::LUA_TTABLE => Kind::Table,
            ffi::LUA_TFUNCTION => Kind::Function,
            ffi::LUA_TUSERDATA => Kind::Userdata,
            ffi::LUA_TTHREAD => Kind::Thread,
            _ => Kind::Other,
        }
    }

    pub(crate) fn is_nil(self, index: c_int) -> bool {
        unsafe { ffi::lua_type(self.0, index) <= ffi::LUA_TNIL }
    }

    /// The type's name, as error messages have it.
    pub(crate) fn type_name(self, index: c_int) -> &'static str {
        let name = unsafe {
            let name = ffi::lua_typename(self.0, ffi::lua_type(self.0, index));
            // Type names are string constants of the interpreter.
            CStr::from_ptr(name)
        };
        name.to_str().unwrap_or("?")
    }

    pub(crate) fn to_bool(self, index: c_int) -> bool {
        unsafe { ffi::lua_toboolean(self.0, index) != 0 }
    }

    /// The number, or the number that a string spells.
    #[inline]
    pub(crate) fn to_number(self, index: c_int) -> Option<f64> {
        let mut is_number = 0;
        let number = unsafe { ffi::lua_tonumberx(self.0, index, &mut is_number) };
        (is_number != 0).then_some(number)
    }

    /// [`State::to_number`], at less cost where it is an integer, as most counts and timeouts are.
    #[inline]
    pub(crate) fn to_number_mostly_whole(self, index: c_int) -> Option<f64> {
        match self.to_whole(index) {
            Some(whole) => Some(whole as f64),
            None => self.to_number(index),
        }
    }

    /// The number, or that which a string spells, if it is whole and Lua tells that at once: versions without integers
    /// would give a whole number for any.
    #[inline]
    pub(crate) fn to_whole(self, index: c_int) -> Option<i64> {
        if !cfg!(integers) {
            return None;
        }
        let mut is_whole = 0;
        let whole = unsafe { ffi::lua_tointegerx(self.0, index, &mut is_whole) };
        (is_whole != 0).then_some(whole as i64)
    }

    /// The number, if it is one (and no string) whose text has no fraction and no exponent.
    #[inline]
    pub(crate) fn integer(self, index: c_int) -> Option<i64> {
        let is_integer = unsafe { ffi::lua_isinteger(self.0, index) != 0 };
        is_integer
            .then(|| unsafe { ffi::lua_tointegerx(self.0, index, std::ptr::null_mut()) as i64 })
    }

    /// The value, if it is a number or a boolean.
    #[inline]
    pub(crate) fn scalar(self, index: c_int) -> Option<Scalar> {
        unsafe {
            match ffi::lua_type(self.0, index) {
                ffi::LUA_TBOOLEAN => Some(Scalar::Boolean(self.to_bool(index))),
                // Older versions have but one kind of numbers.
                #[cfg(integers)]
                ffi::LUA_TNUMBER if ffi::lua_isinteger(self.0, index) != 0 => {
                    let integer = ffi::lua_tointegerx(self.0, index, std::ptr::null_mut());
                    Some(Scalar::Integer(integer))
                }
                ffi::LUA_TNUMBER => Some(Scalar::Number(ffi::lua_tonumberx(
                    self.0,
                    index,
                    std::ptr::null_mut(),
                ))),
                _ => None,
            }
        }
    }

    /// The bytes of a string, or of a number's text, which takes the number's place.
    ///
    /// They live as long as the value stays on the stack: the caller uses them before it changes
    /// that slot. May raise for lack of memory when it converts.
    pub(crate) fn to_bytes<'a>(self, index: c_int) -> Option<&'a [u8]> {
        let mut length = 0;
        unsafe {
            let bytes = ffi::lua_tolstring(self.0, index, &mut length);
            (!bytes.is_null()).then(|| std::slice::from_raw_parts(bytes.cast::<u8>(), length))
        }
    }

    /// [`State::to_bytes`] of a string alone: a number stays one, and has none.
    #[inline]
    pub(crate) fn string<'a>(self, index: c_int) -> Option<&'a [u8]> {
        match self.kind(index) {
            Kind::String => self.to_bytes(index),
            _ => None,
        }
    }

    /// The identity of a table, function, userdata or coroutine.
    pub(crate) fn identity(self, index: c_int) -> usize {
        unsafe { ffi::lua_topointer(self.0, index) as usize }
    }

    pub(crate) fn to_coroutine(self, index: c_int) -> Option<*mut RawState> {
        let raw = unsafe { ffi::lua_tothread(self.0, index) };
        (!raw.is_null()).then_some(raw)
    }

    pub(crate) fn raw_equal(self, first: c_int, second: c_int) -> bool {
        unsafe { ffi::lua_rawequal(self.0, first, second) != 0 }
    }

    pub(crate) fn is_c_function(self, index: c_int) -> bool {
        unsafe { ffi::lua_iscfunction(self.0, index) != 0 }
    }

    pub(crate) fn raw_len(self, index: c_int) -> usize {
        unsafe { ffi::lua_rawlen(self.0, index) as usize }
    }

    // --- pushing ---

    pub(crate) fn push_nil(self) {
        unsafe { ffi::lua_pushnil(self.0) }
    }

    pub(crate) fn push_bool(self, value: bool) {
        unsafe { ffi::lua_pushboolean(self.0, c_int::from(value)) }
    }

    /// A float where the language has them apart from integers.
    pub(crate) fn push_number(self, value: f64) {
        unsafe { ffi::lua_pushnumber(self.0, value) }
    }

    pub(crate) fn push_integer(self, value: i64) {
        unsafe { ffi::lua_pushinteger(self.0, value as ffi::lua_Integer) }
    }

    #[inline]
    pub(crate) fn push_scalar(self, value: Scalar) {
        match value {
            Scalar::Boolean(value) => self.push_bool(value),
            #[cfg(integers)]
            Scalar::Integer(value) => unsafe { ffi::lua_pushinteger(self.0, value) },
            Scalar::Number(value) => self.push_number(value),
        }
    }

    /// May raise for lack of memory.
    pub(crate) fn push_bytes(self, bytes: &[u8]) {
        unsafe { plain::lua_pushlstring(self.0, bytes.as_ptr().cast(), bytes.len()) };
    }

    /// May raise for lack of memory.
    pub(crate) fn push_str(self, text: &str) {
        self.push_bytes(text.as_bytes());
    }

    /// Pushes what `tostring` makes of a coroutine. May raise for lack of memory.
    pub(crate) fn push_coroutine_text(self, coroutine: *mut RawState) {
        unsafe { ffi::lua_pushfstring(self.0, c"thread: %p".as_ptr(), coroutine) };
    }

    pub(crate) fn push_pointer(self, pointer: *const c_void) {
        unsafe { ffi::lua_pushlightuserdata(self.0, pointer.cast_mut()) }
    }

    pub(crate) fn to_pointer(self, index: c_int) -> *const c_void {
        unsafe { ffi::lua_touserdata(self.0, index).cast_const() }
    }

    /// Pushes this coroutine itself; tells whether it is the main one.
    pub(crate) fn push_self(self) -> bool {
        unsafe { ffi::lua_pushthread(self.0) != 0 }
    }
}
