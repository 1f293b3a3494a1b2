//! Keeps the coroutines and handles of tasks alive (anchored) while their tasks live. That goes for handles which the
//! program has let go of, too: a finalizer may still ask for one.

use std::cell::RefCell;
use std::collections::TryReserveError;
use std::ffi::c_int;

use cosock_core::scheduler::{Scheduler, TaskKey};
use rustc_hash::FxHashMap;

use crate::arguments::raise_no_memory;
use crate::ffi::{self, State, Status};
use crate::runtime::{Note, Runtime};

/// How many tasks share a stack, which is made for so many.
const GROUP: u32 = 128;

/// The slot above theirs is always nil.
const NIL: c_int = GROUP as c_int * 2 + 1;

/// How many values are above that for a moment, while two of them are anchored.
const ROOM: c_int = 2;

/// The stacks of all tasks: coroutines that run nothing but [`fill`]. To put values on one, and to take them from there,
/// takes half of what it takes with a table.
#[derive(Default)]
pub(crate) struct Anchors {
    groups: RefCell<Vec<State>>,
    /// Places of living tasks by the identities of their handles; made when it is first asked for, for many programs
    /// never do.
    places: RefCell<Option<FxHashMap<usize, u32>>>,
}

/// The slots of a task on the stack of its group.
const fn coroutine_slot(place: u32) -> c_int {
    (place % GROUP) as c_int * 2 + 1
}

const fn handle_slot(place: u32) -> c_int {
    coroutine_slot(place) + 1
}

/// The slot of a task in the tables that only some tasks are in.
pub(crate) const fn place_slot(place: u32) -> usize {
    place as usize + 1
}

impl Anchors {
    /// The stack of this place, which the registry has until the state closes.
    #[inline]
    fn group(&self, place: u32) -> Option<State> {
        self.groups.borrow().get((place / GROUP) as usize).copied()
    }

    /// Notes the stack of the next tasks, for which there is room then in every other one.
    fn add_group(&self, group: State, core: &mut Scheduler) -> Result<(), TryReserveError> {
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

/// Makes a task and anchors its handle, which is at `handle`, and its coroutine, which is on top of that and is popped.
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
    lua.push_value(handle);
    lua.move_to(group, 2);
    group.pop_into(coroutine_slot(place));
}

/// Makes the stack of the next tasks, and room for what the core will know of them. That may run finalizers, which
/// may do so too.
#[cold]
fn add_group(lua: State, runtime: &Runtime) {
    let group = lua.new_coroutine();
    lua.push_function(runtime, fill, 0);
    lua.move_to(group, 1);
    // Not without protection: on 5.1 an error in a coroutine that does not run ends the process.
    if group.pcall(0, ffi::ALL, 0) != Status::Ok {
        group.move_to(lua, 1);
        lua.raise_top();
    }
    // There is: `fill` has made it.
    group.has_stack(ROOM);
    let number = lua.keep();
    let result = runtime.enter(lua, |core| runtime.anchors.add_group(group, core));
    if result.is_err() {
        lua.release(number);
        raise_no_memory(lua);
    }
}

/// Fills the stack of a group, which then stays as large.
fn fill(group: State, _: &Runtime) -> c_int {
    if !group.has_stack(NIL + ROOM) {
        raise_no_memory(group);
    }
    group.set_top(NIL);
    NIL
}

/// Lets go of the coroutine and the handle of a task that is over.
#[inline(always)]
pub(crate) fn release(runtime: &Runtime, key: TaskKey) {
    let place = key.index;
    let Some(group) = runtime.anchors.group(place) else {
        return;
    };
    if let Some(places) = &mut *runtime.anchors.places.borrow_mut() {
        places.remove(&group.identity(handle_slot(place)));
    }
    group.copy(NIL, coroutine_slot(place));
    group.copy(NIL, handle_slot(place));
}

/// Pushes the coroutine of a living task. To be used only while it is on the stack: then it stays alive whatever
/// runs meanwhile, though the task may not.
pub(crate) fn push_coroutine(lua: State, runtime: &Runtime, key: TaskKey) -> Option<State> {
    if !runtime.has_task(key) {
        return None;
    }
    let group = runtime.anchors.group(key.index)?;
    group.push_value(coroutine_slot(key.index));
    group.move_to(lua, 1);
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
            group.push_value(handle_slot(key.index));
            group.move_to(lua, 1);
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
    for key in runtime.keys().filter(|key| runtime.has_task(*key)) {
        push_handle(lua, runtime, key);
        places.insert(lua.identity(-1), key.index);
        lua.pop(1);
    }
    *runtime.anchors.places.borrow_mut() = Some(places);
    Ok(())
}
