//! Waiting by the protocol: `select`, and a task's own `coroutine.yield(recvt, sendt, timeout)`.

mod arming;

use std::ffi::{c_int, c_void};
use std::ptr;

use cosock_core::scheduler::TaskKey;

use crate::anchors::place_slot;
use crate::arguments::{self, Called, DIRECT, WRAPPED, refuse, refuse_kind};
use crate::ffi::{Kind, State};
use crate::runtime::Runtime;
use crate::{foreign, nesting, socket, wait as waiting};

pub(crate) use arming::{arm, foreign_fd};

/// `socket.select(recvt, sendt, timeout)`: checks its arguments, then yields them.
pub(crate) fn select(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::wrapped(lua, "select");
    lua.set_top(3);
    for list in 1..=2 {
        match lua.kind(list) {
            Kind::Nil => {}
            Kind::Table => check_elements(lua, runtime, called, list),
            _ => refuse_kind(lua, called, list, "table"),
        }
    }
    arguments::timeout(lua, called, 3);
    wait_at(lua, runtime, WRAPPED)
}

/// Raises for an element that cannot be waited on.
fn check_elements(lua: State, runtime: &Runtime, called: Called, list: c_int) {
    lua.push_nil();
    while lua.next(list) {
        let known = socket::object_class(lua, runtime, -1).is_some();
        if !known && !has_setwaker(lua, -1) && !has_getfd(lua, -1) {
            let got = lua.type_name(-1);
            refuse(
                lua,
                called,
                list,
                format_args!("non-wakeable socket, a {got}"),
            );
        }
        lua.pop(1);
    }
}

fn has_setwaker(lua: State, index: c_int) -> bool {
    match lua.kind(index) {
        Kind::Table => {}
        Kind::Userdata | Kind::String => {
            if !lua.metatable(index) {
                return false;
            }
            lua.pop(1);
        }
        _ => return false,
    }
    lua.get_field(index, c"setwaker");
    let found = !lua.is_nil(-1);
    lua.pop(1);
    found
}

/// Whether the value is a table that LuaSocket's `select` would take: one that tells its descriptor.
fn has_getfd(lua: State, index: c_int) -> bool {
    if lua.kind(index) != Kind::Table {
        return false;
    }
    lua.get_field(index, c"getfd");
    let found = !lua.is_nil(-1);
    lua.pop(1);
    found
}

/// Its address marks a wait of cosock's own, on top of what it yields.
static MARK: u8 = 0;

fn mark() -> *const c_void {
    ptr::from_ref(&MARK).cast()
}

/// Yields its three arguments as a wait; `install_coroutine` passes such yields upward.
pub(crate) fn wait(lua: State, runtime: &Runtime) -> c_int {
    wait_at(lua, runtime, DIRECT)
}

fn wait_at(lua: State, runtime: &Runtime, level: c_int) -> c_int {
    lua.set_top(3);
    if lua.push_self() {
        waiting::raise_outside(lua, level);
    }
    lua.pop(1);
    if !knows_mark(lua, runtime) {
        return lua.yield_or_raise(3);
    }
    lua.push_pointer(mark());
    lua.yield_or_raise(4)
}

/// Whether who resumes `lua` is the scheduler or a loop of ours, and not the program.
pub(crate) fn knows_mark(lua: State, runtime: &Runtime) -> bool {
    runtime.task_of(lua).is_some() || nesting::is_nested(lua, runtime)
}

/// Whether the coroutine has yielded one of cosock's own waits, and is as that left it.
pub(crate) fn is_marked(coroutine: State) -> bool {
    coroutine.top() > 0 && coroutine.to_pointer(-1) == mark()
}

/// Takes back all of a wait that could not be armed.
pub(crate) fn take_back(lua: State, runtime: &Runtime, key: TaskKey) {
    runtime.enter(lua, |core| core.withdraw(key));
    let base = lua.top();
    lua.push_kept(runtime.kept.get().selects);
    lua.raw_get_at(-1, place_slot(key.index));
    if lua.kind(-1) == Kind::Table {
        lua.push_nil();
        lua.raw_set_at(-3, place_slot(key.index));
        foreign::forget_those_of_others(lua, runtime, key, base + 2);
        // An error of theirs is lost: another one is on its way.
        foreign::disarm_all(lua, runtime, base + 2);
    }
    lua.set_top(base);
}

/// Set in a task's table of objects when an object is one that only LuaSocket's `select` knows: whoever waits on it
/// expects that one's results, which are tables also when nothing is ready.
const AS_LUASOCKET: usize = 0;

/// Pushes `recvr, sendr, err` for the task that is about to be resumed, whose woken elements are
/// listed in the runtime.
pub(crate) fn push_results(lua: State, runtime: &Runtime, key: TaskKey, timed_out: bool) -> c_int {
    let (receivers, _) = runtime.enter(lua, |core| core.lists(key));
    let kept = runtime.kept.get();
    lua.push_kept(kept.selects);
    lua.raw_get_at(-1, place_slot(key.index));
    lua.push_nil();
    lua.raw_set_at(-3, place_slot(key.index));
    lua.remove(-2);
    let objects = lua.top();
    lua.raw_get_at(objects, AS_LUASOCKET);
    let always_tables = lua.to_bool(-1);
    lua.pop(1);
    for _ in 0..2 {
        if always_tables {
            lua.new_table(0, 0);
        } else {
            lua.push_nil();
        }
    }
    let mut counts = [0, 0];
    let woken = runtime.woken.borrow().len();
    for place in 0..woken {
        let number = runtime.woken.borrow().get(place).copied();
        // None is left when the state is closed meanwhile.
        let Some(number) = number else { break };
        let side = usize::from(number >= receivers);
        let list = objects + 1 + side as c_int;
        if counts[side] == 0 {
            lua.new_table(1, 0);
            lua.push_kept(kept.result_meta);
            lua.set_metatable(-2);
            lua.replace(list);
        }
        counts[side] += 1;
        lua.raw_get_at(objects, number as usize + 1);
        lua.raw_set_at(list, counts[side]);
    }
    lua.remove(objects);
    if timed_out && woken == 0 {
        lua.push_str("timeout");
    } else {
        lua.push_nil();
    }
    3
}

/// `__index` of a result list: the place of an object in it, as LuaSocket's lists have.
pub(crate) fn result_index(lua: State, _: &Runtime) -> c_int {
    lua.set_top(2);
    if matches!(lua.kind(2), Kind::Table | Kind::Userdata) && lua.kind(1) == Kind::Table {
        for place in 1..=lua.raw_len(1) {
            lua.raw_get_at(1, place);
            if lua.raw_equal(2, 3) {
                lua.push_integer(place as i64);
                return 1;
            }
            lua.pop(1);
        }
    }
    0
}
