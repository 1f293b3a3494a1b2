//! The classes of socket objects: for each the module table, in which its methods are, and what is known of
//! the inner sockets under its objects.

use std::ffi::c_int;

use crate::ffi::{Function, State};
use crate::pusher::{Blocking, Plain, Pusher};
use crate::runtime::{ObjectClass, Runtime};
use crate::socket;

/// Makes the module table of one kind of socket and the metatable of its objects. Pushes the module table;
/// returns the number under which the registry keeps the metatable, and by what its objects are known.
///
/// `fill` fills the table of the methods of its inner sockets when somebody first calls one: it is the
/// `__index` of that table, and has no more to do after it.
pub(crate) fn make(
    lua: State,
    runtime: &Runtime,
    plain: &[Plain],
    blocking: &[Blocking],
    inner_meta: c_int,
    fill: impl Function,
) -> (c_int, ObjectClass) {
    let base = lua.top();
    let pusher = Pusher::with_names(lua, runtime, &socket::NAMES);
    // Roomy, for a method is looked up at every call: few names share a place.
    lua.new_table(0, 128);
    let module = lua.top();
    pusher.fill(plain);
    for (name, push, _) in blocking {
        push(pusher);
        lua.raw_set_field(module, name);
    }
    let mut class = ObjectClass::default();
    pusher.method(socket::setwaker);
    class.setwaker = lua.identity(-1);
    lua.raw_set_field(module, c"setwaker");
    pusher.method(socket::wake);
    class.wake = lua.identity(-1);
    lua.raw_set_field(module, c"_wake");
    // The methods of inner sockets are the upvalue of their `__index`.
    lua.push_kept(inner_meta);
    lua.new_table(0, 0);
    lua.new_table(0, 1);
    Pusher::new(lua, runtime).set(-1, c"__index", fill);
    lua.set_metatable(-2);
    lua.push_function(runtime, socket::inner_index, 1);
    lua.raw_set_field(-2, c"__index");
    lua.pop(1);
    lua.new_table(0, 8);
    lua.push_value(module);
    lua.raw_set_field(-2, c"__index");
    class.metatable = lua.identity(-1);
    let metatable = lua.keep();
    lua.replace(base + 1);
    lua.set_top(base + 1);
    (metatable, class)
}

/// Fills the table of methods of inner sockets that is argument 1, and returns what argument 2 names.
pub(crate) fn fill_inner(
    lua: State,
    runtime: &Runtime,
    plain: &[Plain],
    blocking: &[Blocking],
    complete: impl FnOnce(),
) -> c_int {
    lua.set_top(2);
    let pusher = Pusher::with_names(lua, runtime, &socket::NAMES);
    lua.push_value(1);
    pusher.fill(plain);
    for (name, _, push_inner) in blocking {
        push_inner(pusher);
        lua.raw_set_field(-2, name);
    }
    complete();
    lua.push_nil();
    lua.set_metatable(1);
    lua.set_top(2);
    lua.raw_get(1);
    1
}
