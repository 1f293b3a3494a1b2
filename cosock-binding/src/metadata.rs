//! `cosock.get_thread_metadata`, and what the runtime tells of itself.

use std::ffi::c_int;

use cosock_core::scheduler::TaskKey;

use crate::ffi::State;
use crate::runtime::{Runtime, Task};
use crate::tasks::handle_slot;

/// `cosock.get_thread_metadata()`: a list with an entry for each living task.
pub(crate) fn get(lua: State, runtime: &Runtime) -> c_int {
    lua.set_top(0);
    lua.new_table(0, 0);
    lua.push_kept(runtime.kept.get().slots);
    let mut count = 0;
    let mut place = 0;
    while let Some(task) = nth_task(runtime, place) {
        place += 1;
        if !runtime.enter(lua, |core| core.is_alive(task.key)) {
            continue;
        }
        push_entry(lua, runtime, task);
        count += 1;
        lua.raw_set_at(1, count);
    }
    lua.set_top(1);
    1
}

/// Pushes the traceback of a task.
fn push_traceback(lua: State, runtime: &Runtime, coroutine: State) {
    #[cfg(feature = "lua51")]
    if crate::pcall::push_traceback(lua, runtime, coroutine) {
        return;
    }
    let _ = runtime;
    lua.push_traceback(coroutine, None, 0);
}

fn nth_task(runtime: &Runtime, place: usize) -> Option<Task> {
    runtime.tasks.borrow().get(place).copied()
}

/// Pushes the entry of one task; the slots table is at 2.
fn push_entry(lua: State, runtime: &Runtime, task: Task) {
    let running = runtime.current.get() == Some(task.key);
    lua.new_table(0, 8);
    let entry = lua.top();
    lua.raw_get_at(2, handle_slot(task.key.index));
    lua.raw_get_field(-1, c"name");
    lua.raw_set_field(entry, c"name");
    lua.pop(1);
    let coroutine = task.state();
    push_traceback(lua, runtime, coroutine);
    lua.raw_set_field(entry, c"traceback");
    // Of a running task, the lists of its last wait: the rock's own tests read them so.
    let (receivers, senders) = task.listed;
    lua.push_integer(i64::from(receivers));
    lua.raw_set_field(entry, c"recvt");
    lua.push_integer(i64::from(senders));
    lua.raw_set_field(entry, c"sendt");
    if let Some(timeout) = runtime.enter(lua, |core| core.timeout(task.key)) {
        // Only its value is kept; a whole number was most likely written as one.
        if timeout.fract() == 0.0 && timeout < 1e15 {
            lua.push_integer(timeout as i64);
        } else {
            lua.push_number(timeout);
        }
        lua.raw_set_field(entry, c"timeout");
    }
    push_last_wake(lua, runtime, task.key, entry);
    let status = match (running, lua == coroutine) {
        (true, true) => "running",
        (true, false) => "normal",
        _ => "suspended",
    };
    lua.push_str(status);
    lua.raw_set_field(entry, c"status");
}

fn push_last_wake(lua: State, runtime: &Runtime, key: TaskKey, entry: c_int) {
    let date = runtime.enter(lua, |core| {
        core.last_run(key).map(|time| core.clock.date(time))
    });
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
