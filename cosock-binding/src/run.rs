//! `cosock.run`: turn after turn, until every task is over.

mod failure;
mod step;

use std::ffi::c_int;

use cosock_core::buffer::{SMALL, Small};
use cosock_core::scheduler::{Scheduler, Start, Started, Tried, Turn};

use crate::arguments::{DIRECT, raise};
use crate::ffi::{RawState, State, Status};
use crate::runtime::Runtime;
use crate::{deadlock, foreign, tasks, timers};

pub(crate) use failure::{fail_with, was_interrupted};
use step::{run_task, try_line};

/// `cosock.run()`.
pub(crate) fn run(lua: State, runtime: &Runtime) -> c_int {
    if runtime.running.get() {
        raise(lua, DIRECT, format_args!("cosock.run is already running"));
    }
    lua.set_top(0);
    #[cfg(feature = "luajit")]
    if lua.is_in_hook(|| call_nothing(lua, runtime)) {
        raise(
            lua,
            DIRECT,
            format_args!("cosock.run cannot run in a finalizer or a debug hook"),
        );
    }
    #[cfg(feature = "lua55")]
    notice_closing(lua, runtime);
    let (pinned, unpushed) = (runtime.pins.depth(), runtime.outcomes.borrow().len());
    lua.push_function(runtime, turns, 0);
    runtime.running.set(true);
    let status = lua.pcall(0, 0, 0);
    stop(lua, runtime);
    if status == Status::Ok {
        return 0;
    }
    // What its error has left, as in `turns`: a connection that became no object would stay open.
    runtime.pins.unwind_to(pinned);
    runtime.outcomes.borrow_mut().truncate(unpushed);
    // LuaJIT takes the last task's coroutine for the running one until something is called here; an error that
    // compiled code catches would let it go on with a coroutine that may be collected.
    #[cfg(feature = "luajit")]
    call_nothing(lua, runtime);
    lua.raise_top()
}

/// Notes that nothing runs any more, whatever ended it.
fn stop(lua: State, runtime: &Runtime) {
    runtime.running.set(false);
    tasks::release_last_reset(lua, runtime);
    if let Some(key) = runtime.current.take() {
        // What ended it came between the task and us, as when memory ran out.
        if tasks::push_and_forget(lua, runtime, key) {
            lua.pop(1);
        }
    }
    leave(runtime);
}

/// A coroutine that closes itself, in an error handler say, ends past every protected call. What is to
/// be closed is closed even then.
#[cfg(feature = "lua55")]
fn notice_closing(lua: State, runtime: &Runtime) {
    fn closed(lua: State, runtime: &Runtime) -> c_int {
        if runtime.running.get() {
            stop(lua, runtime);
        }
        0
    }
    lua.new_table(0, 0);
    lua.new_table(0, 1);
    lua.push_function(runtime, closed, 0);
    lua.raw_set_field(-2, c"__close");
    lua.set_metatable(-2);
    lua.to_be_closed(-1);
}

/// Notes that no task runs.
fn leave(runtime: &Runtime) {
    runtime.current.set(None);
    runtime.current_coroutine.set(std::ptr::null_mut());
}

fn turns(lua: State, runtime: &Runtime) -> c_int {
    let pinned = runtime.pins.depth();
    let unpushed = runtime.outcomes.borrow().len();
    lua.check_stack(20);
    let mut place = [0; SMALL];
    let mut turn = runtime.enter(lua, |core| core.begin());
    loop {
        // Everything that is about to run is disarmed before any of it runs.
        if turn.foreign {
            disarm_foreign(lua, runtime, turn.ready);
        }
        let mut left = turn.ready;
        let mut tried = None;
        while let Some(next) = runtime.enter(lua, |core| {
            next_of_turns(core, runtime, &mut left, &mut place, &mut tried)
        }) {
            run_task(lua, runtime, next, &place, &mut tried);
        }
        if runtime.pins.may_be_left() {
            // What errors that were raised on the way have left.
            runtime.pins.unwind_to(pinned);
            runtime.outcomes.borrow_mut().truncate(unpushed);
        }
        turn = end_turn(lua, runtime);
        if turn.finished {
            return 0;
        }
        if turn.deadlocked && !deadlock::resolve(lua, runtime) {
            deadlock::report(lua, runtime);
        }
        if turn.callbacks {
            timers::call_due(lua, runtime);
        }
        if turn.calls {
            foreign::call_wakes(lua, runtime);
        }
    }
}

/// From so many ready tasks on, the coroutine of one that comes later is fetched from memory ahead of its turn. With
/// that many, coroutines have left the processor's cache while they waited for timers and sockets.
const MANY: usize = 32;

/// How many other tasks run between that fetch and the turn of the task.
const FETCHED_AHEAD: usize = 3;

/// A task that is to run.
#[derive(Clone, Copy)]
struct Next {
    started: Started,
    /// How many bytes the small line has that has come for it.
    line: Option<usize>,
}

/// The next task of this turn, of which `left` are left; `None` when the turn is over and has to be ended in full.
///
/// If the task waits for a line, that is tried at once, while the core is entered anyway: a small line goes to `place`,
/// and whatever else comes of the try goes to `tried`.
#[inline]
fn next_of_turns(
    core: &mut Scheduler,
    runtime: &Runtime,
    left: &mut usize,
    place: &mut Small,
    tried: &mut Option<Tried>,
) -> Option<Next> {
    loop {
        if *left == 0 {
            *left = core.end_quick_turn()?;
        }
        *left -= 1;
        if *left > MANY
            && let Some(owner) = core.owner_after(FETCHED_AHEAD)
        {
            State::fetch(owner as *const RawState);
        }
        if let Some(started) = core.start_next() {
            let line = if started.start == Start::Line {
                try_line(core, runtime, started, place, tried)
            } else {
                None
            };
            return Some(Next { started, line });
        }
    }
}

/// Waits for something to happen, and lets the interpreter act on signals.
fn end_turn(lua: State, runtime: &Runtime) -> Turn {
    // A signal that interrupts the wait ends an empty turn, and its hook fires before the next.
    let_hook_fire(lua, runtime);
    let ended = runtime.enter(lua, |core| {
        core.end_turn()
            .map_err(|error| error.raw_os_error().unwrap_or(0))
    });
    match ended {
        Ok(turn) => turn,
        Err(code) => raise(
            lua,
            DIRECT,
            format_args!("cosock: waiting failed (errno {code})"),
        ),
    }
}

fn disarm_foreign(lua: State, runtime: &Runtime, ready: usize) {
    for position in 0..ready {
        let key = runtime.enter(lua, |core| core.ready_at(position));
        if let Some(key) = key {
            foreign::disarm(lua, runtime, key);
        }
    }
}

/// Ctrl-C sets a hook, which fires at the next call in this state: here is one, unless it has fired already.
fn let_hook_fire(lua: State, runtime: &Runtime) {
    if runtime.interrupted.take() {
        raise(lua, DIRECT, format_args!("interrupted!"));
    }
    if lua.has_hook() {
        call_nothing(lua, runtime);
    } else if runtime
        .main_state()
        .is_some_and(|main| main != lua && main.is_interrupted())
    {
        // The hook of Ctrl-C waits in the main state, which waits for this coroutine.
        raise(lua, DIRECT, format_args!("interrupted!"));
    }
}

/// A call, of which a hook is told.
fn call_nothing(lua: State, runtime: &Runtime) {
    fn nothing(_: State, _: &Runtime) -> c_int {
        0
    }
    lua.push_function(runtime, nothing, 0);
    lua.call(0, 0);
}
