//! `cosock.timers`: callbacks by time, which `cosock.run` calls between turns.

use std::collections::{HashMap, TryReserveError};
use std::ffi::c_int;

use cosock_core::timer::TimerId;

use crate::arguments::{self, Called, raise, raise_no_memory, refuse_kind};
use crate::ffi::{Kind, State};
use crate::runtime::Runtime;

/// The timers of callbacks by number; their functions are in a table under the same number.
#[derive(Debug, Default)]
pub(crate) struct Callbacks {
    timers: HashMap<u64, TimerId>,
    last: u64,
}

/// `timers.set(seconds, fn [, ref])`.
pub(crate) fn set(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "set");
    lua.set_top(3);
    let seconds = arguments::number(lua, called, 1);
    if seconds.is_nan() {
        arguments::refuse(
            lua,
            called,
            1,
            format_args!("timeout is not a number (NaN)"),
        );
    }
    if lua.kind(2) != Kind::Function {
        refuse_kind(lua, called, 2, "function");
    }
    if lua.kind(3) == Kind::Number && lua.to_number(3).is_some_and(f64::is_nan) {
        arguments::refuse(lua, called, 3, format_args!("a reference cannot be NaN"));
    }
    let kept = runtime.kept.get();
    let number = {
        let mut callbacks = runtime.callbacks.borrow_mut();
        callbacks.last += 1;
        callbacks.last
    };
    lua.push_kept(kept.callbacks);
    lua.new_table(2, 0);
    lua.push_value(2);
    lua.raw_set_at(-2, 1);
    lua.push_value(3);
    lua.raw_set_at(-2, 2);
    lua.raw_set_at(-2, number as usize);
    if !lua.is_nil(3) {
        lua.push_kept(kept.references);
        lua.push_value(3);
        lua.push_number(number as f64);
        lua.raw_set(-3);
    }
    let result = runtime.enter(lua, |core| {
        let timers = &mut runtime.callbacks.borrow_mut().timers;
        timers.try_reserve(1)?;
        timers.insert(number, core.set_callback(number, seconds)?);
        Ok::<(), TryReserveError>(())
    });
    if result.is_err() {
        forget(lua, runtime, number);
        raise_no_memory(lua);
    }
    0
}

/// `timers.cancel(ref)`.
pub(crate) fn cancel(lua: State, runtime: &Runtime) -> c_int {
    lua.set_top(1);
    if lua.is_nil(1) {
        raise(
            lua,
            1,
            format_args!("bad argument #1 to 'cancel' (table index is nil)"),
        );
    }
    lua.push_kept(runtime.kept.get().references);
    lua.push_value(1);
    lua.raw_get(2);
    let number = lua.to_number(-1);
    if let Some(number) = number {
        lua.push_value(1);
        lua.push_nil();
        lua.raw_set(2);
        forget(lua, runtime, number as u64);
    }
    0
}

/// Ends a callback's timer and lets its function go.
fn forget(lua: State, runtime: &Runtime, number: u64) {
    let timer = runtime.callbacks.borrow_mut().timers.remove(&number);
    if let Some(timer) = timer {
        runtime.enter(lua, |core| core.remove_callback(timer));
    }
    lua.push_kept(runtime.kept.get().callbacks);
    lua.push_nil();
    lua.raw_set_at(-2, number as usize);
    lua.pop(1);
}

/// `timers.run()`: calls what is due, and returns the seconds until the next deadline, or nil.
pub(crate) fn run(lua: State, runtime: &Runtime) -> c_int {
    runtime.enter(lua, |core| core.expire());
    call_due(lua, runtime);
    match runtime.enter(lua, |core| core.next_timeout()) {
        Some(seconds) => lua.push_number(seconds),
        None => lua.push_nil(),
    }
    1
}

/// Calls the callbacks that are due at this moment, earliest first.
pub(crate) fn call_due(lua: State, runtime: &Runtime) {
    let mut due = runtime.enter(lua, |core| core.due_callbacks());
    while due > 0 {
        due -= 1;
        let Some(number) = runtime.enter(lua, |core| core.take_callback()) else {
            return;
        };
        lua.push_kept(runtime.kept.get().callbacks);
        lua.raw_get_at(-1, number as usize);
        lua.remove(-2);
        if lua.kind(-1) != Kind::Table {
            // Cancelled by one that came before.
            lua.pop(1);
            continue;
        }
        let entry = lua.top();
        lua.raw_get_at(entry, 2);
        if !lua.is_nil(-1) {
            lua.push_kept(runtime.kept.get().references);
            lua.push_value(-2);
            lua.raw_get(-2);
            if lua.to_number(-1) == Some(number as f64) {
                lua.push_value(-3);
                lua.push_nil();
                lua.raw_set(-4);
            }
            lua.pop(2);
        }
        lua.pop(1);
        lua.raw_get_at(entry, 1);
        forget(lua, runtime, number);
        lua.remove(entry);
        lua.call(0, 0);
    }
}

/// Forgets every callback.
pub(crate) fn clear(lua: State, runtime: &Runtime) {
    runtime.enter(lua, |core| {
        for (_, timer) in std::mem::take(&mut runtime.callbacks.borrow_mut().timers) {
            core.remove_callback(timer);
        }
    });
    let kept = runtime.kept.get();
    for table in [kept.callbacks, kept.references] {
        lua.push_kept(table);
        empty_table(lua);
    }
}

/// Pops a table and takes out all that is in it. Makes nothing.
fn empty_table(lua: State) {
    lua.push_nil();
    while lua.next(-2) {
        lua.pop(1);
        lua.push_value(-1);
        lua.push_nil();
        lua.raw_set(-4);
    }
    lua.pop(1);
}
