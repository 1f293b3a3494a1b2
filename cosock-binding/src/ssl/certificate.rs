//! Certificate objects, and `ssl.loadcertificate`.

mod listing;

use std::cell::{Cell, OnceCell};
use std::ffi::c_int;

use cosock_core::tls::Certificate;
use cosock_core::tls::certificate::{Digest, Encoding, PublicKey};

use super::CERTIFICATE;
use crate::arguments::{self, Called, refuse, refuse_kind};
use crate::ffi::State;
use crate::pusher::{Plain, Pusher};
use crate::runtime::Runtime;

/// What a certificate object holds.
#[derive(Default)]
pub(crate) struct Object {
    /// There before Lua code can see the object.
    certificate: OnceCell<Certificate>,
    encoding: Cell<Encoding>,
}

const METHODS: &[Plain] = &[
    (c"digest", |push| push.method(digest)),
    (c"getsignaturename", |push| push.method(getsignaturename)),
    (c"issued", |push| push.method(issued)),
    (c"notafter", |push| push.method(notafter)),
    (c"notbefore", |push| push.method(notbefore)),
    (c"pem", |push| push.method(pem)),
    (c"pubkey", |push| push.method(pubkey)),
    (c"serial", |push| push.method(serial)),
    (c"setencode", |push| push.method(setencode)),
    (c"validat", |push| push.method(validat)),
];

/// Makes the metatable of certificates, and keeps it.
pub(crate) fn make_class(lua: State, runtime: &Runtime) -> c_int {
    let plain = Pusher::new(lua, runtime);
    lua.new_table(0, 5);
    let meta = lua.top();
    lua.push_str("SSL:Certificate");
    lua.raw_set_field(meta, c"__name");
    plain.set(meta, c"__gc", collect);
    plain.set(meta, c"__close", collect);
    plain.set(meta, c"__tostring", to_string);
    lua.new_table(0, METHODS.len() as c_int + 3);
    let methods = lua.top();
    plain.fill(METHODS);
    listing::set_methods(lua, runtime, methods);
    lua.raw_set_field(meta, c"__index");
    lua.keep()
}

/// Pushes an object of the certificate that `make` makes, or pushes nothing when it makes none; tells
/// which. Memory that ends has it make none.
pub(crate) fn push(
    lua: State,
    runtime: &Runtime,
    make: impl FnOnce() -> Option<Certificate>,
) -> bool {
    lua.push_userdata(CERTIFICATE, Object::default);
    let made = make();
    match (made, lua.userdata(-1, CERTIFICATE)) {
        (Some(certificate), Some(object)) => {
            // The cell is new and empty.
            let _ = object.certificate.set(certificate);
            lua.push_kept(runtime.kept.get().ssl.certificate_meta);
            lua.set_metatable(-2);
            true
        }
        _ => {
            lua.pop(1);
            false
        }
    }
}

/// `loadcertificate(pem)`: the first certificate of the text, or nil.
pub(crate) fn load(lua: State, runtime: &Runtime) -> c_int {
    let text = arguments::bytes(lua, Called::direct(lua, "loadcertificate"), 1);
    let read = || runtime.enter(lua, |_| Certificate::from_pem(text));
    if !push(lua, runtime, read) {
        lua.push_nil();
    }
    1
}

/// The object at a place of the stack, unless it was collected, or is something else.
fn find<'a>(lua: State, place: c_int) -> Option<(&'a Certificate, &'a Cell<Encoding>)> {
    let object = lua.userdata(place, CERTIFICATE)?;
    Some((object.certificate.get()?, &object.encoding))
}

/// The object in an argument; raises if it is none.
fn check<'a>(lua: State, called: Called, argument: c_int) -> (&'a Certificate, &'a Cell<Encoding>) {
    match find(lua, argument) {
        Some(found) => found,
        None => refuse_kind(lua, called, argument, "SSL:Certificate"),
    }
}

/// Reads from the certificate that is argument 1.
fn read<T>(
    lua: State,
    runtime: &Runtime,
    called: Called,
    read: impl FnOnce(&Certificate) -> T,
) -> T {
    let (certificate, _) = check(lua, called, 1);
    runtime.enter(lua, |_| read(certificate))
}

/// Pushes a text, or nil.
fn push_text(lua: State, runtime: &Runtime, text: Option<String>) -> c_int {
    runtime
        .pins
        .push_optional(lua, text.map(String::into_bytes));
    1
}

fn pem(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "pem");
    let text = read(lua, runtime, called, Certificate::pem);
    push_text(lua, runtime, text)
}

fn notbefore(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "notbefore");
    let text = read(lua, runtime, called, Certificate::not_before);
    push_text(lua, runtime, Some(text))
}

fn notafter(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "notafter");
    let text = read(lua, runtime, called, Certificate::not_after);
    push_text(lua, runtime, Some(text))
}

fn serial(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "serial");
    let text = read(lua, runtime, called, Certificate::serial);
    push_text(lua, runtime, text)
}

fn getsignaturename(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "getsignaturename");
    let name = read(lua, runtime, called, Certificate::signature_name);
    lua.push_str(name);
    1
}

/// `digest([algorithm])`, by SHA-1 unless told otherwise.
fn digest(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "digest");
    check(lua, called, 1);
    let digest = if lua.is_nil(2) {
        Some(Digest::Sha1)
    } else {
        Digest::named(arguments::bytes(lua, called, 2))
    };
    let Some(digest) = digest else {
        lua.push_nil();
        lua.push_str("digest algorithm not supported (");
        lua.push_value(2);
        lua.push_str(")");
        lua.concat(3);
        return 2;
    };
    match read(lua, runtime, called, |it| it.digest(digest)) {
        Some(text) => push_text(lua, runtime, Some(text)),
        None => {
            lua.push_nil();
            lua.push_str("the TLS library refuses this digest algorithm");
            2
        }
    }
}

/// `pubkey()`: the key as PEM, its kind and its size; nil for one that cannot be read.
fn pubkey(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "pubkey");
    match read(lua, runtime, called, Certificate::public_key) {
        Some(PublicKey { pem, kind, bits }) => {
            runtime.pins.push_text(lua, pem);
            lua.push_str(kind);
            lua.push_integer(i64::from(bits));
            3
        }
        None => {
            lua.push_nil();
            1
        }
    }
}

/// `validat(second)`, counted from the epoch.
fn validat(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "validat");
    check(lua, called, 1);
    let second = arguments::number(lua, called, 2);
    // Versions without integers cut off the fraction.
    if second.is_nan() || (cfg!(integers) && (second as i64) as f64 != second) {
        refuse(
            lua,
            called,
            2,
            format_args!("number has no integer representation"),
        );
    }
    let valid = read(lua, runtime, called, |it| it.is_valid_at(second as i64));
    lua.push_bool(valid);
    1
}

/// `setencode(name)`: how strings in names are handed out; tells whether there is such an encoding.
fn setencode(lua: State, _: &Runtime) -> c_int {
    let called = Called::direct(lua, "setencode");
    check(lua, called, 1);
    let wanted = match arguments::bytes(lua, called, 2) {
        b"ai5" => Some(Encoding::Raw),
        b"utf8" => Some(Encoding::Utf8),
        _ => None,
    };
    if let Some(wanted) = wanted {
        // Only now: a number that was made a text may have run a finalizer.
        check(lua, called, 1).1.set(wanted);
    }
    lua.push_bool(wanted.is_some());
    1
}

/// `issuer:issued(certificate [, intermediates...])`: `true`, or nil and why not.
fn issued(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "issued");
    let (issuer, _) = check(lua, called, 1);
    let (certificate, _) = check(lua, called, 2);
    for argument in 3..=called.count {
        check(lua, called, argument);
    }
    let intermediates = (3..=called.count).filter_map(|argument| find(lua, argument));
    let intermediates = intermediates.map(|(certificate, _)| certificate);
    match runtime.enter(lua, |_| issuer.issued(certificate, intermediates)) {
        Ok(()) => {
            lua.push_bool(true);
            1
        }
        Err(why) => {
            lua.push_nil();
            lua.push_str(why);
            2
        }
    }
}

/// `__gc` and `__close` of a certificate.
fn collect(lua: State, _: &Runtime) -> c_int {
    let _ = lua.take_userdata(1, CERTIFICATE);
    0
}

fn to_string(lua: State, _: &Runtime) -> c_int {
    match find(lua, 1) {
        Some((certificate, _)) => {
            let identity = certificate.identity();
            arguments::push_format(lua, format_args!("X509 certificate: {identity:#x}"));
        }
        None => lua.push_str("X509 certificate: (nil)"),
    }
    1
}
