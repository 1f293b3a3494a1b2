//! Where the coroutines and handles of tasks are, which are anchored while their tasks live: a handle, too,
//! though the program may have let go of it, for a finalizer may still ask of its task.

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
        self.places.set(0);
        if let Ok(mut groups) = self.groups.try_borrow_mut() {
            *groups = Vec::new();
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
    let places = runtime.anchors.places.get();
    if places != 0 {
        lua.push_kept(places);
        lua.push_value(handle);
        lua.push_integer(i64::from(place));
        lua.raw_set(-3);
    }
    place
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
    let index = lua.absolute(index);
    let base = lua.top();
    push_places(lua, runtime);
    lua.push_value(index);
    lua.raw_get(-2);
    let place = lua.to_number(-1).map(|place| place as usize);
    let key = place.and_then(|place| runtime.key_at(place));
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
        push_handle(lua, runtime, key);
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
