//! Where the coroutines and handles of tasks are, which are anchored while their tasks live: a handle, too,
//! though the program may have let go of it, for a finalizer may still ask of its task.

use std::cell::RefCell;
use std::ffi::c_int;

use cosock_core::scheduler::TaskKey;
use rustc_hash::FxHashMap;

use crate::ffi::State;
use crate::runtime::{Runtime, Task};

/// How many tasks share two tables, which are made for so many. One table for all would double whenever it is full.
const GROUP: u32 = 128;

/// The registry numbers of two tables.
#[derive(Clone, Copy, Debug)]
struct Group {
    coroutines: c_int,
    handles: c_int,
}

/// The tables of all tasks.
#[derive(Debug, Default)]
pub(crate) struct Anchors {
    groups: RefCell<Vec<Group>>,
    /// Places of living tasks by the identities of their handles; made when it is first asked for, for many programs
    /// never do.
    places: RefCell<Option<FxHashMap<usize, u32>>>,
}

/// The slot of a task in the tables of its group.
const fn slot(place: u32) -> usize {
    (place % GROUP) as usize + 1
}

/// The slot of a task in the tables that only some tasks are in.
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
        if let Ok(mut groups) = self.groups.try_borrow_mut() {
            *groups = Vec::new();
        }
        if let Ok(mut places) = self.places.try_borrow_mut() {
            *places = None;
        }
    }
}

/// Anchors the coroutine and the handle of a new task, which are on the stack. Returns the place that the task
/// will get, unless something is made before.
#[inline]
pub(crate) fn anchor(lua: State, runtime: &Runtime, coroutine: c_int, handle: c_int) -> u32 {
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
    lua.push_kept(group.handles);
    lua.push_value(handle);
    lua.raw_set_at(-2, slot(place));
    place
}

/// Notes the place of a new task, whose handle is at `index`.
#[inline]
pub(crate) fn note_place(lua: State, runtime: &Runtime, index: c_int, place: u32) {
    if let Some(places) = &mut *runtime.anchors.places.borrow_mut() {
        places.insert(lua.identity(index), place);
    }
}

/// Makes the tables of the next tasks. That may run finalizers, which may do so too.
#[cold]
fn add_group(lua: State, runtime: &Runtime) {
    lua.new_table(GROUP as c_int, 0);
    lua.new_table(GROUP as c_int, 0);
    let handles = lua.keep();
    let coroutines = lua.keep();
    runtime.anchors.groups.borrow_mut().push(Group {
        coroutines,
        handles,
    });
}

/// Lets go of the coroutine and the handle of a task that is over. Leaves tables on the stack.
#[inline]
pub(crate) fn release(lua: State, runtime: &Runtime, key: TaskKey) {
    let place = key.index;
    let Some(group) = runtime.anchors.group(place) else {
        return;
    };
    if runtime.anchors.places.borrow().is_some() {
        lua.push_kept(group.handles);
        lua.raw_get_at(-1, slot(place));
        let handle = lua.identity(-1);
        if let Some(places) = &mut *runtime.anchors.places.borrow_mut() {
            places.remove(&handle);
        }
    }
    for table in [group.coroutines, group.handles] {
        lua.push_kept(table);
        lua.push_nil();
        lua.raw_set_at(-2, slot(place));
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

/// Pushes the handle of a living task; nil when it is over.
pub(crate) fn push_handle(lua: State, runtime: &Runtime, key: TaskKey) {
    match runtime.anchors.group(key.index) {
        Some(group) if runtime.has_task(key) => {
            lua.push_kept(group.handles);
            lua.raw_get_at(-1, slot(key.index));
            lua.remove(-2);
        }
        _ => lua.push_nil(),
    }
}

/// The living task whose handle is the table at `index`.
pub(crate) fn task_of_handle(lua: State, runtime: &Runtime, index: c_int) -> Option<TaskKey> {
    // The handle of a living task is anchored, so no other table has its address.
    let handle = lua.identity(index);
    let mut places = runtime.anchors.places.borrow_mut();
    let places = places.get_or_insert_with(|| places_of_handles(lua, runtime));
    runtime.key_at(*places.get(&handle)? as usize)
}

/// The places of all living tasks by the identities of their handles. To read them runs no Lua.
#[cold]
fn places_of_handles(lua: State, runtime: &Runtime) -> FxHashMap<usize, u32> {
    let tasks = runtime.tasks.borrow();
    let living = tasks.iter().filter(|task| task.key != TaskKey::NONE);
    let handle_and_place = |task: &Task| {
        push_handle(lua, runtime, task.key);
        let handle = lua.identity(-1);
        lua.pop(1);
        (handle, task.key.index)
    };
    living.map(handle_and_place).collect()
}
