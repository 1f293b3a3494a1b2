//! The line to Lua's C interface, and with it all but a few of the binding's unsafe blocks.
//!
//! Rules of this line, on which every SAFETY note below rests:
//!
//! 1. A [`State`] is made only by the trampoline of a function that Lua calls, or from a coroutine
//!    that the runtime keeps anchored or that is on a stack, and lives no longer than that call. So its
//!    pointer is live.
//! 2. Methods that may raise say so. They leave by `longjmp` on most versions, so a caller holds
//!    nothing that needs dropping across them. Bytes and errors wait in the runtime, not in frames.
//! 3. Indexes are valid or acceptable in Lua's sense, and pushes fit: Lua guarantees 20 slots to a
//!    C function; whoever needs more calls [`State::check_stack`].
//! 4. A function yields only as its last act.
//!
//! They hold for programs that leave to us what is ours: with the debug library one can change the upvalues of our
//! functions and what is in the registry, or take the token of a wait off the stack of our loop and yield it without a
//! wait, as one can break the language's own.

mod calls;
mod functions;
mod plain;
mod tables;
mod userdata;
mod values;

use std::ffi::c_int;

use mlua::ffi;

pub(crate) use calls::main_coroutine;
pub(crate) use functions::{Function, push_loader};
pub(crate) use mlua::ffi::lua_State as RawState;
pub(crate) use userdata::{Class, Marks, push_runtime};
pub(crate) use values::Scalar;

/// A live Lua state or coroutine, for the length of one call from Lua; one that the registry has for good lives as long
/// as the runtime, as those of `anchors` do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct State(*mut RawState);

/// The type of a Lua value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    None,
    Nil,
    Boolean,
    LightUserdata,
    Number,
    String,
    Table,
    Function,
    Userdata,
    Thread,
    Other,
}

/// How a call or resume ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Ok,
    Yield,
    Error,
}

impl Status {
    fn of(code: c_int) -> Status {
        match code {
            ffi::LUA_OK => Status::Ok,
            ffi::LUA_YIELD => Status::Yield,
            _ => Status::Error,
        }
    }
}

/// Where the arguments of upvalues and pseudo-indexes lie.
pub(crate) const REGISTRY: c_int = ffi::LUA_REGISTRYINDEX;

/// As many results as there are.
pub(crate) const ALL: c_int = ffi::LUA_MULTRET;

/// The stack index of a function's upvalue; number 1 is the runtime.
pub(crate) const fn upvalue(number: c_int) -> c_int {
    ffi::lua_upvalueindex(number)
}

// SAFETY of the whole block: rules 1 to 3 above; each method adds what is its own.
#[allow(clippy::undocumented_unsafe_blocks)]
impl State {
    /// # Safety
    ///
    /// `raw` must be live, and stay so while the result is used.
    pub(crate) unsafe fn new(raw: *mut RawState) -> State {
        State(raw)
    }

    pub(crate) fn raw(self) -> *mut RawState {
        self.0
    }

    pub(crate) fn top(self) -> c_int {
        unsafe { ffi::lua_gettop(self.0) }
    }

    pub(crate) fn set_top(self, index: c_int) {
        unsafe { ffi::lua_settop(self.0, index) }
    }

    pub(crate) fn pop(self, count: c_int) {
        unsafe { ffi::lua_settop(self.0, -count - 1) }
    }

    pub(crate) fn push_value(self, index: c_int) {
        unsafe { ffi::lua_pushvalue(self.0, index) }
    }

    pub(crate) fn insert(self, index: c_int) {
        unsafe { ffi::lua_insert(self.0, index) }
    }

    pub(crate) fn remove(self, index: c_int) {
        unsafe { ffi::lua_remove(self.0, index) }
    }

    pub(crate) fn replace(self, index: c_int) {
        unsafe { ffi::lua_replace(self.0, index) }
    }

    /// Copies a value to the place of another.
    pub(crate) fn copy(self, from: c_int, to: c_int) {
        #[cfg(since_lua52)]
        unsafe {
            ffi::lua_copy(self.0, from, to);
        }
        #[cfg(not(since_lua52))]
        unsafe {
            let to = self.absolute(to);
            ffi::lua_pushvalue(self.0, from);
            ffi::lua_replace(self.0, to);
        }
    }

    /// Pops two values into the slots at `index` and after it.
    pub(crate) fn pop_into(self, index: c_int) {
        #[cfg(since_lua52)]
        {
            self.copy(-1, index + 1);
            self.copy(-2, index);
            self.pop(2);
        }
        #[cfg(not(since_lua52))]
        {
            self.replace(index + 1);
            self.replace(index);
        }
    }

    pub(crate) fn absolute(self, index: c_int) -> c_int {
        unsafe { ffi::lua_absindex(self.0, index) }
    }

    /// Makes room for `count` more values; raises when there is none.
    pub(crate) fn check_stack(self, count: c_int) {
        unsafe { ffi::luaL_checkstack(self.0, count, c"too many values".as_ptr()) }
    }

    /// Whether room for `count` more values could be made.
    pub(crate) fn has_stack(self, count: c_int) -> bool {
        unsafe { ffi::lua_checkstack(self.0, count) != 0 }
    }

    /// Moves the top `count` values to another coroutine of the same state.
    pub(crate) fn move_to(self, other: State, count: c_int) {
        unsafe { ffi::lua_xmove(self.0, other.0, count) }
    }
}
