//! Tells foreign objects, by their own `setwaker` and `_wake`, that a task waits for them, and that it no longer
//! does.
//!
//! What a task selects on is kept in a table: the objects at 1, 2, ...; and for an object that has
//! to be told, its wake kind at -1, -2, ... Everything of theirs is called in protected mode.

use std::ffi::c_int;

use cosock_core::reactor::Interest;
use cosock_core::scheduler::{Call, Scheduler, TaskKey};

use crate::anchors::place_slot;
use crate::arguments::{DIRECT, raise};
use crate::ffi::{Kind, State, Status, upvalue};
use crate::run;
use crate::runtime::Runtime;

/// Calls `object:setwaker(kind, nil)` for every foreign object of the table at `objects`.
///
/// The last error of any is left on top and told by the result; all are called.
pub(crate) fn disarm_all(lua: State, runtime: &Runtime, objects: c_int) -> Status {
    let mut status = Status::Ok;
    let base = lua.top();
    for number in 1..=lua.raw_len(objects) {
        lua.raw_get_signed(objects, -(number as i64));
        if lua.is_nil(-1) {
            lua.pop(1);
            continue;
        }
        lua.raw_get_at(objects, number);
        if !unset(lua, runtime) {
            status = Status::Error;
            lua.insert(base + 1);
            lua.set_top(base + 1);
        }
    }
    status
}

/// Pops an object and below it a kind, and takes the waker back; tells whether it could, else the error is on
/// top.
fn unset(lua: State, runtime: &Runtime) -> bool {
    let object = lua.top();
    let mut again = true;
    loop {
        lua.push_function(runtime, unset_waker, 0);
        lua.push_value(object);
        lua.push_value(object - 1);
        let done = lua.pcall(2, 0, 0) == Status::Ok;
        if done || !again || !run::was_interrupted(lua, runtime) {
            if !done {
                lua.insert(object - 1);
            }
            lua.set_top(object - 2 + c_int::from(!done));
            return done;
        }
        again = false;
    }
}

/// Calls `object:setwaker(kind, nil)` for the object at `object`, with its kind below it. An error
/// of it is lost: nobody waits any more.
pub(crate) fn disarm_one(lua: State, runtime: &Runtime, object: c_int) {
    lua.push_value(object - 1);
    lua.push_value(object);
    if !unset(lua, runtime) {
        lua.pop(1);
    }
}

/// The direction of the wake kind at `index`.
pub(crate) fn interest_at(lua: State, index: c_int) -> Interest {
    match lua.to_bytes(index) {
        Some(b"sendr") => Interest::Write,
        _ => Interest::Read,
    }
}

/// Whether another task waits on the object at `object`, whose kind is below it on the stack: then the waker that the
/// object has is that task's, and not to be taken back.
pub(crate) fn is_of_another(lua: State, runtime: &Runtime, key: TaskKey, object: c_int) -> bool {
    let (identity, interest) = (lua.identity(object), interest_at(lua, object - 1));
    runtime.enter(lua, |core| {
        core.is_selected_by_another(key, identity, interest)
    })
}

/// Takes those objects on which other tasks wait out of the table at `objects`, as far as wakers go: no kind is named
/// for them any more, so their wakers are not taken back.
pub(crate) fn forget_those_of_others(lua: State, runtime: &Runtime, key: TaskKey, objects: c_int) {
    for number in 1..=lua.raw_len(objects) {
        lua.raw_get_signed(objects, -(number as i64));
        lua.raw_get_at(objects, number);
        if !lua.is_nil(-2) && is_of_another(lua, runtime, key, lua.top()) {
            lua.push_nil();
            lua.raw_set_signed(objects, -(number as i64));
        }
        lua.pop(2);
    }
}

/// Called with an object and a kind.
fn unset_waker(lua: State, _: &Runtime) -> c_int {
    lua.get_field(1, c"setwaker");
    if lua.is_nil(-1) {
        // An object may change while it is waited on; one without the method needs no telling.
        return 0;
    }
    lua.insert(1);
    lua.push_nil();
    lua.call(3, 0);
    0
}

/// Takes back the foreign registrations of a task that is about to run. If an object raises, the
/// task fails of it.
pub(crate) fn disarm(lua: State, runtime: &Runtime, key: TaskKey) {
    lua.push_kept(runtime.kept.get().selects);
    lua.raw_get_at(-1, place_slot(key.index));
    lua.remove(-2);
    if lua.kind(-1) != Kind::Table {
        lua.pop(1);
        return;
    }
    let objects = lua.top();
    if disarm_all(lua, runtime, objects) == Status::Error {
        lua.remove(objects);
        run::fail_with(lua, runtime, key);
    } else {
        lua.pop(1);
    }
}

/// Pushes the waker of an element, numbered from 1.
pub(crate) fn push_waker(lua: State, runtime: &Runtime, key: TaskKey, serial: u64, number: usize) {
    lua.push_number(f64::from(key.index));
    lua.push_number(serial as f64);
    lua.push_number(number as f64);
    lua.push_function(runtime, waker, 3);
}

/// A waker: makes its task ready, once, and only while that wait lasts.
fn waker(lua: State, runtime: &Runtime) -> c_int {
    let read = |place| lua.to_number(upvalue(place)).unwrap_or(0.0);
    let (place, serial, number) = (read(2) as usize, read(3) as u64, read(4) as usize);
    let Some(key) = runtime.key_at(place) else {
        return 0;
    };
    if !runtime.enter(lua, |core| {
        core.wake_element(key, serial, number as u32 - 1)
    }) {
        return 0;
    }
    lua.set_top(0);
    lua.push_kept(runtime.kept.get().selects);
    lua.raw_get_at(1, place_slot(key.index));
    lua.raw_get_at(2, number);
    lua.get_field(3, c"setwaker");
    if !lua.is_nil(4) {
        let is_receiver = lua.identity(4) == runtime.classes.get().receiver.setwaker;
        lua.push_value(3);
        lua.raw_get_signed(2, -(number as i64));
        lua.push_nil();
        lua.call(3, 0);
        if is_receiver {
            // Objects of others are told twice, as ever. A receiver may be another's by the end of this turn.
            lua.push_nil();
            lua.raw_set_signed(2, -(number as i64));
        }
    }
    0
}

/// Calls the `_wake` of every foreign object whose descriptor has become ready by now. What an error leaves
/// is for the next turn, and so for the next `run`.
pub(crate) fn call_wakes(lua: State, runtime: &Runtime) {
    for _ in 0..runtime.enter(lua, |core| core.due_calls()) {
        let Some(call) = runtime.enter(lua, Scheduler::take_call) else {
            break;
        };
        call_wake(lua, runtime, call);
    }
}

fn call_wake(lua: State, runtime: &Runtime, call: Call) {
    let Call {
        task,
        serial,
        element,
    } = call;
    let waits = || runtime.enter(lua, |core| core.select(task, serial).is_some());
    // One that has woken its task needs no telling: a close, say, fires whoever is still registered.
    let asleep = runtime.enter(lua, |core| {
        core.select(task, serial)
            .is_some_and(|select| !select.is_woken(element))
    });
    if !asleep {
        return;
    }
    if !wake(lua, runtime, task, element) && !run::was_interrupted(lua, runtime) {
        if waits() {
            run::fail_with(lua, runtime, task);
        } else {
            lua.pop(1);
        }
        return;
    }
    // It may have chosen to let its task sleep: then it is asked again, as long as the descriptor is
    // ready.
    runtime.enter(lua, |core| core.watch_again(call));
}

/// Calls the `_wake` of an element; tells whether it returned, else the error is on top.
///
/// The caller has seen that the task waits.
fn wake(lua: State, runtime: &Runtime, task: TaskKey, element: u32) -> bool {
    lua.push_kept(runtime.kept.get().selects);
    lua.raw_get_at(-1, place_slot(task.index));
    lua.remove(-2);
    if lua.kind(-1) != Kind::Table {
        lua.pop(1);
        return true;
    }
    lua.raw_get_at(-1, element as usize + 1);
    lua.raw_get_signed(-2, -(i64::from(element) + 1));
    lua.remove(-3);
    // Last, for making it may run a finalizer that ends the task.
    lua.push_function(runtime, wake_object, 0);
    lua.insert(-3);
    lua.pcall(2, 0, 0) == Status::Ok
}

/// Called with an object and a kind.
fn wake_object(lua: State, _: &Runtime) -> c_int {
    lua.get_field(1, c"_wake");
    if lua.is_nil(-1) {
        raise(lua, DIRECT, format_args!("unwakeable socket"));
    }
    lua.insert(1);
    lua.call(2, 0);
    0
}
