//! `cosock.spawn` and task handles.

use std::cell::RefCell;
use std::ffi::c_int;

use cosock_core::scheduler::TaskKey;
use rustc_hash::FxHashMap;

use crate::arguments::{Called, DIRECT, raise, refuse, refuse_kind};
use crate::ffi::{Kind, State, Status};
use crate::foreign;
use crate::run;
use crate::runtime::{Runtime, Shape, Task};

/// The slots of the task at `place`: handle, coroutine, and the objects it selects on.
pub(crate) const fn handle_slot(place: u32) -> usize {
    place as usize * 3 + 1
}

pub(crate) const fn coroutine_slot(place: u32) -> usize {
    place as usize * 3 + 2
}

pub(crate) const fn select_slot(place: u32) -> usize {
    place as usize * 3 + 3
}

/// The slot of a coroutine that called `reset`, until its run is over; else it has `false`.
const LAST_RESET: usize = 0;

/// Lets go of the coroutine that called `reset`. Does not raise, once it has been called.
pub(crate) fn release_last_reset(lua: State, runtime: &Runtime) {
    lua.push_kept(runtime.kept.get().slots);
    lua.push_bool(false);
    lua.raw_set_at(-2, LAST_RESET);
    lua.pop(1);
}

/// `cosock.spawn(fn [, name [, {onerror = fn}]])`: returns the task's handle.
pub(crate) fn spawn(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "spawn");
    if lua.kind(1) != Kind::Function {
        refuse_kind(lua, called, 1, "function");
    }
    let named = called.count > 1 && !lua.is_nil(2);
    let watched_over = called.count > 2 && push_handler(lua, called);
    let kept = runtime.kept.get();
    lua.new_table(0, c_int::from(named));
    let handle = lua.top();
    if named {
        lua.push_value(2);
        lua.raw_set_field(handle, c"name");
    }
    lua.push_kept(kept.handle_meta);
    lua.set_metatable(handle);
    lua.push_kept(kept.slots);
    let slots = handle + 1;
    let coroutine = lua.new_coroutine();
    lua.push_value(1);
    lua.move_to(coroutine, 1);
    // What may raise comes first, for a task that is not anchored must not exist. Setting fields runs
    // no collection, so the place stays free meanwhile.
    let place = runtime.enter(lua, |core| core.next_place());
    lua.raw_set_at(slots, coroutine_slot(place));
    lua.push_value(handle);
    lua.raw_set_at(slots, handle_slot(place));
    if watched_over {
        lua.push_kept(kept.handlers);
        lua.push_value(handle - 1);
        lua.raw_set_at(-2, place as usize + 1);
    }
    let identity = lua.identity(handle);
    runtime.enter(lua, |core| {
        let key = core.spawn_for(coroutine.raw() as usize);
        runtime.places.note(identity, key.index);
        let task = Task {
            key,
            coroutine: coroutine.raw(),
            shape: Shape::Nothing,
            handle: identity,
            watched_over,
        };
        let mut tasks = runtime.tasks.borrow_mut();
        match tasks.get_mut(key.index as usize) {
            Some(place) => *place = task,
            None => tasks.push(task),
        }
    });
    lua.set_top(handle);
    1
}

/// Pushes the error handler among the options in argument 3; tells whether there is one.
#[cold]
fn push_handler(lua: State, called: Called) -> bool {
    if lua.kind(3) != Kind::Table {
        return false;
    }
    lua.set_top(3);
    lua.get_field(3, c"onerror");
    if !lua.is_nil(4) && lua.kind(4) != Kind::Function {
        let got = lua.type_name(4);
        refuse(
            lua,
            called,
            3,
            format_args!("function 'onerror' expected, got {got}"),
        );
    }
    !lua.is_nil(4)
}

/// Places of living tasks by the identities of their handles; made when it is first asked for, for many
/// programs never do.
#[derive(Debug, Default)]
pub(crate) struct Places(RefCell<Option<FxHashMap<usize, u32>>>);

impl Places {
    fn note(&self, handle: usize, place: u32) {
        if let Some(places) = &mut *self.0.borrow_mut() {
            places.insert(handle, place);
        }
    }

    fn forget(&self, handle: usize) {
        if let Some(places) = &mut *self.0.borrow_mut() {
            places.remove(&handle);
        }
    }

    fn find(&self, handle: usize, tasks: &[Task]) -> Option<u32> {
        let mut places = self.0.borrow_mut();
        let places = places.get_or_insert_with(|| {
            let living = tasks.iter().filter(|task| !task.coroutine.is_null());
            living.map(|task| (task.handle, task.key.index)).collect()
        });
        places.get(&handle).copied()
    }

    /// Lets go of what there is, unless somebody uses it.
    pub(crate) fn close(&self) {
        if let Ok(mut places) = self.0.try_borrow_mut() {
            *places = None;
        }
    }
}

/// The task of the handle in argument 1; `None` once it is over. Raises for anything but a handle.
fn task_of_handle(lua: State, runtime: &Runtime, called: Called) -> Option<TaskKey> {
    if lua.kind(1) != Kind::Table {
        refuse_kind(lua, called, 1, "task handle");
    }
    // The handle of a living task is anchored, so no other table has its address.
    let tasks = runtime.tasks.borrow();
    let place = runtime.places.find(lua.identity(1), &tasks)?;
    tasks.get(place as usize).map(|task| task.key)
}

/// `handle:is_alive()`.
pub(crate) fn is_alive(lua: State, runtime: &Runtime) -> c_int {
    let key = task_of_handle(lua, runtime, Called::direct(lua, "is_alive"));
    let alive = key.is_some_and(|key| runtime.enter(lua, |core| core.is_alive(key)));
    lua.push_bool(alive);
    1
}

/// `handle:cancel()`.
pub(crate) fn cancel(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "cancel");
    let Some(key) = task_of_handle(lua, runtime, called) else {
        return 0;
    };
    if runtime.current.get() == Some(key) {
        raise(
            lua,
            called.level,
            format_args!("Attempt to cancel a spawned task from itself"),
        );
    }
    lua.set_top(1);
    let coroutine = push_and_forget(lua, runtime, key);
    if coroutine {
        close_coroutine(lua, runtime);
    }
    raise_interruption(lua, runtime);
    0
}

/// Ends a task: first here and in the core, then its foreign objects are told.
///
/// Pushes its coroutine; tells whether there was one.
pub(crate) fn push_and_forget(lua: State, runtime: &Runtime, key: TaskKey) -> bool {
    let kept = runtime.kept.get();
    let Some((handle, watched_over)) = runtime.look(key, |task| (task.handle, task.watched_over))
    else {
        return false;
    };
    lua.check_stack(12);
    runtime.places.forget(handle);
    runtime.note(key, |task| task.coroutine = std::ptr::null_mut());
    lua.push_kept(kept.slots);
    let slots = lua.top();
    lua.raw_get_at(slots, coroutine_slot(key.index));
    lua.raw_get_at(slots, select_slot(key.index));
    for slot in [handle_slot(key.index), coroutine_slot(key.index)] {
        lua.push_nil();
        lua.raw_set_at(slots, slot);
    }
    if !lua.is_nil(-1) {
        lua.push_nil();
        lua.raw_set_at(slots, select_slot(key.index));
    }
    if watched_over {
        lua.push_kept(kept.handlers);
        lua.push_nil();
        lua.raw_set_at(-2, key.index as usize + 1);
        lua.pop(1);
    }
    runtime.enter(lua, |core| core.finish(key));
    // Now the objects, on top of the coroutine.
    if lua.kind(-1) == Kind::Table {
        let objects = lua.top();
        // An error of theirs is lost: who ends a task is not who waited on them.
        foreign::disarm_all(lua, runtime, objects);
        lua.set_top(objects);
    }
    lua.pop(1);
    lua.remove(slots);
    let found = lua.kind(-1) == Kind::Thread;
    if !found {
        lua.pop(1);
    }
    found
}

/// [`push_and_forget`] for a task that has returned, of which there is less to undo.
pub(crate) fn forget_returned(lua: State, runtime: &Runtime, key: TaskKey) {
    let Some((handle, watched_over)) = runtime.look(key, |task| (task.handle, task.watched_over))
    else {
        return;
    };
    lua.push_kept(runtime.kept.get().slots);
    lua.raw_get_at(-1, select_slot(key.index));
    if watched_over || !lua.is_nil(-1) {
        lua.pop(2);
        if push_and_forget(lua, runtime, key) {
            lua.pop(1);
        }
        return;
    }
    // In the place of what is nil.
    lua.raw_set_at(-2, handle_slot(key.index));
    lua.push_nil();
    lua.raw_set_at(-2, coroutine_slot(key.index));
    lua.pop(1);
    runtime.places.forget(handle);
    runtime.note(key, |task| task.coroutine = std::ptr::null_mut());
    runtime.enter(lua, |core| core.finish(key));
}

/// Pops a coroutine and closes it where the language can: its to-be-closed variables run.
pub(crate) fn close_coroutine(lua: State, runtime: &Runtime) {
    lua.push_kept(runtime.kept.get().close);
    if lua.is_nil(-1) {
        lua.pop(2);
        return;
    }
    lua.insert(-2);
    let close = || {
        lua.push_value(-2);
        lua.push_value(-2);
        lua.pcall(1, 0, 0) == Status::Ok
    };
    // Ctrl-C comes before the call, which it keeps from being made.
    if !close() && (!run::was_interrupted(lua, runtime) || !close()) {
        // Other errors are lost, as those of a collected coroutine would be.
        lua.pop(1);
    }
    lua.pop(2);
}

/// Raises what Ctrl-C has left for the end of a turn, where none is under way.
fn raise_interruption(lua: State, runtime: &Runtime) {
    if !runtime.running.get() && runtime.interrupted.take() {
        raise(lua, DIRECT, format_args!("interrupted!"));
    }
}

/// `tostring(handle)`.
pub(crate) fn to_string(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "tostring");
    if lua.kind(1) != Kind::Table {
        refuse_kind(lua, called, 1, "task handle");
    }
    lua.raw_get_field(1, c"name");
    match lua.kind(-1) {
        Kind::String => return 1,
        Kind::Nil => {}
        Kind::Boolean if !lua.to_bool(-1) => {}
        _ => {
            lua.global(c"tostring");
            lua.insert(-2);
            lua.call(1, 1);
            return 1;
        }
    }
    let key = task_of_handle(lua, runtime, called);
    match key.and_then(|key| runtime.look(key, |task| task.coroutine)) {
        Some(coroutine) => lua.push_coroutine_text(coroutine),
        None => lua.push_str("dead-thread"),
    }
    1
}

/// `cosock.reset()`: forgets every task, timer and readiness.
pub(crate) fn reset(lua: State, runtime: &Runtime) -> c_int {
    // Once is enough, unless an object that is told of it spawns.
    while forget_others(lua, runtime) {}
    if let Some(key) = runtime.current.get() {
        // Its code goes on up to its next wait, and then it is gone like the others. Until then its
        // coroutine needs an anchor.
        if push_and_forget(lua, runtime, key) {
            lua.push_kept(runtime.kept.get().slots);
            lua.insert(-2);
            lua.raw_set_at(-2, LAST_RESET);
            // There is no task any more that could be parked.
            runtime.current.set(None);
        }
    }
    crate::timers::clear(lua, runtime);
    raise_interruption(lua, runtime);
    0
}

/// Ends every task but the one that runs; tells whether there were any.
fn forget_others(lua: State, runtime: &Runtime) -> bool {
    let mut any = false;
    let mut place = 0;
    while let Some(key) = runtime.key_at(place) {
        place += 1;
        if runtime.current.get() != Some(key) && runtime.has_task(key) {
            any = true;
            if push_and_forget(lua, runtime, key) {
                lua.pop(1);
            }
        }
    }
    any
}

/// `cosock.seterrorhandler(fn)`: who is told of errors of tasks without a handler of their own.
pub(crate) fn set_error_handler(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "seterrorhandler");
    lua.set_top(1);
    if !lua.is_nil(1) && lua.kind(1) != Kind::Function {
        refuse_kind(lua, called, 1, "function");
    }
    let old = runtime.handler.replace(0);
    if old != 0 {
        lua.release(old);
    }
    if !lua.is_nil(1) {
        let number = lua.keep();
        runtime.handler.set(number);
    }
    0
}
