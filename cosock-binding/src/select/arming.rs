//! Parking a task on what it has yielded: every element is looked at, watched or given a waker.

use std::ffi::c_int;

use cosock_core::reactor::Interest;
use cosock_core::scheduler::TaskKey;
use cosock_core::select::Element;

use super::{AS_LUASOCKET, has_getfd, has_setwaker};
use crate::anchors::place_slot;
use crate::arguments::{self, DIRECT, raise, raise_no_memory};
use crate::ffi::{Kind, State, Status};
use crate::runtime::Runtime;
use crate::socket::{self, kind_word};
use crate::{foreign, run};

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
        core.is_alive(key).then(|| {
            core.set_lists(key, receivers, senders);
            core.park_select(key, select, timeout)
        })
    });
    let Some(serial) = serial else { return 0 };
    runtime.change_note(key, |note| note.has_more = true);
    lua.push_kept(runtime.kept.get().selects);
    lua.push_value(OBJECTS);
    lua.raw_set_at(-2, place_slot(key.index));
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
    if !cfg!(since_lua52) || !lua.metatable(list) {
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
        (element.fd, element.answers) = socket::inner_state(lua, runtime, -1, interest);
    } else if has_setwaker(lua, -1) {
        element.foreign = true;
    } else if has_getfd(lua, -1) {
        let object = lua.top();
        element.fd = foreign_fd(lua);
        element.borrowed = true;
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
        let elements = &mut arming.get_or_insert_default().elements;
        elements.try_reserve(1).is_ok().then(|| {
            elements.push(element);
            elements.len()
        })
    };
    let Some(number) = number else {
        raise_no_memory(lua);
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
        let inner = lua.top();
        let (mut fd, mut answers) = socket::inner_state(lua, runtime, object, interest);
        let borrowed = fd < 0;
        if borrowed {
            fd = foreign_fd(lua);
            answers = fd >= 0 && interest == Interest::Read && is_dirty(lua, inner);
        }
        runtime.enter(lua, |core| {
            if let Some(select) = core.select(key, serial) {
                let element = &mut select.elements[number - 1];
                element.fd = fd;
                element.borrowed = borrowed;
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

/// The descriptor of what is on top, by its `getfd`; -1 if it has none. Leaves values on the stack.
pub(crate) fn foreign_fd(lua: State) -> c_int {
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
