//! Tables of functions, as the modules have them.

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
    names: &'a [&'a CStr],
}

impl<'a> Pusher<'a> {
    /// A pusher of functions whose upvalues, after the runtime, are `names`.
    pub(crate) fn new(lua: State, runtime: &'a Runtime, names: &'a [&'a CStr]) -> Pusher<'a> {
        Pusher {
            lua,
            runtime,
            names,
        }
    }

    /// Pushes `function` with the upvalues.
    pub(crate) fn method(self, function: impl Function) {
        for name in self.names {
            self.lua.push_bytes(name.to_bytes());
        }
        self.lua
            .push_function(self.runtime, function, self.names.len() as c_int);
    }

    /// Sets `table[name]` to `function`.
    pub(crate) fn set(self, table: c_int, name: &CStr, function: impl Function) {
        let table = self.lua.absolute(table);
        self.method(function);
        self.lua.raw_set_field(table, name);
    }
}
