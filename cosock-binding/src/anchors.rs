//! Where the coroutines and handles of tasks are: what a task anchors, and what the program does.
//!
//! A coroutine is anchored while its task lives. A handle lives as long as the program holds it, as the
//! rock's does, unless somebody may be told of it later: then its task holds it too.

use std::cell::{Cell, RefCell};
use std::ffi::c_int;

use cosock_core::scheduler::TaskKey;

use crate::ffi::State;
use crate::runtime::Runtime;

/// How many tasks share two tables, which are made for so many. One table for all would double whenever it is full.
const GROUP: u32 = 128;

/// The registry numbers of two tables.
#[derive(Clone, Copy, Debug)]
struct Group {
    coroutines: c_int,
    /// With weak values.
    handles: c_int,
}

/// The tables of all tasks.
#[derive(Debug, Default)]
pub(crate) struct Anchors {
    groups: RefCell<Vec<Group>>,
    /// The registry number of a table from handles of living tasks to their places, or 0. It is made when it is
    /// first asked for, for many programs never do.
    places: Cell<c_int>,
}

/// The slot of a task in the tables of its group.
const fn slot(place: u32) -> usize {
    (place % GROUP) as usize + 1
}

/// The slot of a task in the tables that only some of them are in.
pub(crate) const fn place_slot(place: u32) -> usize {
    place as usize + 1
}

impl Anchors {
    #[inline]
    fn group(&self, place: u32) -> Option<Group> {
        self.groups.borrow().get((place / GROUP) as usize).copied()
    }

    /// Lets go of what there is, unless somebody uses it.
    pub(crate) fn close(&self) {
        self.places.set(0);
        if let Ok(mut groups) = self.groups.try_borrow_mut() {
            *groups = Vec::new();
        }
    }
}

/// Anchors the coroutine of a new task, and notes its handle, which it holds if it is to be `held`: both are on
/// the stack. Returns the place that the task will get, unless something is made before.
#[inline]
pub(crate) fn anchor(
    lua: State,
    runtime: &Runtime,
    coroutine: c_int,
    handle: c_int,
    held: bool,
) -> u32 {
    let (place, group) = loop {
        let place = runtime.enter(lua, |core| core.next_place());
        match runtime.anchors.group(place) {
            Some(group) => break (place, group),
            None => add_group(lua, runtime),
        }
    };
    // Setting fields runs no collection, so the place stays free meanwhile.
    lua.push_kept(group.coroutines);
    lua.push_value(coroutine);
    lua.raw_set_at(-2, slot(place));
    note_handle(lua, runtime, group, place, handle);
    if held {
        lua.push_kept(runtime.kept.get().held);
        lua.push_value(handle);
        lua.raw_set_at(-2, place_slot(place));
    }
    place
}

/// Makes the tables of the next tasks. That may run finalizers, which may do so too.
#[cold]
fn add_group(lua: State, runtime: &Runtime) {
    lua.new_table(GROUP as c_int, 0);
    lua.new_table(GROUP as c_int, 0);
    lua.push_kept(runtime.kept.get().weak_values);
    lua.set_metatable(-2);
    let handles = lua.keep();
    let coroutines = lua.keep();
    runtime.anchors.groups.borrow_mut().push(Group {
        coroutines,
        handles,
    });
}

/// Notes the handle of the task at `place`; leaves tables on the stack.
#[inline]
fn note_handle(lua: State, runtime: &Runtime, group: Group, place: u32, handle: c_int) {
    let places = runtime.anchors.places.get();
    if places != 0 {
        lua.push_kept(places);
        lua.push_value(handle);
        lua.push_integer(i64::from(place));
        lua.raw_set(-3);
    }
    lua.push_kept(group.handles);
    lua.push_value(handle);
    lua.raw_set_at(-2, slot(place));
}

/// Lets go of the coroutine and the handle of a task that is over. Leaves tables on the stack.
#[inline]
pub(crate) fn release(lua: State, runtime: &Runtime, key: TaskKey, held: bool) {
    let place = key.index;
    let Some(group) = runtime.anchors.group(place) else {
        return;
    };
    let places = runtime.anchors.places.get();
    if places != 0 {
        lua.push_kept(places);
        lua.push_kept(group.handles);
        lua.raw_get_at(-1, slot(place));
        if !lua.is_nil(-1) {
            lua.push_nil();
            lua.raw_set(-4);
        }
    }
    lua.push_kept(group.coroutines);
    lua.push_nil();
    lua.raw_set_at(-2, slot(place));
    if held {
        lua.push_kept(runtime.kept.get().held);
        lua.push_nil();
        lua.raw_set_at(-2, place_slot(place));
    }
}

/// Pushes the coroutine of a living task. To be used only while it is on the stack: then it stays alive whatever
/// runs meanwhile, though the task may not.
pub(crate) fn push_coroutine(lua: State, runtime: &Runtime, key: TaskKey) -> Option<State> {
    if !runtime.has_task(key) {
        return None;
    }
    let group = runtime.anchors.group(key.index)?;
    lua.push_kept(group.coroutines);
    lua.raw_get_at(-1, slot(key.index));
    lua.remove(-2);
    let Some(raw) = lua.to_coroutine(-1) else {
        lua.pop(1);
        return None;
    };
    // SAFETY: the coroutine is on the stack.
    Some(unsafe { State::new(raw) })
}

/// Pushes the handle of a living task, or nil when the program has let go of it.
pub(crate) fn push_handle_or_nil(lua: State, runtime: &Runtime, key: TaskKey) {
    match runtime.anchors.group(key.index) {
        Some(group) if runtime.has_task(key) => {
            lua.push_kept(group.handles);
            lua.raw_get_at(-1, slot(key.index));
            lua.remove(-2);
        }
        _ => lua.push_nil(),
    }
}

/// Pushes the handle of a task, a new one when the program has let go of it; nil when the task is over. Making
/// it may run a finalizer that ends the task.
pub(crate) fn push_handle(lua: State, runtime: &Runtime, key: TaskKey) {
    push_handle_or_nil(lua, runtime, key);
    if !lua.is_nil(-1) || !runtime.has_task(key) {
        return;
    }
    lua.pop(1);
    lua.new_table(0, 0);
    lua.push_kept(runtime.kept.get().handle_meta);
    lua.set_metatable(-2);
    let handle = lua.top();
    if let Some(group) = runtime.anchors.group(key.index)
        && runtime.has_task(key)
    {
        note_handle(lua, runtime, group, key.index, handle);
        lua.set_top(handle);
    }
}

/// The living task whose handle is the table at `index`.
pub(crate) fn task_of_handle(lua: State, runtime: &Runtime, index: c_int) -> Option<TaskKey> {
    let index = lua.absolute(index);
    let base = lua.top();
    push_places(lua, runtime);
    lua.push_value(index);
    lua.raw_get(-2);
    let place = lua.to_number(-1).map(|place| place as usize);
    let key = place.and_then(|place| runtime.key_at(place));
    // A finalizer of the program may have a handle that is no longer noted.
    let key = key.filter(|key| {
        push_handle_or_nil(lua, runtime, *key);
        lua.raw_equal(index, -1)
    });
    lua.set_top(base);
    key
}

/// Pushes the table from handles to places.
fn push_places(lua: State, runtime: &Runtime) {
    let places = runtime.anchors.places.get();
    if places != 0 {
        return lua.push_kept(places);
    }
    lua.new_table(0, 0);
    lua.push_kept(runtime.kept.get().weak_keys);
    lua.set_metatable(-2);
    let table = lua.top();
    // Setting fields runs no collection, so the tasks stay what they are meanwhile.
    let living = |key: &TaskKey| runtime.has_task(*key);
    let count = runtime.tasks.borrow().len();
    for key in (0..count).filter_map(|place| runtime.key_at(place).filter(living)) {
        push_handle_or_nil(lua, runtime, key);
        if lua.is_nil(-1) {
            lua.pop(1);
        } else {
            lua.push_integer(i64::from(key.index));
            lua.raw_set(table);
        }
    }
    lua.push_value(table);
    runtime.anchors.places.set(lua.keep());
}
