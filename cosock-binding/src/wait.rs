//! How a method that would block parks its task, or goes on in Lua where it cannot.
//!
//! A method parks its task and yields as its last act. Where the yield fails, because the language
//! cannot yield there, the scheduler takes the wait back at the task's next one.

use std::ffi::{CStr, c_int};

use cosock_core::reactor::{Company, Interest};
use cosock_core::scheduler::{Parkable, Scheduler, TaskKey};
use cosock_core::socket::Progress;

use crate::arguments::{self, Called, WRAPPED, raise, refuse_kind};
use crate::ffi::{Kind, State};
use crate::runtime::{ObjectClass, Runtime, Shape, TCP, UDP, token, token_above_object};
use crate::socket::{self, SETWAKER, TIMEOUT, WAKE};

/// What a method waits for, on the object in argument 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) interest: Interest,
    /// What the try before it did.
    pub(crate) progress: Progress,
    /// How the result will look in Lua.
    pub(crate) shape: Shape,
    /// Where a value is that has to stay alive beside the object; 0 when there is none.
    pub(crate) extra: c_int,
    /// Where the inner socket is that the operation will be made of; 0 when it is made already.
    pub(crate) inner: c_int,
}

/// How a method that would block goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocked {
    /// Its task is parked: the function returns this.
    Parked(c_int),
    /// It tries once more, and that really asks the system: what was noted at the last event serves
    /// only who parks alone and waits for the next.
    Again,
    /// It must speak the protocol, in Lua.
    Protocol,
}

/// Parks the task on the operation that `make` makes, if this is a task's own coroutine and a native
/// object. `asked` says that the last try has asked the system itself.
///
/// An operation that is no longer there, because looking at the object ran user code, cannot be
/// parked on.
#[inline(always)]
pub(crate) fn block<P: Parkable>(
    lua: State,
    runtime: &Runtime,
    wait: Wait,
    asked: bool,
    make: impl FnOnce() -> Option<P>,
) -> Blocked {
    if !asked && runtime.task_of(lua).is_none() {
        return doubt(lua, runtime, make);
    }
    refuse_inner(lua);
    block_object(lua, runtime, wait, asked, make)
}

/// [`block`], where argument 1 is known to be a table.
#[inline(always)]
pub(crate) fn block_object<P: Parkable>(
    lua: State,
    runtime: &Runtime,
    wait: Wait,
    asked: bool,
    make: impl FnOnce() -> Option<P>,
) -> Blocked {
    let Some(task) = runtime.task_of(lua) else {
        if !asked {
            return doubt(lua, runtime, make);
        }
        return Blocked::Protocol;
    };
    let finalized = runtime.finalized.get();
    if !is_native(lua, runtime) {
        return Blocked::Protocol;
    }
    let timeout = table_timeout(lua);
    let object = lua.identity(1);
    let has_waker = runtime.wakers_set.get() && socket::has_waker(lua, 1, wait.interest);
    if has_waker && asked {
        socket::raise_waited(lua, WRAPPED, wait.interest);
    } else if has_waker && (runtime.finalized.get() == finalized || is_there(lua, wait.inner)) {
        return doubt(lua, runtime, make);
    }
    let company = runtime.enter(lua, |core| {
        // Looking at the object may have ended the task, or the inner socket of which `make` would make an operation.
        // In Lua that is looked for anew.
        if runtime.task_of(lua) != Some(task)
            || is_in_between(lua, core, task)
            || (runtime.finalized.get() != finalized && !is_there(lua, wait.inner))
        {
            return None;
        }
        let operation = make()?;
        Some(core.park_in_company(task, operation, wait.interest, timeout, object, asked))
    });
    match company {
        None => return Blocked::Protocol,
        Some(Company::Nobody) => {}
        Some(_) if !asked => return Blocked::Again,
        Some(Company::Others) => {}
        Some(Company::Itself) => socket::raise_waited(lua, WRAPPED, wait.interest),
    }
    if wait.progress == Progress::Pause {
        runtime.enter(lua, |core| core.pause(task));
    }
    if !P::IS_LINE {
        note(runtime, task, wait.shape);
    }
    // Of these alone nothing but the object has to stay alive, and its frame is anchor enough.
    let only_object = matches!(
        wait.shape,
        Shape::Received { prefixed: false } | Shape::Datagram { .. }
    );
    if only_object && KEEPS_FRAMES {
        lua.push_pointer(token());
        return Blocked::Parked(lua.yield_values(1));
    }
    Blocked::Parked(yield_anchored(lua, wait.extra))
}

/// Whether the task has been parked by a coroutine on whose behalf it runs, and this is a finalizer or a hook that came
/// before it could yield: nothing can wait here, so the wait stays as it is. 5.1 and 5.2 do not tell; there none comes.
#[inline]
pub(crate) fn is_in_between(lua: State, core: &Scheduler, task: TaskKey) -> bool {
    core.has_wait(task) && lua.is_yieldable() == Some(false)
}

/// Whether the inner socket at `inner` is still there, and not one that Lua has finalized meanwhile.
#[cold]
fn is_there(lua: State, inner: c_int) -> bool {
    inner == 0 || lua.userdata(inner, TCP).is_some() || lua.userdata(inner, UDP).is_some()
}

/// Has the next try ask the system, on behalf of a method that does not park.
#[cold]
pub(crate) fn doubt<P: Parkable>(
    lua: State,
    runtime: &Runtime,
    make: impl FnOnce() -> Option<P>,
) -> Blocked {
    runtime.enter(lua, |core| {
        if let Some(operation) = make() {
            operation.doubt(&mut core.reactor);
        }
    });
    Blocked::Again
}

/// Notes how the result of the operation looks on which the task has just been parked. Lines need no note.
#[inline]
pub(crate) fn note(runtime: &Runtime, key: TaskKey, shape: Shape) {
    runtime.change_note(key, |note| note.shape = shape);
}

/// Whether the arguments of a function that yields stay on the stack; LuaJIT takes away what is not yielded.
const KEEPS_FRAMES: bool = !cfg!(feature = "luajit");

/// Yields as a task parked on an operation does: the coroutine keeps its object and one more value,
/// with the token on top.
#[inline]
pub(crate) fn yield_anchored(lua: State, extra: c_int) -> c_int {
    lua.push_value(1);
    if extra == 0 {
        lua.push_nil();
    } else {
        lua.push_value(extra);
    }
    lua.push_pointer(token_above_object());
    lua.yield_values(3)
}

/// Whether nobody replaced how argument 1, a table that is an object of ours or stands for one, is waked.
#[inline(always)]
fn is_native(lua: State, runtime: &Runtime) -> bool {
    lua.push_value(SETWAKER);
    lua.get(1);
    lua.push_value(WAKE);
    lua.get(1);
    let (setwaker, wake) = (lua.identity(-2), lua.identity(-1));
    is_class(runtime.classes.get().tcp, setwaker, wake) || is_of_others(runtime, setwaker, wake)
}

#[inline]
fn is_class(class: ObjectClass, setwaker: usize, wake: usize) -> bool {
    class.setwaker == setwaker && class.wake == wake
}

/// The same, for any of the classes, of which TCP is by far the most frequent.
#[inline(never)]
fn is_of_others(runtime: &Runtime, setwaker: usize, wake: usize) -> bool {
    let classes = runtime.classes.get();
    (classes.of_sockets()).any(|class| is_class(class, setwaker, wake))
}

/// Raises for an inner socket that is taken for an object: it has no fields to wait by.
fn refuse_inner(lua: State) {
    if lua.kind(1) != Kind::Table {
        let called = Called {
            name: "wait",
            level: WRAPPED,
            count: 1,
        };
        refuse_kind(lua, called, 1, "socket");
    }
}

/// The `timeout` of the object in argument 1, which programs also write themselves, in it or in what it
/// inherits from.
#[inline]
pub(crate) fn object_timeout(lua: State) -> Option<f64> {
    if lua.kind(1) != Kind::Table {
        return None;
    }
    table_timeout(lua)
}

/// [`object_timeout`], of an object that is known to be a table.
#[inline(always)]
fn table_timeout(lua: State) -> Option<f64> {
    lua.push_value(TIMEOUT);
    if lua.get_is_nil(1) {
        return None;
    }
    arguments::given_timeout(lua, -1, WRAPPED)
}

/// Goes on in the Lua part with the function `shim`, given the top `arguments` values, which is about to wait.
pub(crate) fn go_on_in_lua(lua: State, runtime: &Runtime, shim: &CStr, arguments: c_int) -> c_int {
    if lua.push_self() {
        raise_outside(lua, WRAPPED);
    }
    lua.pop(1);
    call_shim(lua, runtime, shim, arguments)
}

/// Leaves the rest to the function `shim` of the Lua part, given the top `arguments` values.
pub(crate) fn call_shim(lua: State, runtime: &Runtime, shim: &CStr, arguments: c_int) -> c_int {
    #[cfg(not(continuations))]
    {
        // The Lua frame in front of this function sees the marker and calls the shim.
        let _ = (runtime, shim);
        lua.push_pointer(token());
        lua.insert(-arguments - 1);
        arguments + 1
    }
    #[cfg(continuations)]
    {
        lua.push_kept(runtime.kept.get().shims);
        // Not raw: the first one compiles them.
        lua.get_field(-1, shim);
        lua.remove(-2);
        lua.insert(-arguments - 1);
        lua.tail_call(arguments)
    }
}

/// `socket.sleep(t)`: nil waits for ever, a negative time for one turn.
pub(crate) fn sleep(lua: State, runtime: &Runtime) -> c_int {
    let timeout = match lua.to_number_mostly_whole(1) {
        Some(seconds) if !seconds.is_nan() => Some(seconds.max(0.0)),
        _ => arguments::timeout(lua, Called::wrapped(lua, "sleep"), 1),
    };
    let parked = runtime.task_of(lua).is_some_and(|task| {
        runtime.enter(lua, |core| {
            let may_wait = !is_in_between(lua, core, task);
            if may_wait {
                core.park_sleep(task, timeout);
            }
            may_wait
        })
    });
    if !parked {
        match timeout {
            // As it was given, for it is yielded to the user.
            Some(seconds) if lua.to_number(1) == Some(seconds) => lua.push_value(1),
            Some(seconds) => lua.push_number(seconds),
            None => lua.push_nil(),
        }
        return go_on_in_lua(lua, runtime, c"sleep", 1);
    }
    lua.push_pointer(token());
    lua.yield_values(1)
}

/// Raises what a wait in the main program gets.
pub(crate) fn raise_outside(lua: State, level: c_int) -> ! {
    raise(
        lua,
        level,
        format_args!("{OUTSIDE} (not inside a cosock task)"),
    )
}

/// What Lua itself says of a yield in the main program.
const OUTSIDE: &str = if cfg!(feature = "lua51") {
    "attempt to yield across metamethod/C-call boundary"
} else if cfg!(feature = "luajit") {
    "attempt to yield across C-call boundary"
} else {
    "attempt to yield from outside a coroutine"
};
