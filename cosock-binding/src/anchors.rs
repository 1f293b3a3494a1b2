//! Where the coroutines and handles of tasks are, which are anchored while their tasks live: a handle, too,
//! though the program may have let go of it, for a finalizer may still ask of its task.

use std::cell::RefCell;
use std::collections::TryReserveError;
use std::ffi::c_int;

use cosock_core::scheduler::{Scheduler, TaskKey};
use rustc_hash::FxHashMap;

use crate::arguments::raise_no_memory;
use crate::ffi::State;
use crate::runtime::{Note, Runtime};

/// How many tasks share a table, which is made for so many. One table for all would double whenever it is full.
const GROUP: u32 = 128;

/// The tables of all tasks.
#[derive(Debug, Default)]
pub(crate) struct Anchors {
    /// Their registry numbers.
    groups: RefCell<Vec<c_int>>,
    /// Places of living tasks by the identities of their handles; made when it is first asked for, for many programs
    /// never do.
    places: RefCell<Option<FxHashMap<usize, u32>>>,
}

/// The slots of a task in the table of its group.
const fn coroutine_slot(place: u32) -> usize {
    (place % GROUP) as usize * 2 + 1
}

const fn handle_slot(place: u32) -> usize {
    coroutine_slot(place) + 1
}

/// The slot of a task in the tables that only some tasks are in.
pub(crate) const fn place_slot(place: u32) -> usize {
    place as usize + 1
}

impl Anchors {
    /// The registry number of the table of this place.
    #[inline]
    fn group(&self, place: u32) -> Option<c_int> {
        self.groups.borrow().get((place / GROUP) as usize).copied()
    }

    /// Notes the table of the next tasks, for which there is room then in every other one.
    fn add_group(&self, group: c_int, core: &mut Scheduler) -> Result<(), TryReserveError> {
        let mut groups = self.groups.borrow_mut();
        groups.try_reserve(1)?;
        let tasks = (groups.len() + 1) * GROUP as usize;
        core.try_reserve(tasks)?;
        if let Some(places) = &mut *self.places.borrow_mut() {
            places.try_reserve(tasks.saturating_sub(places.len()))?;
        }
        groups.push(group);
        Ok(())
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

/// The place that the next task gets, unless something is made before that may run a finalizer:
/// [`spawn`] makes nothing then.
#[cold]
pub(crate) fn prepare(lua: State, runtime: &Runtime) -> u32 {
    loop {
        let place = runtime.enter(lua, |core| core.next_place());
        if runtime.anchors.group(place).is_some() {
            return place;
        }
        add_group(lua, runtime);
    }
}

/// Makes a task and anchors its handle, which is at `handle`, and its coroutine, which is above that.
#[inline]
pub(crate) fn spawn(lua: State, runtime: &Runtime, coroutine: State, note: Note, handle: c_int) {
    let (place, group) = loop {
        let spawned = runtime.enter(lua, |core| {
            let place = core.next_place();
            let group = runtime.anchors.group(place)?;
            core.spawn_for(coroutine.raw() as usize, note.number());
            if let Some(places) = &mut *runtime.anchors.places.borrow_mut() {
                places.insert(lua.identity(handle), place);
            }
            Some((place, group))
        });
        match spawned {
            Some(spawned) => break spawned,
            None => add_group(lua, runtime),
        }
    };
    // The table has room for them, so this does not raise.
    lua.push_kept(group);
    lua.push_value(handle + 1);
    lua.raw_set_at(-2, coroutine_slot(place));
    lua.push_value(handle);
    lua.raw_set_at(-2, handle_slot(place));
}

/// Makes the table of the next tasks, and room for what the core will know of them. That may run finalizers, which
/// may do so too.
#[cold]
fn add_group(lua: State, runtime: &Runtime) {
    lua.new_table(GROUP as c_int * 2, 0);
    let group = lua.keep();
    let result = runtime.enter(lua, |core| runtime.anchors.add_group(group, core));
    if result.is_err() {
        lua.release(group);
        raise_no_memory(lua);
    }
}

/// Lets go of the coroutine and the handle of a task that is over.
#[inline]
pub(crate) fn release(lua: State, runtime: &Runtime, key: TaskKey) {
    let place = key.index;
    let Some(group) = runtime.anchors.group(place) else {
        return;
    };
    lua.push_kept(group);
    if runtime.anchors.places.borrow().is_some() {
        lua.raw_get_at(-1, handle_slot(place));
        let handle = lua.identity(-1);
        lua.pop(1);
        if let Some(places) = &mut *runtime.anchors.places.borrow_mut() {
            places.remove(&handle);
        }
    }
    lua.push_nil();
    lua.raw_set_at(-2, coroutine_slot(place));
    lua.push_nil();
    lua.raw_set_at(-2, handle_slot(place));
    lua.pop(1);
}

/// Pushes the coroutine of a living task. To be used only while it is on the stack: then it stays alive whatever
/// runs meanwhile, though the task may not.
pub(crate) fn push_coroutine(lua: State, runtime: &Runtime, key: TaskKey) -> Option<State> {
    if !runtime.has_task(key) {
        return None;
    }
    let group = runtime.anchors.group(key.index)?;
    lua.push_kept(group);
    lua.raw_get_at(-1, coroutine_slot(key.index));
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
            lua.push_kept(group);
            lua.raw_get_at(-1, handle_slot(key.index));
            lua.remove(-2);
        }
        _ => lua.push_nil(),
    }
}

/// The living task whose handle is the table at `index`.
pub(crate) fn task_of_handle(lua: State, runtime: &Runtime, index: c_int) -> Option<TaskKey> {
    // The handle of a living task is anchored, so no other table has its address.
    let handle = lua.identity(index);
    if runtime.anchors.places.borrow().is_none() && note_places(lua, runtime).is_err() {
        raise_no_memory(lua);
    }
    let places = runtime.anchors.places.borrow();
    runtime.key_at(*places.as_ref()?.get(&handle)? as usize)
}

/// Notes the places of all living tasks by the identities of their handles. To read them runs no Lua.
#[cold]
fn note_places(lua: State, runtime: &Runtime) -> Result<(), TryReserveError> {
    let mut places = FxHashMap::default();
    places.try_reserve(runtime.anchors.groups.borrow().len() * GROUP as usize)?;
    let keys = (0..).map_while(|place| runtime.key_at(place));
    for key in keys.filter(|key| runtime.has_task(*key)) {
        push_handle(lua, runtime, key);
        places.insert(lua.identity(-1), key.index);
        lua.pop(1);
    }
    *runtime.anchors.places.borrow_mut() = Some(places);
    Ok(())
}
