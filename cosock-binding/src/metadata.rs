//! `cosock.get_thread_metadata`, and what the runtime tells of itself.

use std::ffi::c_int;

use cosock_core::scheduler::TaskKey;

use crate::anchors;
use crate::ffi::{Kind, State};
use crate::runtime::Runtime;

/// `cosock.get_thread_metadata()`: a list with an entry for each living task.
pub(crate) fn get(lua: State, runtime: &Runtime) -> c_int {
    lua.set_top(0);
    lua.new_table(0, 0);
    let mut count = 0;
    for key in runtime.keys() {
        if push_entry(lua, runtime, key) {
            count += 1;
            lua.raw_set_at(1, count);
        }
        lua.set_top(1);
    }
    1
}

/// Pushes the traceback of a coroutine, which is at `index` too.
fn push_traceback(lua: State, runtime: &Runtime, coroutine: State, index: c_int) {
    #[cfg(own_pcall)]
    if coroutine != lua && crate::pcall::push_traceback(lua, runtime, index) {
        return;
    }
    let _ = index;
    crate::traceback::push(lua, runtime, coroutine);
}

/// Pushes the entry of a task, with what it is made of below; tells whether the task lives.
fn push_entry(lua: State, runtime: &Runtime, key: TaskKey) -> bool {
    // What is to be told comes first: making the entry may run a finalizer that ends the task.
    if !runtime.has_task(key) {
        return false;
    }
    let ((receivers, senders), timeout, date) = runtime.enter(lua, |core| {
        let date = core.last_run(key).map(|time| core.clock.date(time));
        (core.lists(key), core.timeout(key), date)
    });
    let running = runtime.current.get() == Some(key);
    anchors::push_handle(lua, runtime, key);
    let Some(coroutine) = anchors::push_coroutine(lua, runtime, key) else {
        return false;
    };
    let index = lua.top();
    lua.new_table(0, 8);
    let entry = lua.top();
    if lua.kind(index - 1) == Kind::Table {
        lua.raw_get_field(index - 1, c"name");
        lua.raw_set_field(entry, c"name");
    }
    push_traceback(lua, runtime, coroutine, index);
    lua.raw_set_field(entry, c"traceback");
    // Of a running task, the lists of its last wait: the rock's own tests read them so.
    lua.push_integer(i64::from(receivers));
    lua.raw_set_field(entry, c"recvt");
    lua.push_integer(i64::from(senders));
    lua.raw_set_field(entry, c"sendt");
    if let Some(timeout) = timeout {
        // Only its value is kept; a whole number was most likely written as one.
        if timeout.fract() == 0.0 && timeout < 1e15 {
            lua.push_integer(timeout as i64);
        } else {
            lua.push_number(timeout);
        }
        lua.raw_set_field(entry, c"timeout");
    }
    set_last_wake(lua, entry, date);
    let status = match (running, lua == coroutine) {
        (true, true) => "running",
        (true, false) => "normal",
        _ => "suspended",
    };
    lua.push_str(status);
    lua.raw_set_field(entry, c"status");
    true
}

fn set_last_wake(lua: State, entry: c_int, date: Option<f64>) {
    match date {
        Some(date) => {
            lua.push_integer(date as i64);
            lua.raw_set_field(entry, c"last_wake");
            lua.push_number(date);
            lua.raw_set_field(entry, c"last_wake_time");
        }
        None => {
            lua.push_str("unknown");
            lua.raw_set_field(entry, c"last_wake");
        }
    }
}

/// `cosock._debug()`: how many tasks, registered descriptors, waiters, deadlines and look-ups there
/// are, for tests that look for what stays behind. `cosock._debug("openssl")`: name and version of the
/// OpenSSL that TLS uses, which is loaded for it; or nil and why there is none.
pub(crate) fn debug(lua: State, runtime: &Runtime) -> c_int {
    if lua.to_bytes(1) == Some(b"openssl") {
        return push_openssl(lua);
    }
    let counts = runtime.enter(lua, |core| {
        [
            core.live(),
            core.reactor.registered(),
            core.reactor.waiters(),
            core.deadlines(),
            core.resolver.pending(),
        ]
    });
    lua.new_table(0, 5);
    let names = [c"tasks", c"sources", c"waiters", c"timers", c"lookups"];
    for (name, count) in names.into_iter().zip(counts) {
        lua.push_integer(count as i64);
        lua.raw_set_field(-2, name);
    }
    1
}

fn push_openssl(lua: State) -> c_int {
    #[cfg(feature = "tls")]
    let found = cosock_core::tls::loaded_library();
    #[cfg(not(feature = "tls"))]
    let found: Result<&str, &str> = Err("this cosock was built without TLS");
    match found {
        Ok(name) => {
            lua.push_str(name);
            1
        }
        Err(why) => {
            lua.push_nil();
            lua.push_str(why);
            2
        }
    }
}
