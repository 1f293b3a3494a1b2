//! Coroutines that run on behalf of another: those of `coroutine.resume` and `wrap` as cosock has
//! them, and on 5.1 of protected calls. A loop in Lua resumes them and hands their waits on.
//!
//! To the runtime such a coroutine is as good as the one that resumes it: within a task's own, its
//! methods park the task by the token, at full speed, and the loop yields what they have yielded.

use std::ffi::c_int;

use crate::ffi::{RawState, State, Status};
use crate::runtime::{Runtime, is_token};
use crate::{dns, select};

/// A coroutine that is being resumed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nest {
    inner: *mut RawState,
    /// Who resumes it.
    outer: *mut RawState,
    /// The coroutine of the program as part of which it runs. That is itself, but for the coroutine of a protected
    /// call: of that the program knows nothing.
    #[cfg_attr(not(own_pcall), expect(dead_code, reason = "only 5.1 has those"))]
    base: *mut RawState,
}

/// How deep nests may be on LuaJIT: about what the other versions allow.
const NESTS: usize = 190;

/// Resumes `inner`, whose arguments are on its stack, on behalf of `lua`; `died` is called when it
/// raises, while it still counts as running.
pub(crate) fn resume(
    lua: State,
    runtime: &Runtime,
    inner: State,
    arguments: c_int,
    base: *mut RawState,
    died: impl FnOnce(),
) -> (Status, c_int) {
    let outer_is_own = runtime.current_coroutine.get() == lua.raw();
    runtime.nests.borrow_mut().push(Nest {
        inner: inner.raw(),
        outer: lua.raw(),
        base,
    });
    if outer_is_own {
        runtime.current_coroutine.set(inner.raw());
    }
    let ended = inner.resume_nested(lua, arguments);
    if ended.0 == Status::Error {
        died();
    }
    runtime.nests.borrow_mut().pop();
    if outer_is_own && runtime.current_coroutine.get() == inner.raw() {
        runtime.current_coroutine.set(lua.raw());
    }
    ended
}

/// `resume(coroutine, ...)`, for one that is suspended. Returns nil and what `coroutine.resume` does; or,
/// when it waits, true and what it has yielded: the token of a method, or the values of the protocol.
pub(crate) fn resume_coroutine(lua: State, runtime: &Runtime) -> c_int {
    let Some(raw) = lua.to_coroutine(1) else {
        return 0;
    };
    // SAFETY: the coroutine is argument 1.
    let inner = unsafe { State::new(raw) };
    let arguments = lua.top() - 1;
    if !inner.is_yielded() && !inner.is_fresh() {
        // While its wait lasted, somebody else has resumed it.
        return refuse(lua, "cannot resume dead coroutine");
    }
    // LuaJIT alone does not count how deep the C stack is; the others stop here by themselves.
    if cfg!(feature = "luajit") && runtime.nests.borrow().len() >= NESTS {
        return refuse(lua, "C stack overflow");
    }
    if !inner.has_stack(arguments) {
        return refuse(lua, "too many arguments to resume");
    }
    // Where this coroutine cannot yield, the other's methods must not park.
    let own = runtime.current_coroutine.get();
    if own == lua.raw() && !dns::can_wait(lua, runtime) {
        runtime.current_coroutine.set(std::ptr::null_mut());
    }
    lua.move_to(inner, arguments);
    let (status, count) = resume(lua, runtime, inner, arguments, raw, || {});
    runtime.current_coroutine.set(own);
    let mut count = if status == Status::Error { 1 } else { count };
    let waits = take_mark(lua, runtime, inner, status, &mut count);
    if !lua.has_stack(count + 2) {
        inner.pop(count);
        return refuse(lua, "too many results to resume");
    }
    let parked = status == Status::Yield && count > 0 && is_token(inner.to_pointer(-1));
    // Nothing is made before these values are yielded: a finalizer could wait for something else in the task's name.
    if parked || waits {
        lua.push_bool(true);
    } else {
        lua.push_nil();
        lua.push_bool(status != Status::Error);
    }
    inner.move_to(lua, count);
    lua.top() - 1
}

/// Whether what a coroutine has yielded, so many values, is a wait of cosock's own. Its mark is taken off where
/// whoever resumes `lua` would not know it.
pub(crate) fn take_mark(
    lua: State,
    runtime: &Runtime,
    inner: State,
    status: Status,
    count: &mut c_int,
) -> bool {
    let waits = status == Status::Yield && *count > 0 && select::is_marked(inner);
    if waits && !select::knows_mark(lua, runtime) {
        inner.pop(1);
        *count -= 1;
    }
    waits
}

fn refuse(lua: State, message: &str) -> c_int {
    lua.push_nil();
    lua.push_bool(false);
    lua.push_str(message);
    3
}

/// The innermost nest, if the coroutine is the one that runs in it.
fn nest_of(runtime: &Runtime, coroutine: *mut RawState) -> Option<Nest> {
    let nest = runtime.nests.borrow().last().copied();
    nest.filter(|nest| nest.inner == coroutine)
}

/// Whether what runs in `lua` is resumed by a loop of ours.
pub(crate) fn is_nested(lua: State, runtime: &Runtime) -> bool {
    nest_of(runtime, lua.raw()).is_some()
}

/// The coroutine that the program knows of, as whose part `lua` runs.
#[cfg(own_pcall)]
pub(crate) fn base_of(lua: State, runtime: &Runtime) -> *mut RawState {
    nest_of(runtime, lua.raw()).map_or(lua.raw(), |nest| nest.base)
}

/// The nests in which `lua` runs, the innermost first.
fn nests_of(lua: State, runtime: &Runtime) -> impl Iterator<Item = Nest> {
    let mut place = runtime.nests.borrow().len();
    let mut coroutine = lua.raw();
    std::iter::from_fn(move || {
        place = place.checked_sub(1)?;
        let nest = runtime.nests.borrow().get(place).copied();
        let nest = nest.filter(|nest| nest.inner == coroutine)?;
        coroutine = nest.outer;
        Some(nest)
    })
}

fn outer_of(nest: Nest) -> State {
    // SAFETY: it runs, though not at the top, so it is alive.
    unsafe { State::new(nest.outer) }
}

/// The coroutines that resume what runs in `lua`, the nearest first, as far as loops of ours do.
pub(crate) fn outer_coroutines(lua: State, runtime: &Runtime) -> impl Iterator<Item = State> {
    nests_of(lua, runtime).map(outer_of)
}

/// Those among them that the program does not tell apart from `lua`, for they made protected calls.
#[cfg(own_pcall)]
pub(crate) fn protected_callers(lua: State, runtime: &Runtime) -> impl Iterator<Item = State> {
    nests_of(lua, runtime)
        .take_while(|nest| nest.base != nest.inner)
        .map(outer_of)
}
