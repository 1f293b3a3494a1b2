//! The Lua state and the part of Lua's C API that the runner uses.
//!
//! # Rules
//!
//! - Any method may raise a Lua error, which leaves every Rust frame up to the protected call without
//!   running destructors. So code below [`State::protect`] owns nothing that has one: it borrows, and
//!   lets Lua hold what must last.
//! - Indices are checked; pushing more than a few values takes [`State::reserve`] first.

use std::ffi::{CStr, c_int, c_void};

use mlua::ffi;

/// A function that Lua calls.
pub(crate) type Function = unsafe extern "C-unwind" fn(*mut ffi::lua_State) -> c_int;

/// The table in which Lua keeps what programs do not see.
pub(crate) const REGISTRY: c_int = ffi::LUA_REGISTRYINDEX;

/// A chunk did not load or a call failed. The error object is on top of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// The text is no Lua.
    Syntax,
    /// Anything else.
    Other,
}

/// A Lua state: from [`State::new`], or given to a [`Function`] for the time of its call.
#[derive(Clone, Copy)]
pub(crate) struct State(*mut ffi::lua_State);

/// Calls one function of the API. The only place that does, but for those with a reason beside them.
macro_rules! api {
    ($state:expr, $function:ident $(, $argument:expr)*) => {
        // SAFETY: whoever made the `State` promised that it is live and that this thread uses it.
        // Indices went through `at`, strings end with NUL or pass their length, and no frame up to
        // the protected call has a destructor that an error would skip (rules of this module).
        unsafe { ffi::$function($state.0 $(, $argument)*) }
    };
}

impl State {
    /// A fresh state without libraries; `None` when memory is short.
    pub(crate) fn new() -> Option<State> {
        // SAFETY: no requirements.
        let state = unsafe { ffi::luaL_newstate() };
        (!state.is_null()).then_some(State(state))
    }

    /// The state that Lua passed to a function.
    ///
    /// # Safety
    ///
    /// `state` is live, and the result is not used after the function's return.
    pub(crate) unsafe fn from_raw(state: *mut ffi::lua_State) -> State {
        State(state)
    }

    /// For the few that need the pointer itself.
    pub(crate) fn as_raw(self) -> *mut ffi::lua_State {
        self.0
    }

    /// Ends the state, with all finalisers.
    ///
    /// # Safety
    ///
    /// No copy of it is used again, and no call is running in it.
    pub(crate) unsafe fn close(self) {
        // SAFETY: promised by the caller.
        unsafe { ffi::lua_close(self.0) }
    }

    /// Calls `function` with `data` as a light userdata. No error leaves this call.
    pub(crate) fn protect(self, function: Function, data: *mut c_void) -> Result<(), Failed> {
        self.push_function(function);
        api!(self, lua_pushlightuserdata, data);
        self.call(1, 0, None)
    }

    /// Calls the function below `arguments` values, with a message handler at an index. `results` may
    /// be [`ffi::LUA_MULTRET`].
    pub(crate) fn call(
        self,
        arguments: c_int,
        results: c_int,
        handler: Option<c_int>,
    ) -> Result<(), Failed> {
        let handler = handler.map_or(0, |index| self.at(index));
        outcome(api!(self, lua_pcall, arguments, results, handler))
    }

    /// Calls the function below `arguments` values without catching errors.
    #[cfg(any(feature = "lua51", feature = "luajit"))]
    pub(crate) fn invoke(self, arguments: c_int, results: c_int) {
        api!(self, lua_call, arguments, results);
    }

    /// Loads a file, or standard input. Its function goes on the stack.
    pub(crate) fn load_file(self, path: Option<&CStr>) -> Result<(), Failed> {
        outcome(api!(
            self,
            luaL_loadfile,
            path.map_or(std::ptr::null(), CStr::as_ptr)
        ))
    }

    /// Loads a text. Its function goes on the stack.
    pub(crate) fn load_text(self, text: &[u8], name: &CStr) -> Result<(), Failed> {
        // Since 5.5 no bytecode.
        let mode = if cfg!(feature = "lua55") { c"t" } else { c"bt" };
        outcome(api!(
            self,
            luaL_loadbufferx,
            text.as_ptr().cast(),
            text.len(),
            name.as_ptr(),
            mode.as_ptr()
        ))
    }

    /// Opens the standard libraries.
    pub(crate) fn open_libraries(self) {
        api!(self, luaL_openlibs);
    }

    /// Stops the garbage collector.
    pub(crate) fn stop_collector(self) {
        api!(self, lua_gc, ffi::LUA_GCSTOP, 0);
    }

    /// Starts the garbage collector, in the mode in which the stock interpreter runs it.
    pub(crate) fn start_collector(self) {
        // LuaJIT starts counting now; the others take no argument.
        api!(
            self,
            lua_gc,
            ffi::LUA_GCRESTART,
            if cfg!(feature = "luajit") { -1 } else { 0 }
        );
        #[cfg(feature = "lua54")]
        api!(self, lua_gc, ffi::LUA_GCGEN, 0, 0);
        #[cfg(feature = "lua55")]
        api!(self, lua_gc, ffi::LUA_GCGEN);
    }

    /// Collects all garbage now.
    pub(crate) fn collect(self) {
        api!(self, lua_gc, ffi::LUA_GCCOLLECT, 0);
    }

    /// Turns warnings on or off.
    #[cfg(any(feature = "lua54", feature = "lua55"))]
    pub(crate) fn warnings(self, on: bool) {
        let command = if on { c"@on" } else { c"@off" };
        api!(self, lua_warning, command.as_ptr(), 0);
    }

    /// The number of values on the stack, which is the index of the top one.
    pub(crate) fn top(self) -> c_int {
        api!(self, lua_gettop)
    }

    /// Drops values from the top until `count`, which is not above [`top`](Self::top), are left.
    pub(crate) fn truncate(self, count: c_int) {
        assert!((0..=self.top()).contains(&count));
        api!(self, lua_settop, count);
    }

    /// Drops `count` values from the top.
    pub(crate) fn pop(self, count: c_int) {
        self.truncate(self.top() - count);
    }

    /// Makes room for `count` values, or raises an error that begins with `stack overflow`.
    pub(crate) fn reserve(self, count: c_int, reason: &'static CStr) {
        api!(self, luaL_checkstack, count, reason.as_ptr());
    }

    /// Moves the top value down to `index`.
    pub(crate) fn insert(self, index: c_int) {
        api!(self, lua_insert, self.at(index));
    }

    /// Takes the value at `index` out.
    pub(crate) fn remove(self, index: c_int) {
        api!(self, lua_remove, self.at(index));
    }

    /// Pushes a string.
    pub(crate) fn push(self, text: &[u8]) {
        api!(self, lua_pushlstring, text.as_ptr().cast(), text.len());
    }

    /// Pushes nil.
    #[cfg(feature = "luajit")]
    pub(crate) fn push_nil(self) {
        api!(self, lua_pushnil);
    }

    /// Pushes a function.
    pub(crate) fn push_function(self, function: Function) {
        api!(self, lua_pushcclosure, function, 0);
    }

    /// Pushes a number.
    pub(crate) fn push_integer(self, number: c_int) {
        api!(self, lua_pushinteger, number as ffi::lua_Integer);
    }

    /// Pushes the value at `index` again.
    #[cfg(feature = "lua51")]
    pub(crate) fn copy(self, index: c_int) {
        api!(self, lua_pushvalue, self.at(index));
    }

    /// Replaces the top `count` values, strings or numbers, by their concatenation.
    pub(crate) fn concat(self, count: c_int) {
        assert!((1..=self.top()).contains(&count));
        api!(self, lua_concat, count);
    }

    /// Pushes a global.
    pub(crate) fn global(self, name: &CStr) {
        api!(self, lua_getglobal, name.as_ptr());
    }

    /// Pops a value and makes it the global of this name.
    pub(crate) fn set_global(self, name: &[u8]) {
        api!(self, lua_pushglobaltable);
        self.insert(-2);
        self.push(name);
        self.insert(-2);
        api!(self, lua_settable, self.at(-3));
        self.pop(1);
    }

    /// Pushes a field of the table at `index`.
    #[cfg(any(feature = "lua51", feature = "luajit"))]
    pub(crate) fn field(self, index: c_int, name: &CStr) {
        api!(self, lua_getfield, self.at(index), name.as_ptr());
    }

    /// Replaces the key on top of the stack by its item of the table at `index`.
    #[cfg(feature = "luajit")]
    pub(crate) fn lookup(self, index: c_int) {
        api!(self, lua_gettable, self.at(index));
    }

    /// Sets a field of the registry to true.
    pub(crate) fn flag_registry(self, name: &CStr) {
        api!(self, lua_pushboolean, 1);
        api!(self, lua_setfield, REGISTRY, name.as_ptr());
    }

    /// Pushes a table with room for `items` indices from 1 up and `others`.
    pub(crate) fn push_table(self, items: c_int, others: c_int) {
        api!(self, lua_createtable, items, others);
    }

    /// Pushes item `key` of the table at `index`, without metamethods.
    pub(crate) fn item(self, index: c_int, key: c_int) {
        assert!(self.kind(index) == ffi::LUA_TTABLE);
        api!(self, lua_rawgeti, self.at(index), key.into());
    }

    /// Pops a value and makes it item `key` of the table at `index`, without metamethods.
    pub(crate) fn set_item(self, index: c_int, key: c_int) {
        assert!(self.kind(index) == ffi::LUA_TTABLE);
        api!(self, lua_rawseti, self.at(index), key.into());
    }

    /// The length of the value at `index` as `#` gives it.
    pub(crate) fn length(self, index: c_int) -> c_int {
        api!(self, luaL_len, self.at(index)) as c_int
    }

    /// The type of the value at `index`: one of [`ffi::LUA_TNIL`] and its siblings.
    pub(crate) fn kind(self, index: c_int) -> c_int {
        api!(self, lua_type, self.at(index))
    }

    /// The name of that type.
    pub(crate) fn kind_name(self, index: c_int) -> &'static CStr {
        let name = api!(self, lua_typename, self.kind(index));
        // SAFETY: a constant of Lua's.
        unsafe { CStr::from_ptr(name) }
    }

    /// Whether the value at `index` is neither nil nor false.
    #[cfg(feature = "luajit")]
    pub(crate) fn truth(self, index: c_int) -> bool {
        api!(self, lua_toboolean, self.at(index)) != 0
    }

    /// The string or number at `index` as text, up to a NUL if it has one.
    ///
    /// # Safety
    ///
    /// The text is not used when its value may have left the stack.
    pub(crate) unsafe fn text<'a>(self, index: c_int) -> Option<&'a CStr> {
        let text = api!(self, lua_tolstring, self.at(index), std::ptr::null_mut());
        // SAFETY: Lua's strings end with NUL, and stay while their value does.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
    }

    /// Replaces the top value by its text, as `tostring` does.
    pub(crate) fn stringify(self) {
        api!(self, luaL_tolstring, self.at(-1), std::ptr::null_mut());
        self.remove(-2);
    }

    /// Calls a metamethod of the value at `index` with it and pushes the result, if there is one.
    pub(crate) fn metamethod(self, index: c_int, name: &CStr) -> bool {
        api!(self, luaL_callmeta, self.at(index), name.as_ptr()) != 0
    }

    /// Pushes `message` and a traceback of the calls from `level` on.
    #[cfg(not(feature = "lua51"))]
    pub(crate) fn traceback(self, message: &CStr, level: c_int) {
        // SAFETY: as for `api`. LuaJIT has this function, where mlua supplies one of its own.
        unsafe { luaL_traceback(self.0, self.0, message.as_ptr(), level) }
    }

    /// Pushes the position of the call at `level`, or an empty string.
    pub(crate) fn position(self, level: c_int) {
        api!(self, luaL_where, level);
    }

    /// Raises the top value.
    pub(crate) fn raise(self) -> ! {
        api!(self, lua_error)
    }

    /// A valid index: of a value on the stack, or of the registry.
    fn at(self, index: c_int) -> c_int {
        let top = self.top();
        assert!(index == REGISTRY || (index != 0 && (-top..=top).contains(&index)));
        index
    }
}

#[cfg(feature = "luajit")]
unsafe extern "C-unwind" {
    fn luaL_traceback(
        state: *mut ffi::lua_State,
        of: *mut ffi::lua_State,
        message: *const std::ffi::c_char,
        level: c_int,
    );
}

#[cfg(not(any(feature = "lua51", feature = "luajit")))]
use ffi::luaL_traceback;

fn outcome(status: c_int) -> Result<(), Failed> {
    match status {
        ffi::LUA_OK => Ok(()),
        ffi::LUA_ERRSYNTAX => Err(Failed::Syntax),
        _ => Err(Failed::Other),
    }
}
