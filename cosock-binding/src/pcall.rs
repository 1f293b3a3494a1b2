//! Protected calls that can wait, for Lua 5.1, whose own `pcall` lets no yield through.
//!
//! The function runs in a coroutine of its own, resumed by a loop in `lua/pcall.lua` that hands
//! every yield on to the caller's coroutine. To the runtime that coroutine is as good as its
//! caller's: when the caller's is a task's own, methods park the task from within, at full speed.

use std::ffi::c_int;

use crate::ffi::{self, Kind, State, Status};
use crate::lazy;
use crate::nesting;
use crate::pusher::Pusher;
use crate::runtime::Runtime;

/// How many frames are looked at for one that forbids a yield: enough for what programs do between
/// a callback of C and a wait.
const DEPTH: c_int = 100;

/// Sets what Lua gets of us for protected calls in the table at `native`, and what of the debug library they
/// need: as it is now, for a program may replace it by what stands on ours.
pub(crate) fn set_native(lua: State, runtime: &Runtime, native: c_int) {
    let plain = Pusher::new(lua, runtime);
    plain.set(native, c"start", start);
    plain.set(native, c"go_on", go_on);
    plain.set(native, c"running", running);
    plain.set(native, c"callers", callers);
    plain.set(native, c"call_handler", call_handler);
    plain.set(native, c"traceback_for", traceback_for);
    lua.push_value(native);
    lazy::set_index(lua, runtime, open, 0);
    lua.push_kept(runtime.kept.get().shims);
    let shims = lua.top();
    lua.raw_get_field(native, c"call_handler");
    lua.raw_set_field(shims, c"call_handler");
    lua.global(c"debug");
    let debug = lua.top();
    if lua.kind(debug) == Kind::Table {
        let mut missing = false;
        for (name, table) in [
            (c"getinfo", native),
            (c"getlocal", native),
            (c"traceback", shims),
        ] {
            lua.get_field(debug, name);
            missing |= lua.is_nil(-1);
            lua.raw_set_field(table, name);
        }
        if !missing {
            plain.set(shims, c"own_traceback", traceback);
        }
    }
    lua.set_top(shims - 1);
}

/// `__index` of the native functions: compiles the protected calls when one of them is first asked for.
fn open(lua: State, runtime: &Runtime) -> c_int {
    const NAMES: [&[u8]; 3] = [b"pcall", b"xpcall", b"status"];
    lua.set_top(2);
    if !lua.string(2).is_some_and(|name| NAMES.contains(&name)) {
        return 0;
    }
    lua.push_kept(runtime.kept.get().modules);
    lua.get_field(-1, c"pcall");
    lua.set_top(2);
    lua.raw_get(1);
    1
}

/// `start(handler, fn, ...)`: calls `fn`. Returns its coroutine, or another value when it needs none any
/// more; then true and its results, false and the error, or nil and what it has yielded. An error goes
/// through `handler`, unless that is no function.
fn start(lua: State, runtime: &Runtime) -> c_int {
    let Some(is_c) = is_c_callee(lua, 2) else {
        return call_here(lua);
    };
    if runtime.current.get().is_none() || !can_wait(lua) {
        return call_here(lua);
    }
    let arguments = lua.top() - 2;
    let inner = lua.new_coroutine();
    lua.insert(2);
    if !inner.has_stack(arguments + 1) {
        return overflow(lua);
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
    let status = lua.pcall(lua.top() - 2, ffi::ALL, handler);
    lua.push_nil();
    lua.insert(2);
    lua.push_bool(status == Status::Ok);
    lua.insert(3);
    lua.top() - 1
}

/// `go_on(handler, coroutine, ...)`: hands in what the yield of a protected call has brought. Returns
/// what `start` does.
fn go_on(lua: State, runtime: &Runtime) -> c_int {
    let Some(raw) = lua.to_coroutine(2) else {
        lua.push_bool(true);
        lua.insert(3);
        return lua.top() - 1;
    };
    // SAFETY: the coroutine is on the stack, where the loop in Lua has put it.
    let inner = unsafe { State::new(raw) };
    let arguments = lua.top() - 2;
    if !inner.has_stack(arguments) {
        return overflow(lua);
    }
    lua.move_to(inner, arguments);
    resume(lua, runtime, inner, arguments)
}

/// What a call whose values find no room returns.
fn overflow(lua: State) -> c_int {
    lua.set_top(2);
    lua.push_bool(false);
    lua.push_str("stack overflow");
    3
}

/// Resumes the coroutine at 2, whose arguments are on its stack.
fn resume(lua: State, runtime: &Runtime, inner: State, arguments: c_int) -> c_int {
    let handled = lua.kind(1) == Kind::Function;
    if handled {
        // Now, for what may raise must not come while the nest is noted.
        push_handler(lua, runtime);
    }
    if !lua.shares_globals(inner) {
        lua.give_globals(2);
    }
    let base = nesting::base_of(lua, runtime);
    let mut message = None;
    let (mut status, mut count) = nesting::resume(lua, runtime, inner, arguments, base, || {
        if handled && !inner.is_out_of_memory() && !handle(lua, inner) {
            message = Some("error in error handling");
        }
    });
    if status == Status::Error {
        count = 1;
    }
    lua.set_top(2);
    if !lua.shares_globals(inner) {
        lua.take_globals(2);
    }
    nesting::take_mark(lua, runtime, inner, status, &mut count);
    if !lua.has_stack(count + 1) {
        (status, message) = (Status::Error, Some("stack overflow"));
    }
    match status {
        Status::Ok => lua.push_bool(true),
        Status::Yield => lua.push_nil(),
        Status::Error => lua.push_bool(false),
    }
    match message {
        Some(message) => lua.push_str(message),
        None => inner.move_to(lua, count),
    }
    lua.top() - 1
}

/// Pushes what to call with a handler and an error, and the handler, which is at 1.
///
/// That is a C function, in which the handler cannot yield: nobody would resume it. Tracebacks need none,
/// and the one that shows all is taken for the language's own.
fn push_handler(lua: State, runtime: &Runtime) {
    lua.push_kept(runtime.kept.get().shims);
    let shims = lua.top();
    let (raw, own, caller) = (shims + 1, shims + 2, shims + 3);
    for name in [c"traceback", c"own_traceback", c"call_handler"] {
        lua.raw_get_field(shims, name);
    }
    if lua.raw_equal(raw, 1) || lua.raw_equal(own, 1) {
        let best = if lua.is_nil(own) { raw } else { own };
        lua.push_nil();
        lua.push_value(best);
    } else {
        lua.push_value(caller);
        lua.push_value(1);
    }
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

/// `debug.traceback` for programs in which waits pass through `pcall`: what `lua/traceback.lua` makes of
/// the arguments, or where that fails the language's own.
fn traceback(lua: State, runtime: &Runtime) -> c_int {
    let count = lua.top();
    lua.check_stack(count + 3);
    push_composer(lua, runtime);
    push_arguments(lua, count);
    if lua.pcall(count, 1, 0) != Status::Ok {
        lua.set_top(count);
        lua.push_kept(runtime.kept.get().shims);
        lua.raw_get_field(-1, c"traceback");
        lua.remove(-2);
        push_arguments(lua, count);
        lua.call(count, 1);
    }
    1
}

/// `traceback_for(fn)`: what stands for `fn` in `debug.traceback`. A program's own stands for itself.
fn traceback_for(lua: State, runtime: &Runtime) -> c_int {
    lua.set_top(1);
    lua.push_kept(runtime.kept.get().shims);
    lua.raw_get_field(-1, c"traceback");
    lua.raw_get_field(-2, c"own_traceback");
    let stands = lua.raw_equal(1, -2) && !lua.is_nil(-1);
    lua.set_top(if stands { -1 } else { 1 });
    1
}

/// Pushes what makes tracebacks; compiled when the first is made.
fn push_composer(lua: State, runtime: &Runtime) {
    lua.push_kept(runtime.kept.get().modules);
    lua.get_field(-1, c"traceback");
    lua.remove(-2);
}

/// Pushes the traceback of the coroutine at `index`, which waits in protected calls; tells whether it could.
pub(crate) fn push_traceback(lua: State, runtime: &Runtime, index: c_int) -> bool {
    lua.push_kept(runtime.kept.get().shims);
    lua.raw_get_field(-1, c"own_traceback");
    let has_own = !lua.is_nil(-1);
    lua.pop(2);
    if !has_own {
        return false;
    }
    push_composer(lua, runtime);
    lua.push_value(index);
    if lua.pcall(1, 1, 0) == Status::Ok {
        return true;
    }
    lua.pop(1);
    false
}

fn push_arguments(lua: State, count: c_int) {
    for argument in 1..=count {
        lua.push_value(argument);
    }
}

/// `callers()`: this coroutine, and those that made the protected calls on behalf of which it runs.
fn callers(lua: State, runtime: &Runtime) -> c_int {
    lua.push_self();
    for outer in nesting::protected_callers(lua, runtime) {
        lua.check_stack(1);
        outer.push_self();
        outer.move_to(lua, 1);
    }
    lua.top()
}

/// Whether the coroutine could yield here, as far as its nearest frames tell: a C function between them
/// forbids it. That a metamethod is between them cannot be seen; there the yield raises.
fn can_wait(lua: State) -> bool {
    (1..DEPTH)
        .map_while(|level| lua.stops_yields_at(level))
        .all(|stops| !stops)
}

/// `running()`: the coroutine that the program knows of, or nil in the main program.
fn running(lua: State, runtime: &Runtime) -> c_int {
    let base = nesting::base_of(lua, runtime);
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
