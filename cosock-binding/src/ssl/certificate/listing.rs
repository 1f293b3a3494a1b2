//! The names that certificates tell as tables: of subjects, issuers and alternative names.

use std::ffi::c_int;

use cosock_core::tls::Certificate;
use cosock_core::tls::certificate::{
    ALTERNATIVES_OID, AlternativeName, Attribute, Encoding, alternatives_title,
};

use super::{check, find};
use crate::arguments::Called;
use crate::ffi::{Class, Marks, State, upvalue};
use crate::pusher::Pusher;
use crate::runtime::Runtime;

/// Names on their way into tables. Making tables may run finalizers, and may raise; so this is Lua's
/// meanwhile, on the stack.
enum Listing {
    Attributes(Vec<Attribute>),
    Alternatives(Vec<AlternativeName>),
    Nothing,
}

const LISTING: Class<Listing> = {
    static MARKS: Marks<Listing> = Marks::new();
    Class::new(&MARKS)
};
/// The metatable of listings, in the functions that make one.
const LISTING_META: c_int = upvalue(2);

/// Sets the methods that tell names in the table at an index.
pub(super) fn set_methods(lua: State, runtime: &Runtime, methods: c_int) {
    lua.new_table(0, 1);
    Pusher::new(lua, runtime).set(-1, c"__gc", collect_listing);
    let listing = lua.top();
    lua.push_value(listing);
    lua.push_function(runtime, subject, 1);
    lua.raw_set_field(methods, c"subject");
    lua.push_value(listing);
    lua.push_function(runtime, issuer, 1);
    lua.raw_set_field(methods, c"issuer");
    lua.push_value(listing);
    lua.push_function(runtime, extensions, 1);
    lua.raw_set_field(methods, c"extensions");
    lua.pop(1);
}

fn subject(lua: State, runtime: &Runtime) -> c_int {
    push_attributes(lua, runtime, "subject", Certificate::subject)
}

fn issuer(lua: State, runtime: &Runtime) -> c_int {
    push_attributes(lua, runtime, "issuer", Certificate::issuer)
}

/// Pushes a name: a list of its attributes.
fn push_attributes(
    lua: State,
    runtime: &Runtime,
    method: &'static str,
    name: fn(&Certificate, Encoding) -> Vec<Attribute>,
) -> c_int {
    let listing = list(lua, runtime, method, |it, encoding| {
        Listing::Attributes(name(it, encoding))
    });
    let Listing::Attributes(attributes) = listing else {
        return 0;
    };
    lua.new_table(attributes.len() as c_int, 0);
    let names = lua.top();
    for (place, attribute) in attributes.iter().enumerate() {
        lua.new_table(0, 3);
        lua.push_str(&attribute.oid);
        lua.raw_set_field(-2, c"oid");
        lua.push_str(&attribute.name);
        lua.raw_set_field(-2, c"name");
        if let Some(value) = &attribute.value {
            lua.push_bytes(value);
            lua.raw_set_field(-2, c"value");
        }
        lua.raw_set_at(names, place + 1);
    }
    1
}

/// `extensions()`: a table with the alternative names of the subject, if there are any.
fn extensions(lua: State, runtime: &Runtime) -> c_int {
    let listing = list(lua, runtime, "extensions", |it, encoding| {
        it.alternative_names(encoding)
            .map_or(Listing::Nothing, Listing::Alternatives)
    });
    lua.new_table(0, 1);
    let Listing::Alternatives(names) = listing else {
        return 1;
    };
    lua.push_str(ALTERNATIVES_OID);
    lua.new_table(0, 4);
    let extension = lua.top();
    lua.push_str(alternatives_title());
    lua.raw_set_field(extension, c"name");
    for name in names {
        lua.push_str(&name.field);
        if lua.raw_get_is_nil(extension) {
            lua.pop(1);
            push_kind(lua, extension, name);
        }
        if let Some(value) = &name.value {
            lua.push_bytes(value);
            lua.raw_set_at(-2, lua.raw_len(-2) + 1);
        }
        lua.pop(1);
    }
    lua.raw_set(-3);
    1
}

/// Pushes a new list of the names of one kind, and enters it into the extension.
fn push_kind(lua: State, extension: c_int, name: &AlternativeName) {
    lua.new_table(1, c_int::from(name.title.is_some()));
    if let Some(title) = &name.title {
        lua.push_str(title);
        lua.raw_set_field(-2, c"name");
    }
    lua.push_str(&name.field);
    lua.push_value(-2);
    lua.raw_set(extension);
}

/// Reads names from the certificate that is argument 1. They stay on the stack, in place 2, for as
/// long as the result is used.
fn list<'a>(
    lua: State,
    runtime: &Runtime,
    method: &'static str,
    read: impl FnOnce(&Certificate, Encoding) -> Listing,
) -> &'a Listing {
    check(lua, Called::direct(lua, method), 1);
    lua.set_top(1);
    // Making room may have run a finalizer, so the certificate is looked for again.
    lua.push_userdata(LISTING, || match find(lua, 1) {
        Some((certificate, encoding)) => runtime.enter(lua, |_| read(certificate, encoding.get())),
        None => Listing::Nothing,
    });
    lua.push_value(LISTING_META);
    lua.set_metatable(2);
    lua.userdata(2, LISTING).unwrap_or(&Listing::Nothing)
}

/// `__gc` of a listing.
fn collect_listing(lua: State, _: &Runtime) -> c_int {
    let _ = lua.take_userdata(1, LISTING);
    0
}
