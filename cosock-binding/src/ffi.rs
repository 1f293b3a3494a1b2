//! The line to Lua's C interface, and with it all but a few of the binding's unsafe blocks.
//!
//! Rules of this line, on which every SAFETY note below rests:
//!
//! 1. A [`State`] is made only by the trampoline of a function that Lua calls, or from a coroutine
//!    that the runtime keeps anchored, and lives no longer than that call. So its pointer is live.
//! 2. Methods that may raise say so. They leave by `longjmp` on most versions, so a caller holds
//!    nothing that needs dropping across them. Bytes and errors wait in the runtime, not in frames.
//! 3. Indexes are valid or acceptable in Lua's sense, and pushes fit: Lua guarantees 20 slots to a
//!    C function; whoever needs more calls [`State::check_stack`].
//! 4. A function yields only as its last act.

use std::ffi::{CStr, c_int, c_void};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicPtr, Ordering};

use mlua::ffi;

use crate::runtime::{Runtime, raise_closing};

pub(crate) use mlua::ffi::lua_State as RawState;

/// A live Lua state or coroutine, for the length of one call from Lua.
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

/// A Rust function that Lua can call: it gets the state and the runtime and returns how many
/// results it pushed.
pub(crate) trait Function: Fn(State, &Runtime) -> c_int + Copy + 'static {}
impl<F: Fn(State, &Runtime) -> c_int + Copy + 'static> Function for F {}

/// The first runtime of the process until there is a second: nearly always the only one, and found
/// here at less than the cost of a look at an upvalue. Null from the second on.
static ONLY: AtomicPtr<Runtime> = AtomicPtr::new(NONE_YET);

const NONE_YET: *mut Runtime = std::ptr::without_provenance_mut(1);

/// Notes a runtime before any of its functions can be called.
fn note_runtime(runtime: *mut Runtime) {
    let first = ONLY.compare_exchange(NONE_YET, runtime, Ordering::Relaxed, Ordering::Relaxed);
    if first.is_err() {
        ONLY.store(std::ptr::null_mut(), Ordering::Relaxed);
    }
}

/// The runtime of the state whose function runs.
///
/// # Safety
///
/// Upvalue 1 of the function is the runtime's userdata.
#[inline]
unsafe fn runtime_of<'a>(raw: *mut RawState) -> &'a Runtime {
    let only = ONLY.load(Ordering::Relaxed);
    // SAFETY: who has noted a second runtime, and so all that is called in its state, sees null. The
    // runtime lies in the userdata, which lives as long as the state.
    unsafe {
        if only.is_null() {
            &*ffi::lua_touserdata(raw, ffi::lua_upvalueindex(1)).cast::<Runtime>()
        } else {
            &*only
        }
    }
}

/// Calls the zero-sized `F`, with the runtime whose userdata is upvalue 1.
unsafe extern "C-unwind" fn trampoline<F: Function>(raw: *mut RawState) -> c_int {
    // SAFETY: Lua passes a live state. `F` has no size (checked where it is pushed), so any address
    // is an instance. Upvalue 1 is the runtime's userdata, put there by `push_function`.
    unsafe {
        let function = std::ptr::NonNull::<F>::dangling().as_ref();
        let runtime = runtime_of(raw);
        if runtime.is_closed() {
            raise_closing(State(raw));
        }
        function(State(raw), runtime)
    }
}

/// Where the arguments of upvalues and pseudo-indexes lie.
pub(crate) const REGISTRY: c_int = ffi::LUA_REGISTRYINDEX;

/// The stack index of a function's upvalue; number 1 is the runtime.
pub(crate) const fn upvalue(number: c_int) -> c_int {
    ffi::lua_upvalueindex(number)
}

// SAFETY of the whole block: rules 1 to 3 at the top of this file; each method adds what is its own.
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

    // --- the stack ---

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

    // --- what a value is ---

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

    /// May raise for lack of memory.
    pub(crate) fn push_bytes(self, bytes: &[u8]) {
        unsafe { ffi::lua_pushlstring(self.0, bytes.as_ptr().cast(), bytes.len()) };
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

    /// Pushes a function over the top `upvalues` values, to which the runtime is added as first.
    ///
    /// May raise for lack of memory.
    pub(crate) fn push_function(self, runtime: &Runtime, function: impl Function, upvalues: c_int) {
        runtime.push_anchor(self);
        self.insert(-upvalues - 1);
        unsafe { ffi::lua_pushcclosure(self.0, pointer(function), upvalues + 1) }
    }

    // --- tables; those without "raw" run metamethods and may raise anything ---

    /// May raise for lack of memory.
    pub(crate) fn new_table(self, array: c_int, fields: c_int) {
        unsafe { ffi::lua_createtable(self.0, array, fields) }
    }

    /// Replaces the key on top by its value; tells whether that is a table.
    #[inline]
    pub(crate) fn raw_get_table(self, table: c_int) -> bool {
        unsafe { ffi::lua_rawget(self.0, table) == ffi::LUA_TTABLE }
    }

    /// Replaces the key on top by its value; tells whether that is nil.
    #[inline]
    pub(crate) fn raw_get_is_nil(self, table: c_int) -> bool {
        unsafe { ffi::lua_rawget(self.0, table) == ffi::LUA_TNIL }
    }

    /// Replaces the key on top by its value.
    pub(crate) fn raw_get(self, table: c_int) {
        unsafe { ffi::lua_rawget(self.0, table) };
    }

    /// Pops a value and below it the key. May raise for lack of memory, or a nil or NaN key.
    pub(crate) fn raw_set(self, table: c_int) {
        unsafe { ffi::lua_rawset(self.0, table) }
    }

    pub(crate) fn raw_get_at(self, table: c_int, place: usize) {
        unsafe { ffi::lua_rawgeti(self.0, table, place as _) };
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
        unsafe { ffi::lua_rawgeti(self.0, table, place as _) };
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
        unsafe { ffi::lua_getfield(self.0, table, name.as_ptr()) };
    }

    pub(crate) fn get(self, table: c_int) {
        unsafe { ffi::lua_gettable(self.0, table) };
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

    pub(crate) fn push_kept(self, number: c_int) {
        unsafe { ffi::lua_rawgeti(self.0, REGISTRY, number as _) };
    }

    // --- userdata ---

    /// Pushes a userdata of `class` that owns the value which `make` makes; none exists when memory
    /// runs out. The caller gives it a metatable whose `__gc` is [`State::take_userdata`] of the
    /// same class.
    pub(crate) fn push_userdata<T>(self, class: Class<T>, make: impl FnOnce() -> T) {
        const { assert!(align_of::<Block<T>>() <= 8) };
        unsafe {
            let place = ffi::lua_newuserdata(self.0, size_of::<Block<T>>()).cast::<Block<T>>();
            // Until the value is there, the block is nobody's.
            place.cast::<usize>().write(0);
            place.write(Block {
                mark: class.mark(),
                value: Some(make()),
            });
        }
    }

    /// The value of the userdata at `index`, if it is one of `class`.
    ///
    /// Told by its size and by a mark that no other library writes: cheaper than by its metatable.
    /// The reference is good while the userdata stays on the stack or anchored elsewhere.
    #[inline]
    pub(crate) fn userdata<'a, T>(self, index: c_int, class: Class<T>) -> Option<&'a T> {
        unsafe {
            // A light userdata has no length, and no other value a pointer or this length.
            let place = ffi::lua_touserdata(self.0, index).cast::<Block<T>>();
            if place.is_null() || ffi::lua_rawlen(self.0, index) as usize != size_of::<Block<T>>() {
                return None;
            }
            let mark = place.cast::<usize>().read();
            if mark == class.mark() {
                (*place).value.as_ref()
            } else {
                None
            }
        }
    }

    /// Takes the value out of a userdata of this class: once, however often `__gc` is called.
    pub(crate) fn take_userdata<T>(self, index: c_int, class: Class<T>) -> Option<T> {
        self.userdata(index, class)?;
        // SAFETY: `userdata` has just checked the class, and no reference outlives its function.
        unsafe {
            (*ffi::lua_touserdata(self.0, index).cast::<Block<T>>())
                .value
                .take()
        }
    }

    /// Lua's own associated value of the userdata at `index`: a table.
    pub(crate) fn push_user_table(self, index: c_int) {
        unsafe { ffi::lua_getuservalue(self.0, index) };
    }

    /// Pops a table and associates it with the userdata. May raise for lack of memory.
    pub(crate) fn set_user_table(self, index: c_int) {
        unsafe {
            ffi::lua_setuservalue(self.0, index);
        }
    }

    // --- functions ---

    /// Pushes an upvalue; returns its name, which lives as long as the function, or `None` if there is
    /// none of this number.
    pub(crate) fn push_upvalue<'a>(self, function: c_int, number: c_int) -> Option<&'a [u8]> {
        unsafe {
            let name = ffi::lua_getupvalue(self.0, function, number);
            (!name.is_null()).then(|| CStr::from_ptr(name).to_bytes())
        }
    }

    /// Pops a value and makes it the upvalue.
    pub(crate) fn set_upvalue(self, function: c_int, number: c_int) {
        unsafe { ffi::lua_setupvalue(self.0, function, number) };
    }

    /// Makes two Lua functions that have an upvalue of this number share it; tells whether this Lua can.
    pub(crate) fn share_upvalue(self, to: c_int, from: c_int, number: c_int) -> bool {
        #[cfg(not(feature = "lua51"))]
        unsafe {
            lua_upvaluejoin(self.0, to, number, from, number);
        }
        #[cfg(feature = "lua51")]
        let _ = (to, from, number);
        cfg!(not(feature = "lua51"))
    }

    /// Pops a table and makes it the function's environment.
    #[cfg(any(feature = "lua51", feature = "luajit"))]
    pub(crate) fn set_function_environment(self, function: c_int) {
        unsafe { ffi::lua_setfenv(self.0, function) };
    }

    /// Pushes what the function's chunk is called by, or its text. May raise for lack of memory.
    pub(crate) fn push_source(self, function: c_int) {
        unsafe {
            let mut debug: ffi::lua_Debug = std::mem::zeroed();
            ffi::lua_pushvalue(self.0, function);
            ffi::lua_getinfo(self.0, c">S".as_ptr(), &mut debug);
            ffi::lua_pushstring(self.0, debug.source);
        }
    }

    pub(crate) fn push_globals(self) {
        unsafe { ffi::lua_pushglobaltable(self.0) };
    }

    // --- calls and errors ---

    /// Calls; raises whatever the callee raises.
    pub(crate) fn call(self, arguments: c_int, results: c_int) {
        unsafe { ffi::lua_call(self.0, arguments, results) }
    }

    /// Calls and catches; on error the error value is on top. `handler` is 0 or a stack index.
    pub(crate) fn pcall(self, arguments: c_int, results: c_int, handler: c_int) -> Status {
        Status::of(unsafe { ffi::lua_pcall(self.0, arguments, results, handler) })
    }

    /// Calls as the last act, and returns all the results of the callee, which may yield.
    #[cfg(not(any(feature = "lua51", feature = "luajit")))]
    pub(crate) fn tail_call(self, arguments: c_int) -> c_int {
        let base = self.top() - arguments - 1;
        // What lies below the call does not matter: only results are above it afterwards.
        for _ in 0..base {
            self.remove(1);
        }
        unsafe {
            ffi::lua_callk(self.0, arguments, ffi::LUA_MULTRET, 0, Some(all_results));
        }
        self.top()
    }

    /// Yields the top `count` values; to be returned at once.
    pub(crate) fn yield_values(self, count: c_int) -> c_int {
        unsafe { ffi::lua_yield(self.0, count) }
    }

    /// Resumes this coroutine from `from`; tells how it ended and how many values it left on top.
    pub(crate) fn resume(self, from: State, arguments: c_int) -> (Status, c_int) {
        let mut results = 0;
        let code = unsafe { ffi::lua_resume(self.0, from.0, arguments, &mut results) };
        (Status::of(code), results)
    }

    /// [`State::resume`], counting the depth of calls from that of `from`, as 5.1 does not by itself.
    pub(crate) fn resume_nested(self, from: State, arguments: c_int) -> (Status, c_int) {
        #[cfg(feature = "lua51")]
        unsafe {
            lua_setlevel(from.0, self.0);
        }
        self.resume(from, arguments)
    }

    /// Whether this coroutine waits in a yield.
    pub(crate) fn is_yielded(self) -> bool {
        unsafe { ffi::lua_status(self.0) == ffi::LUA_YIELD }
    }

    /// Whether this coroutine has not started.
    pub(crate) fn is_fresh(self) -> bool {
        unsafe { ffi::lua_status(self.0) == ffi::LUA_OK && ffi::lua_gettop(self.0) > 0 }
    }

    /// Makes a coroutine and pushes it. May raise for lack of memory.
    pub(crate) fn new_coroutine(self) -> State {
        unsafe { State(ffi::lua_newthread(self.0)) }
    }

    /// Whether a yield is possible here, as far as this version tells.
    pub(crate) fn is_yieldable(self) -> Option<bool> {
        #[cfg(any(feature = "lua51", feature = "lua52"))]
        return None;
        #[cfg(feature = "luajit")]
        return unsafe { Some(lua_isyieldable(self.0) != 0) };
        #[cfg(not(any(feature = "lua51", feature = "lua52", feature = "luajit")))]
        return unsafe { Some(ffi::lua_isyieldable(self.0) != 0) };
    }

    /// Joins the top `count` strings into one. May raise for lack of memory.
    pub(crate) fn concat(self, count: c_int) {
        unsafe { ffi::lua_concat(self.0, count) }
    }

    /// Raises the value on top.
    pub(crate) fn raise_top(self) -> ! {
        unsafe { ffi::lua_error(self.0) }
    }

    /// Pushes the position of the function at `level`, or of the one that called it where that is
    /// our own Lua; an empty string for a C function.
    pub(crate) fn push_where(self, level: c_int) {
        for level in level.. {
            unsafe { ffi::luaL_where(self.0, level) };
            let ours = |place: &[u8]| place.starts_with(b"[cosock");
            if !self.to_bytes(-1).is_some_and(ours) {
                return;
            }
            self.pop(1);
        }
    }

    /// Pushes the source and line at `level` of another coroutine, where nothing is made: an error in
    /// it would have nobody to catch it. An empty string for a C function, or beyond the end.
    pub(crate) fn push_place(self, of: State, level: c_int) {
        unsafe {
            let mut debug: ffi::lua_Debug = std::mem::zeroed();
            if ffi::lua_getstack(of.0, level, &mut debug) != 0
                && ffi::lua_getinfo(of.0, c"Sl".as_ptr(), &mut debug) != 0
                && debug.currentline > 0
            {
                let (source, line) = (debug.short_src.as_ptr(), debug.currentline);
                ffi::lua_pushfstring(self.0, c"%s:%d".as_ptr(), source, line);
                return;
            }
        }
        self.push_bytes(b"");
    }

    /// Pushes a traceback of `of`, below the message on top, which it replaces when there is one.
    pub(crate) fn push_traceback(self, of: State, message: Option<&CStr>, level: c_int) {
        let message = message.map_or(std::ptr::null(), CStr::as_ptr);
        unsafe { ffi::luaL_traceback(self.0, of.0, message, level) }
    }

    /// Pushes the function that runs at `level` of this coroutine's stack; `None` beyond its end.
    /// Tells whether it is a C function.
    pub(crate) fn push_running(self, level: c_int) -> Option<bool> {
        unsafe {
            let mut debug: ffi::lua_Debug = std::mem::zeroed();
            if ffi::lua_getstack(self.0, level, &mut debug) == 0 {
                return None;
            }
            ffi::lua_getinfo(self.0, c"f".as_ptr(), &mut debug);
        }
        Some(self.is_c_function(-1))
    }

    /// Whether no yield passes the function at `level` of this coroutine's stack, as it is one of C or
    /// the iterator of a `for`; `None` beyond the stack's end.
    #[cfg(feature = "lua51")]
    pub(crate) fn stops_yields_at(self, level: c_int) -> Option<bool> {
        unsafe {
            let mut debug: ffi::lua_Debug = std::mem::zeroed();
            if ffi::lua_getstack(self.0, level, &mut debug) == 0 {
                return None;
            }
            ffi::lua_getinfo(self.0, c"nS".as_ptr(), &mut debug);
            // Lua's words are "C", "Lua", "main" and "tail".
            let is_c = *debug.what.cast::<u8>() == b'C';
            let is_iterator =
                !debug.name.is_null() && CStr::from_ptr(debug.name) == c"(for generator)";
            Some(is_c || is_iterator)
        }
    }

    /// Whether this coroutine died for lack of memory.
    #[cfg(feature = "lua51")]
    pub(crate) fn is_out_of_memory(self) -> bool {
        unsafe { ffi::lua_status(self.0) == ffi::LUA_ERRMEM }
    }

    /// Whether a debug hook is set, such as the one by which Ctrl-C interrupts.
    pub(crate) fn has_hook(self) -> bool {
        unsafe { ffi::lua_gethook(self.0).is_some() }
    }

    /// One full collection. Finalizers run, so anything may happen.
    pub(crate) fn collect(self) {
        unsafe {
            ffi::lua_gc(self.0, ffi::LUA_GCCOLLECT, 0);
        }
    }

    /// Loads a chunk of our own and pushes it as a function; raises if it does not compile.
    pub(crate) fn load(self, name: &CStr, source: &str) {
        let status = unsafe {
            ffi::luaL_loadbuffer(self.0, source.as_ptr().cast(), source.len(), name.as_ptr())
        };
        if status != ffi::LUA_OK {
            self.raise_top();
        }
    }
}

#[cfg(feature = "lua51")]
unsafe extern "C-unwind" {
    fn lua_setlevel(from: *mut RawState, to: *mut RawState);
}

#[cfg(feature = "luajit")]
unsafe extern "C-unwind" {
    fn lua_isyieldable(state: *mut RawState) -> c_int;
    fn lua_upvaluejoin(state: *mut RawState, to: c_int, to_place: c_int, from: c_int, place: c_int);
}

#[cfg(not(any(feature = "lua51", feature = "luajit")))]
use ffi::lua_upvaluejoin;

#[cfg(feature = "lua52")]
unsafe extern "C-unwind" fn all_results(raw: *mut RawState) -> c_int {
    // SAFETY: Lua calls the continuation with a live state.
    unsafe { ffi::lua_gettop(raw) }
}

#[cfg(not(any(feature = "lua51", feature = "lua52", feature = "luajit")))]
unsafe extern "C-unwind" fn all_results(
    raw: *mut RawState,
    _status: c_int,
    _context: ffi::lua_KContext,
) -> c_int {
    // SAFETY: Lua calls the continuation with a live state.
    unsafe { ffi::lua_gettop(raw) }
}

fn pointer<F: Function>(_: F) -> ffi::lua_CFunction {
    const { assert!(size_of::<F>() == 0, "a function that captures nothing") };
    trampoline::<F>
}

/// Pushes a plain C function.
///
/// # Safety
///
/// The function holds to the rules at the top of this file.
pub(crate) unsafe fn push_loader(lua: State, function: ffi::lua_CFunction) {
    // SAFETY: rule 1, and the caller's promise.
    unsafe { ffi::lua_pushcfunction(lua.0, function) }
}

/// The main coroutine of the state, or null where it cannot be told: on 5.1 and LuaJIT from within
/// another coroutine.
pub(crate) fn main_coroutine(lua: State) -> *mut RawState {
    if lua.push_self() {
        lua.pop(1);
        return lua.0;
    }
    lua.pop(1);
    #[cfg(any(feature = "lua51", feature = "luajit"))]
    return std::ptr::null_mut();
    #[cfg(not(any(feature = "lua51", feature = "luajit")))]
    {
        // SAFETY: rules 1 and 3.
        unsafe { ffi::lua_rawgeti(lua.0, REGISTRY, ffi::LUA_RIDX_MAINTHREAD as _) };
        let main = lua.to_coroutine(-1).unwrap_or(std::ptr::null_mut());
        lua.pop(1);
        main
    }
}

/// What a userdata of ours holds; the mark comes first.
#[repr(C)]
struct Block<T> {
    mark: usize,
    value: Option<T>,
}

/// Its address is what marks our userdata, so it cannot be a mark of anybody else.
static MARK: [u8; 8] = [0; 8];

/// Names one kind of userdata, whose value is a `T`.
#[derive(Debug)]
pub(crate) struct Class<T> {
    number: u8,
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for Class<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Class<T> {}

impl<T> Class<T> {
    /// The class of this number, of which there are eight.
    ///
    /// # Safety
    ///
    /// No other class, of another type, has the number.
    pub(crate) const unsafe fn new(number: u8) -> Class<T> {
        assert!(number < 8);
        Class {
            number,
            value: PhantomData,
        }
    }

    fn mark(self) -> usize {
        MARK.as_ptr() as usize + self.number as usize
    }
}

/// Pushes the userdata by which functions find the runtime, which lies in it.
///
/// Takes a function that makes the runtime, so that none exists when memory runs out. May raise for
/// lack of memory.
///
/// # Errors
///
/// What the function reports; nothing is pushed then.
pub(crate) fn push_runtime<E>(
    lua: State,
    make: impl FnOnce() -> Result<Runtime, E>,
) -> Result<*const Runtime, E> {
    const { assert!(align_of::<Runtime>() <= 8) };
    // SAFETY: rules 1 and 3. The userdata gets its finalizer only when there is something in it.
    unsafe {
        let place = ffi::lua_newuserdata(lua.0, size_of::<Runtime>()).cast::<Runtime>();
        lua.new_table(0, 1);
        ffi::lua_pushcfunction(lua.0, close_runtime);
        lua.raw_set_field(-2, c"__gc");
        match make() {
            Ok(runtime) => {
                place.write(runtime);
                note_runtime(place);
                lua.set_metatable(-2);
                Ok(place.cast_const())
            }
            Err(error) => {
                lua.pop(2);
                Err(error)
            }
        }
    }
}

/// `__gc` of the runtime's userdata: the state is closing. Its memory outlives every finalizer, for
/// the registry holds it; functions that are called by later ones find it closed, and raise.
unsafe extern "C-unwind" fn close_runtime(raw: *mut RawState) -> c_int {
    // SAFETY: Lua calls this with a live state and the userdata; user code cannot reach the
    // metatable, as nothing hands the userdata out.
    unsafe { (*ffi::lua_touserdata(raw, 1).cast::<Runtime>()).close() };
    0
}
