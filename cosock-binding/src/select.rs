//! Waiting by the protocol: `select`, and a task's own `coroutine.yield(recvt, sendt, timeout)`.

use std::ffi::{c_int, c_void};
use std::ptr;

use cosock_core::reactor::Interest;
use cosock_core::scheduler::TaskKey;
use cosock_core::select::Element;

use crate::arguments::{self, Called, DIRECT, WRAPPED, raise, refuse, refuse_kind};
use crate::ffi::{Kind, State, Status};
use crate::runtime::Runtime;
use crate::socket::{self, kind_word};
use crate::tasks::select_slot;
use crate::{foreign, nesting, run, wait as waiting};

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
    if !knows_mark(runtime, lua) {
        return lua.yield_or_raise(3);
    }
    lua.push_pointer(mark());
    lua.yield_or_raise(4)
}

/// Whether who resumes `lua` is the scheduler or a loop of ours, and not the program.
pub(crate) fn knows_mark(runtime: &Runtime, lua: State) -> bool {
    runtime.task_of(lua).is_some() || nesting::is_nested(runtime, lua)
}

/// Whether the coroutine has yielded one of cosock's own waits, and is as that left it.
pub(crate) fn is_marked(coroutine: State) -> bool {
    coroutine.top() > 0 && coroutine.to_pointer(-1) == mark()
}

/// Takes back all of a wait that could not be armed.
pub(crate) fn take_back(lua: State, runtime: &Runtime, key: TaskKey) {
    runtime.enter(lua, |core| core.withdraw(key));
    let base = lua.top();
    lua.push_kept(runtime.kept.get().slots);
    lua.raw_get_at(-1, select_slot(key.index));
    if lua.kind(-1) == Kind::Table {
        lua.push_nil();
        lua.raw_set_at(-3, select_slot(key.index));
        foreign::forget_those_of_others(lua, runtime, key, base + 2);
        // An error of theirs is lost: another one is on its way.
        foreign::disarm_all(lua, runtime, base + 2);
    }
    lua.set_top(base);
}

/// Parks the current task on the lists in arguments 1 and 2, with the timeout in argument 3.
///
/// Runs in protected mode: whatever it raises is the task's error.
pub(crate) fn arm(lua: State, runtime: &Runtime) -> c_int {
    let Some(key) = runtime.current.get() else {
        return 0;
    };
    lua.set_top(3);
    let timeout = arguments::given_timeout(lua, 3, DIRECT);
    *runtime.arming.borrow_mut() = Some(Box::default());
    lua.new_table(1, 0);
    let receivers = collect(lua, runtime, 1, Interest::Read);
    let senders = collect(lua, runtime, 2, Interest::Write);
    let serial = runtime.enter(lua, |core| {
        let select = runtime.arming.borrow_mut().take().unwrap_or_default();
        // What the lists ran may have called `reset`.
        core.is_alive(key)
            .then(|| core.park_select(key, select, timeout))
    });
    let Some(serial) = serial else { return 0 };
    runtime.note(key, |task| task.listed = (receivers, senders));
    lua.push_kept(runtime.kept.get().slots);
    lua.push_value(OBJECTS);
    lua.raw_set_at(-2, select_slot(key.index));
    lua.pop(1);
    let conflict = runtime.enter(lua, |core| {
        core.watch_elements(key, serial, 0..usize::MAX).err()
    });
    if let Some(interest) = conflict {
        forget_kinds(lua, 1);
        socket::raise_waited(lua, DIRECT, interest);
    }
    for number in 1..=(receivers + senders) as usize {
        lua.raw_get_signed(OBJECTS, -(number as i64));
        if lua.is_nil(-1) {
            lua.pop(1);
        } else if !arm_foreign(lua, runtime, key, serial, number) {
            break;
        }
    }
    0
}

/// Where [`arm`] has its table of objects.
const OBJECTS: c_int = 4;

/// Set in that table when an object is one that only LuaSocket's `select` knows: whoever waits on it
/// expects that one's results, which are tables also when nothing is ready.
const AS_LUASOCKET: usize = 0;

/// Appends the elements of the list at `list` to the select; returns how many there are.
fn collect(lua: State, runtime: &Runtime, list: c_int, interest: Interest) -> u32 {
    match lua.kind(list) {
        Kind::Nil => return 0,
        Kind::Table => {}
        _ => {
            let got = lua.type_name(list);
            raise(
                lua,
                DIRECT,
                format_args!("bad argument #{list} to 'yield' (table expected, got {got})"),
            );
        }
    }
    let mut count = 0;
    let list_end = lua.top();
    if has_pairs(lua, list) {
        // The iterator, its state and its control variable.
        lua.push_value(list);
        #[cfg(not(feature = "lua55"))]
        lua.call(1, 3);
        #[cfg(feature = "lua55")]
        {
            // And what a `for` closes at its end, as the stack does when it gets lower.
            lua.call(1, 4);
            lua.to_be_closed(-1);
        }
        let iterator = list_end + 1;
        loop {
            lua.push_value(iterator);
            lua.push_value(iterator + 1);
            lua.push_value(iterator + 2);
            lua.call(2, 2);
            if lua.is_nil(-2) {
                break;
            }
            lua.push_value(-2);
            lua.replace(iterator + 2);
            append(lua, runtime, interest);
            count += 1;
            lua.pop(1);
        }
        lua.set_top(iterator - 1);
    } else {
        lua.push_nil();
        while lua.next(list) {
            append(lua, runtime, interest);
            count += 1;
        }
    }
    count
}

/// Pushes the list's `__pairs`, if this Lua has them and the list has one.
fn has_pairs(lua: State, list: c_int) -> bool {
    if cfg!(any(feature = "lua51", feature = "luajit")) || !lua.metatable(list) {
        return false;
    }
    lua.raw_get_field(-1, c"__pairs");
    lua.remove(-2);
    let found = !lua.is_nil(-1);
    if !found {
        lua.pop(1);
    }
    found
}

/// Pops an object and makes it the next element.
fn append(lua: State, runtime: &Runtime, interest: Interest) {
    let mut element = Element::new(interest, lua.identity(-1));
    if socket::is_native_at(lua, runtime, -1) {
        if socket::has_waker(lua, -1, interest) {
            socket::raise_waited(lua, DIRECT, interest);
        }
        (element.fd, element.answers) = socket::inner_state(lua, -1, interest);
    } else if has_setwaker(lua, -1) {
        element.foreign = true;
    } else if has_getfd(lua, -1) {
        let object = lua.top();
        element.fd = foreign_fd(lua);
        element.answers = interest == Interest::Read && is_dirty(lua, object);
        lua.set_top(object);
        lua.push_bool(true);
        lua.raw_set_at(OBJECTS, AS_LUASOCKET);
    } else {
        match lua.kind(-1) {
            Kind::Table | Kind::String | Kind::Userdata => {
                raise(lua, DIRECT, format_args!("non-wakeable socket"))
            }
            _ => {
                let got = lua.type_name(-1);
                raise(
                    lua,
                    DIRECT,
                    format_args!("attempt to index a {got} value (non-wakeable socket)"),
                )
            }
        }
    }
    let foreign = element.foreign;
    let number = {
        let mut arming = runtime.arming.borrow_mut();
        let select = arming.get_or_insert_default();
        select.elements.push(element);
        select.elements.len()
    };
    lua.raw_set_at(OBJECTS, number);
    if foreign {
        lua.push_str(kind_word(interest));
        lua.raw_set_signed(OBJECTS, -(number as i64));
    }
}

/// Calls `setwaker` of the object on top, whose kind is below it; tells whether it returned, else the error is
/// on top.
fn give_waker(lua: State, runtime: &Runtime, key: TaskKey, serial: u64, number: usize) -> bool {
    let object = lua.top();
    lua.get_field(object, c"setwaker");
    lua.push_value(object);
    lua.push_value(object - 1);
    foreign::push_waker(lua, runtime, key, serial, number);
    lua.pcall(3, 0, 0) == Status::Ok
}

/// Gives a foreign object its waker, with the object's kind on top, which is popped; then watches its
/// descriptor. Tells whether the wait still lasts.
fn arm_foreign(lua: State, runtime: &Runtime, key: TaskKey, serial: u64, number: usize) -> bool {
    let lasts = || runtime.enter(lua, |core| core.select(key, serial).is_some());
    lua.raw_get_at(OBJECTS, number);
    let object = lua.top();
    if !give_waker(lua, runtime, key, serial, number) {
        let mut given = false;
        if run::was_interrupted(lua, runtime) {
            given = give_waker(lua, runtime, key, serial, number);
            if !given && !foreign::is_of_another(lua, runtime, key, object) {
                // It may have kept the waker before Ctrl-C came.
                lua.pop(1);
                foreign::disarm_one(lua, runtime, object);
                given = give_waker(lua, runtime, key, serial, number);
            }
        }
        if !given {
            // This one and those after it are not ours to take back: somebody else may wait on them.
            forget_kinds(lua, number);
            lua.raise_top();
        }
    }
    if !lasts() {
        // It was told of the end before it knew of the beginning.
        foreign::disarm_one(lua, runtime, object);
        return false;
    }
    lua.get_field(object, c"inner_sock");
    if lua.to_bool(-1) {
        let interest = foreign::interest_at(lua, object - 1);
        let (fd, answers) = socket::inner_state(lua, object, interest);
        let fd = if fd < 0 { foreign_fd(lua) } else { fd };
        runtime.enter(lua, |core| {
            if let Some(select) = core.select(key, serial) {
                let element = &mut select.elements[number - 1];
                element.fd = fd;
                element.answers = answers && fd >= 0;
            }
            let _ = core.watch_elements(key, serial, number - 1..number);
        });
    }
    lua.set_top(object - 2);
    true
}

/// Notes that the objects from `first` on have no waker of this task.
fn forget_kinds(lua: State, first: usize) {
    for number in first..=lua.raw_len(OBJECTS) {
        lua.push_nil();
        lua.raw_set_signed(OBJECTS, -(number as i64));
    }
}

/// Whether the object says that it has bytes, which its descriptor knows nothing of.
fn is_dirty(lua: State, object: c_int) -> bool {
    lua.get_field(object, c"dirty");
    if lua.is_nil(-1) {
        return false;
    }
    lua.push_value(object);
    lua.call(1, 1);
    lua.to_bool(-1)
}

/// The descriptor of what is on top, by its `getfd`; -1 if it has none.
fn foreign_fd(lua: State) -> c_int {
    let inner = lua.top();
    match lua.kind(inner) {
        Kind::Table => {}
        Kind::Userdata if lua.metatable(inner) => lua.pop(1),
        _ => return -1,
    }
    lua.get_field(inner, c"getfd");
    if lua.is_nil(-1) {
        return -1;
    }
    lua.push_value(inner);
    lua.call(1, 1);
    lua.to_number(-1).map_or(-1, arguments::to_descriptor)
}

/// Pushes `recvr, sendr, err` for the task that is about to be resumed, whose woken elements are
/// listed in the runtime.
pub(crate) fn push_results(lua: State, runtime: &Runtime, key: TaskKey, timed_out: bool) -> c_int {
    let receivers = runtime.task(key).map_or(0, |task| task.listed.0);
    let kept = runtime.kept.get();
    lua.push_kept(kept.slots);
    lua.raw_get_at(-1, select_slot(key.index));
    lua.push_nil();
    lua.raw_set_at(-3, select_slot(key.index));
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
        let number = runtime.woken.borrow()[place];
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
