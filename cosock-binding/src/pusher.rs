//! Pushes functions and sets them in tables, as the modules have them.

use std::ffi::{CStr, c_int};

use crate::ffi::{Function, State};
use crate::runtime::Runtime;

/// A function that never waits: its name, and how it is pushed.
pub(crate) type Plain = (&'static CStr, fn(Pusher<'_>));

/// A function that waits: its name, how it is pushed for objects, and for inner sockets.
pub(crate) type Blocking = (&'static CStr, fn(Pusher<'_>), fn(Pusher<'_>));

/// Pushes functions that share their upvalues.
#[derive(Clone, Copy)]
pub(crate) struct Pusher<'a> {
    lua: State,
    runtime: &'a Runtime,
    /// Where on the stack the upvalues are, and how many.
    first: c_int,
    count: c_int,
}

impl<'a> Pusher<'a> {
    /// A pusher of functions that have no upvalue but the runtime.
    pub(crate) fn new(lua: State, runtime: &'a Runtime) -> Pusher<'a> {
        Pusher {
            lua,
            runtime,
            first: 0,
            count: 0,
        }
    }

    /// A pusher of functions whose upvalues, after the runtime, are `names`: they are pushed here, and stay
    /// on the stack while it is used.
    pub(crate) fn with_names(lua: State, runtime: &'a Runtime, names: &[&CStr]) -> Pusher<'a> {
        for name in names {
            lua.push_bytes(name.to_bytes());
        }
        let count = names.len() as c_int;
        Pusher {
            lua,
            runtime,
            first: lua.top() - count + 1,
            count,
        }
    }

    /// Pushes `function` with the upvalues.
    pub(crate) fn method(self, function: impl Function) {
        for place in self.first..self.first + self.count {
            self.lua.push_value(place);
        }
        self.lua.push_function(self.runtime, function, self.count);
    }

    /// Pushes `function` with `names` as upvalues.
    pub(crate) fn method_with_names(self, names: &[&CStr], function: impl Function) {
        for name in names {
            self.lua.push_bytes(name.to_bytes());
        }
        self.lua
            .push_function(self.runtime, function, names.len() as c_int);
    }

    /// Sets `table[name]` to `function`.
    pub(crate) fn set(self, table: c_int, name: &CStr, function: impl Function) {
        let table = self.lua.absolute(table);
        self.method(function);
        self.lua.raw_set_field(table, name);
    }

    /// Sets all `functions` in the table on top.
    pub(crate) fn fill(self, functions: &[Plain]) {
        for (name, push) in functions {
            push(self);
            self.lua.raw_set_field(-2, name);
        }
    }
}
