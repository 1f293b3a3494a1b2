//! Protected calls that can wait, for Lua 5.1, whose own `pcall` lets no yield through.
//!
//! The function runs in a coroutine of its own, resumed by a loop in `lua/pcall.lua` that hands
//! every yield on to the caller's coroutine. To the runtime that coroutine is as good as its
//! caller's: when the caller's is a task's own, methods park the task from within, at full speed.

use std::ffi::c_int;

use crate::ffi::{Kind, RawState, State, Status};
use crate::runtime::Runtime;

/// A protected call in progress: the coroutine of its function is being resumed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nest {
    /// Where the function runs.
    inner: *mut RawState,
    /// Who called.
    outer: *mut RawState,
    /// The coroutine that the program knows of, as whose part all of this runs.
    base: *mut RawState,
}

/// How many frames are looked at for one that forbids to yield: enough for what programs do between
/// a callback of C and a wait.
const DEPTH: c_int = 100;

/// How deep protected calls may be nested: each takes some of the C stack, and Lua's own stop here too.
const NESTS: usize = 190;

/// `start(handler, fn, ...)`: calls `fn`. Returns its coroutine, or another value when it needs none any
/// more; then true and its results, false and the error, or nil and what it has yielded. An error goes
/// through `handler`, unless that is no function.
pub(crate) fn start(lua: State, runtime: &Runtime) -> c_int {
    let Some(is_c) = is_c_callee(lua, 2) else {
        return call_here(lua);
    };
    if runtime.current.get().is_none() || !can_wait(lua) {
        return call_here(lua);
    }
    if runtime.nests.borrow().len() >= NESTS {
        return refuse(lua, "C stack overflow");
    }
    let arguments = lua.top() - 2;
    let inner = lua.new_coroutine();
    lua.insert(2);
    if !inner.has_stack(arguments + 1) {
        return refuse(lua, "stack overflow");
    }
    lua.move_to(inner, arguments + 1);
    let count = resume(lua, runtime, inner, arguments);
    if is_c {
        // A C function that yields is over: what the yield brings is what it returns. And 5.1 does not
        // survive the resume of a coroutine that has no function of Lua.
        lua.push_bool(true);
        lua.replace(2);
    }
    count
}

/// Whether a call of the value calls a C function; `None` if it cannot be called.
fn is_c_callee(lua: State, index: c_int) -> Option<bool> {
    if lua.kind(index) == Kind::Function {
        return Some(lua.is_c_function(index));
    }
    if !lua.metatable(index) {
        return None;
    }
    lua.raw_get_field(-1, c"__call");
    let found = (lua.kind(-1) == Kind::Function).then(|| lua.is_c_function(-1));
    lua.pop(2);
    found
}

/// Calls in this coroutine, where no wait is possible.
fn call_here(lua: State) -> c_int {
    let handler = c_int::from(lua.kind(1) == Kind::Function);
    let status = lua.pcall(lua.top() - 2, -1, handler);
    lua.push_nil();
    lua.insert(2);
    lua.push_bool(status == Status::Ok);
    lua.insert(3);
    lua.top() - 1
}

/// `go_on(handler, coroutine, ...)`: hands in what the yield of a protected call has brought. Returns
/// what `start` does.
pub(crate) fn go_on(lua: State, runtime: &Runtime) -> c_int {
    let Some(raw) = lua.to_coroutine(2) else {
        lua.push_bool(true);
        lua.insert(3);
        return lua.top() - 1;
    };
    // SAFETY: the coroutine is on the stack, where the loop in Lua has put it.
    let inner = unsafe { State::new(raw) };
    let arguments = lua.top() - 2;
    if !inner.has_stack(arguments) {
        return refuse(lua, "stack overflow");
    }
    lua.move_to(inner, arguments);
    resume(lua, runtime, inner, arguments)
}

/// What a call for which there is no room returns.
fn refuse(lua: State, message: &str) -> c_int {
    lua.set_top(2);
    lua.push_bool(false);
    lua.push_str(message);
    3
}

/// Resumes the coroutine at 2, whose arguments are on its stack.
fn resume(lua: State, runtime: &Runtime, inner: State, arguments: c_int) -> c_int {
    let handled = lua.kind(1) == Kind::Function;
    if handled {
        // Now, for what may raise must not come while the nest is noted.
        push_handler(lua, runtime);
    }
    let nest = enter(lua, runtime, inner);
    let (mut status, mut count) = inner.resume(lua, arguments);
    let mut message = None;
    if status == Status::Error {
        count = 1;
        if handled && !inner.is_out_of_memory() && !handle(lua, inner) {
            message = Some("error in error handling");
        }
    }
    leave(runtime, nest);
    lua.set_top(2);
    if !lua.has_stack(count + 1) {
        (status, message) = (Status::Error, Some("stack overflow"));
    }
    match status {
        Status::Ok => lua.push_bool(true),
        Status::Yield => {
            lua.push_nil();
            runtime.hand_wait_on(inner, lua);
        }
        Status::Error => lua.push_bool(false),
    }
    match message {
        Some(message) => lua.push_str(message),
        None => inner.move_to(lua, count),
    }
    lua.top() - 1
}

/// Pushes what to call with the handler at 1, which is pushed too, and an error.
///
/// That is a C function, in which the handler cannot yield: nobody would resume it. Only
/// `debug.traceback` needs none, and shows nothing of ours so.
fn push_handler(lua: State, runtime: &Runtime) {
    lua.push_kept(runtime.kept.get().shims);
    lua.raw_get_field(-1, c"traceback");
    let is_traceback = lua.raw_equal(-1, 1);
    lua.pop(2);
    if is_traceback {
        lua.push_nil();
    } else {
        lua.push_function(runtime, call_handler, 0);
    }
    lua.push_value(1);
}

/// Replaces the error on top of a coroutine that died of it by what the handler makes of it, which
/// `push_handler` has put on top of `lua`. It runs on that coroutine's stack, which is as the error left
/// it: a traceback shows its place. Tells whether it could.
fn handle(lua: State, inner: State) -> bool {
    if !inner.has_stack(4) {
        return false;
    }
    lua.move_to(inner, 2);
    inner.push_value(-3);
    if inner.is_nil(-3) {
        inner.remove(-3);
        return inner.pcall(1, 1, 0) == Status::Ok;
    }
    inner.pcall(2, 1, 0) == Status::Ok
}

/// Called with a handler and an error.
fn call_handler(lua: State, _: &Runtime) -> c_int {
    lua.call(1, 1);
    1
}

/// Notes that `inner` runs on behalf of `lua`.
fn enter(lua: State, runtime: &Runtime, inner: State) -> Nest {
    let base = base_of(runtime, lua.raw());
    let nest = Nest {
        inner: inner.raw(),
        outer: lua.raw(),
        base,
    };
    runtime.nests.borrow_mut().push(nest);
    if runtime.current_coroutine.get() == lua.raw() {
        runtime.current_coroutine.set(inner.raw());
    }
    nest
}

fn leave(runtime: &Runtime, nest: Nest) {
    runtime.nests.borrow_mut().pop();
    if runtime.current_coroutine.get() == nest.inner {
        runtime.current_coroutine.set(nest.outer);
    }
}

/// The innermost protected call, if the coroutine is the one that runs its function.
fn nest_of(runtime: &Runtime, coroutine: *mut RawState) -> Option<Nest> {
    let nest = runtime.nests.borrow().last().copied();
    nest.filter(|nest| nest.inner == coroutine)
}

fn base_of(runtime: &Runtime, coroutine: *mut RawState) -> *mut RawState {
    nest_of(runtime, coroutine).map_or(coroutine, |nest| nest.base)
}

/// Whether the coroutine could yield here, as far as its nearest frames tell: a C function between them
/// forbids it. What they hide is a metamethod or an iterator; there the yield raises.
fn can_wait(lua: State) -> bool {
    (1..DEPTH)
        .map_while(|level| lua.runs_c_at(level))
        .all(|is_c| !is_c)
}

/// `running()`: the coroutine that the program knows of, or nil in the main program.
pub(crate) fn running(lua: State, runtime: &Runtime) -> c_int {
    let base = base_of(runtime, lua.raw());
    if base == lua.raw() {
        if lua.push_self() {
            lua.push_nil();
        }
    } else {
        // SAFETY: it runs, though not at the top, so it is alive.
        let base = unsafe { State::new(base) };
        base.push_self();
        base.move_to(lua, 1);
    }
    1
}

/// The coroutines that wait for the protected calls around what runs in `lua`, the nearest first.
pub(crate) fn outer_coroutines(runtime: &Runtime, lua: State) -> impl Iterator<Item = State> {
    let mut place = runtime.nests.borrow().len();
    let mut coroutine = lua.raw();
    std::iter::from_fn(move || {
        place = place.checked_sub(1)?;
        let nest = runtime.nests.borrow().get(place).copied();
        coroutine = nest.filter(|nest| nest.inner == coroutine)?.outer;
        // SAFETY: it runs, though not at the top, so it is alive.
        Some(unsafe { State::new(coroutine) })
    })
}
