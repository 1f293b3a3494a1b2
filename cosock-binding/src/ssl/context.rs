//! `ssl.newcontext`, and contexts.
//!
//! The configuration table is read in Lua (`lua/context.lua`), for its values may come from functions
//! of the user's. That calls the functions here, one for each step; they run no Lua.

use std::cell::RefCell;
use std::ffi::c_int;
use std::rc::Rc;

use cosock_core::tls::context::{Mode, SharedContext};
use cosock_core::tls::{Builder, ConfigError, HostCheck, Protocol};

use super::CONTEXT;
use crate::arguments::{Called, DIRECT, bytes, raise, refuse_kind};
use crate::ffi::{Class, Marks, State, upvalue};
use crate::lazy;
use crate::pusher::{Plain, Pusher};
use crate::runtime::Runtime;

/// A context in the making.
const MAKING: Class<RefCell<Making>> = {
    static MARKS: Marks<RefCell<Making>> = Marks::new();
    Class::new(&MARKS)
};

/// What a table is turned into, step by step. It lives in a userdata, for in between Lua may raise.
#[derive(Default)]
struct Making {
    builder: Option<Builder>,
    /// The finished context, until its own userdata takes it.
    context: Option<SharedContext>,
}

impl Making {
    fn step(
        &mut self,
        step: impl FnOnce(&mut Builder) -> Result<(), ConfigError>,
    ) -> Result<(), ConfigError> {
        self.builder.as_mut().map_or(Ok(()), step)
    }
}

/// What the Lua part builds on, beside [`TEXT_STEPS`]. Each step returns true, or nil and what is wrong.
const NATIVE: &[Plain] = &[
    (c"refuse", |push| push.method(refuse_value)),
    (c"refuse_config", |push| push.method(refuse_config)),
    (c"load_key", |push| push.method(load_key)),
    (c"check_key", |push| push.method(check_key)),
    (c"set_depth", |push| push.method(set_depth)),
    (c"set_protocols", |push| push.method(set_protocols)),
    (c"ask_for_protocol", |push| push.method(ask_for_protocol)),
    (c"enable_dane", |push| push.method(enable_dane)),
    (c"verify_host", |push| push.method(verify_host)),
    (c"remember_sessions", |push| push.method(remember_sessions)),
    (c"stamp", |push| push.method(stamp)),
    (c"fingerprint", |push| push.method(fingerprint)),
    (c"is_context", |push| push.method(is_context)),
];

/// Steps that take one text: as Lua calls them, the field that the text is of, and what they do.
macro_rules! text_steps {
    ($($name:literal, $field:literal, $step:path;)*) => {
        &[$(($name, |push| {
            push.method(|lua: State, runtime: &Runtime| build_with(lua, runtime, $field, $step))
        })),*]
    };
}

const TEXT_STEPS: &[Plain] = text_steps! {
    c"load_certificate", "certificate", Builder::load_certificate;
    c"trust_file", "cafile", Builder::trust_file;
    c"trust_directory", "capath", Builder::trust_directory;
    c"set_ciphers", "ciphers", Builder::set_ciphers;
    c"set_ciphersuites", "ciphersuites", Builder::set_ciphersuites;
    c"add_verify", "verify", Builder::add_verify;
    c"add_option", "options", Builder::add_option;
    c"set_dh_parameters", "dhparam", Builder::set_dh_parameters;
    c"set_curves_list", "curveslist", Builder::set_curves_list;
    c"set_curve", "curve", Builder::set_curve;
    c"add_verify_extension", "verifyext", Builder::add_verify_extension;
};

/// Makes the metatable of contexts, and keeps it.
pub(crate) fn make_class(lua: State, runtime: &Runtime) -> c_int {
    let plain = Pusher::new(lua, runtime);
    lua.new_table(0, 5);
    crate::open::hide(lua);
    plain.set(-1, c"__gc", collect);
    plain.set(-1, c"__tostring", to_string);
    lua.new_table(0, 1);
    plain.set(-1, c"setverifyext", set_verify_ext);
    lua.raw_set_field(-2, c"__index");
    lua.keep()
}

/// `stamp(path)`: a text that changes with the file, or nil.
fn stamp(lua: State, runtime: &Runtime) -> c_int {
    match lua.to_bytes(1).and_then(cosock_core::tls::stamp) {
        Some(text) => runtime.pins.push_text(lua, text),
        None => lua.push_nil(),
    }
    1
}

/// `fingerprint(text)`: what stands for a text with a password in it; or nil.
fn fingerprint(lua: State, runtime: &Runtime) -> c_int {
    let digest = lua.to_bytes(1).and_then(cosock_core::tls::fingerprint);
    runtime.pins.push_optional(lua, digest.map(Vec::from));
    1
}

/// `is_context(value)`: whether it is a context that is not finalized.
fn is_context(lua: State, _: &Runtime) -> c_int {
    let found = lua.userdata(1, CONTEXT).is_some();
    lua.push_bool(found);
    1
}

/// `contexts()`: compiles and returns `newcontext`, and what `wrap` uses in its place.
pub(super) fn open(lua: State, runtime: &Runtime) -> c_int {
    let source = include_str!("../lua/context.lua");
    lazy::load(lua, runtime, c"=[cosock.context]", source);
    lua.new_table(0, (NATIVE.len() + TEXT_STEPS.len()) as c_int + 2);
    let pusher = Pusher::new(lua, runtime);
    pusher.fill(NATIVE);
    pusher.fill(TEXT_STEPS);
    // The metatable of contexts in the making.
    lua.new_table(0, 1);
    pusher.set(-1, c"__gc", collect_making);
    lua.push_function(runtime, begin, 1);
    lua.raw_set_field(-2, c"begin");
    pusher.set(-1, c"finish", finish);
    lua.call(1, 2);
    2
}

fn collect(lua: State, _: &Runtime) -> c_int {
    drop(lua.take_userdata(1, CONTEXT));
    0
}

fn collect_making(lua: State, _: &Runtime) -> c_int {
    drop(lua.take_userdata(1, MAKING));
    0
}

fn to_string(lua: State, _: &Runtime) -> c_int {
    let identity = lua.identity(1);
    crate::arguments::push_format(lua, format_args!("SSL context: {identity:#x}"));
    1
}

/// `setverifyext(name, ...)` of a context: true, or false and what is wrong.
fn set_verify_ext(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "setverifyext");
    let check = || match lua.userdata(1, CONTEXT) {
        Some(context) => context,
        None => refuse_kind(lua, called, 1, "SSL:Context"),
    };
    check();
    for argument in 2..=called.count {
        bytes(lua, called, argument);
    }
    // Only now: a number that was made a text may have run a finalizer.
    let context = check();
    let names = (2..=called.count).filter_map(|argument| lua.to_bytes(argument));
    match runtime.enter(lua, |_| context.set_verify_extension(names)) {
        Ok(()) => {
            lua.push_bool(true);
            1
        }
        Err(error) => {
            lua.push_bool(false);
            push_error(lua, runtime, error);
            2
        }
    }
}

fn push_error(lua: State, runtime: &Runtime, error: ConfigError) {
    let text = error.to_string();
    drop(error);
    runtime.pins.push_text(lua, text);
}

/// Pushes what a step came to.
fn report(lua: State, runtime: &Runtime, result: Result<(), ConfigError>) -> c_int {
    match result {
        Ok(()) => {
            lua.push_bool(true);
            1
        }
        Err(error) => {
            lua.push_nil();
            push_error(lua, runtime, error);
            2
        }
    }
}

/// Raises at the caller of `newcontext` or `wrap`, naming the field.
fn refuse_field(lua: State, field: &str, why: std::fmt::Arguments<'_>) -> ! {
    raise(lua, DIRECT, format_args!("bad field '{field}' ({why})"))
}

/// `refuse(field, why)`.
fn refuse_value(lua: State, _: &Runtime) -> c_int {
    let text = |index| std::str::from_utf8(lua.to_bytes(index).unwrap_or_default());
    let (field, why) = (text(1).unwrap_or("?"), text(2).unwrap_or("?"));
    refuse_field(lua, field, format_args!("{why}"))
}

/// `refuse_config(config)`: it is no table.
fn refuse_config(lua: State, _: &Runtime) -> c_int {
    refuse_kind(lua, Called::direct(lua, "newcontext"), 1, "table")
}

/// The bytes of a field's value, at `index`.
fn text<'a>(lua: State, index: c_int, field: &str) -> &'a [u8] {
    match lua.to_bytes(index) {
        Some(text) => text,
        None => {
            let got = lua.type_name(index);
            refuse_field(lua, field, format_args!("string expected, got {got}"))
        }
    }
}

/// The context in the making, which is argument 1.
fn making<'a>(lua: State) -> &'a RefCell<Making> {
    match lua.userdata(1, MAKING) {
        Some(making) => making,
        None => refuse_kind(lua, Called::direct(lua, "newcontext"), 1, "context"),
    }
}

/// A step of the builder.
fn build(
    lua: State,
    runtime: &Runtime,
    step: impl FnOnce(&mut Builder) -> Result<(), ConfigError>,
) -> c_int {
    let making = making(lua);
    let result = runtime.enter(lua, |_| making.borrow_mut().step(step));
    report(lua, runtime, result)
}

/// A step that takes one text.
fn build_with(
    lua: State,
    runtime: &Runtime,
    field: &str,
    step: impl FnOnce(&mut Builder, &[u8]) -> Result<(), ConfigError>,
) -> c_int {
    let value = text(lua, 2, field);
    build(lua, runtime, |builder| step(builder, value))
}

/// `begin(protocol, mode)`: a builder, or nil and what is wrong. Upvalue 2 is its metatable.
fn begin(lua: State, runtime: &Runtime) -> c_int {
    let protocol = match Protocol::named(text(lua, 1, "protocol")) {
        Ok(protocol) => protocol,
        Err(error) => return report(lua, runtime, Err(error)),
    };
    let mode = match Mode::named(text(lua, 2, "mode")) {
        Ok(mode) => mode,
        Err(error) => return report(lua, runtime, Err(error)),
    };
    lua.push_userdata(MAKING, RefCell::default);
    lua.replace(1);
    lua.push_value(upvalue(2));
    lua.set_metatable(1);
    let making = making(lua);
    let result = runtime.enter(lua, |_| {
        making.borrow_mut().builder = Some(Builder::new(protocol, mode)?);
        Ok(())
    });
    if result.is_err() {
        return report(lua, runtime, result);
    }
    lua.set_top(1);
    1
}

/// `finish(builder, choose)`: the context. `choose` is the function by which a server chooses among
/// protocols, or nil; the context's own table keeps it in the field `alpn`.
fn finish(lua: State, runtime: &Runtime) -> c_int {
    lua.set_top(2);
    let making = making(lua);
    let finished = runtime.enter(lua, |_| {
        let mut making = making.borrow_mut();
        let builder = making.builder.take();
        making.context = builder.map(|builder| Rc::new(builder.finish()));
        making.context.is_some()
    });
    if !finished {
        return 0;
    }
    lua.push_userdata_with_room(CONTEXT, || {
        let context = making.borrow_mut().context.take();
        context.expect("nobody else knows of it")
    });
    lua.push_kept(runtime.kept.get().ssl.context_meta);
    lua.set_metatable(3);
    lua.new_table(0, 1);
    lua.push_value(2);
    lua.raw_set_field(-2, c"alpn");
    lua.set_user_table(3);
    1
}

/// `load_key(builder, path, password)`; a third result, true, tells that a password would help.
fn load_key(lua: State, runtime: &Runtime) -> c_int {
    let path = text(lua, 2, "key");
    let password = lua.to_bytes(3);
    let making = making(lua);
    let result = runtime.enter(lua, |_| {
        making
            .borrow_mut()
            .step(|builder| builder.load_key(path, password))
    });
    let is_encrypted = matches!(result, Err(ConfigError::PasswordNeeded(_)));
    let count = report(lua, runtime, result);
    if !is_encrypted {
        return count;
    }
    lua.push_bool(true);
    count + 1
}

/// `check_key(builder, key, certificate)`; both are files that were loaded.
fn check_key(lua: State, runtime: &Runtime) -> c_int {
    let (key, certificate) = (text(lua, 2, "key"), text(lua, 3, "certificate"));
    build(lua, runtime, |builder| builder.check_key(key, certificate))
}

fn set_depth(lua: State, runtime: &Runtime) -> c_int {
    let Some(depth) = lua.to_number(2) else {
        let got = lua.type_name(2);
        refuse_field(lua, "depth", format_args!("number expected, got {got}"))
    };
    if depth.is_nan() || depth.fract() != 0.0 {
        refuse_field(
            lua,
            "depth",
            format_args!("number has no integer representation"),
        );
    }
    build(lua, runtime, |builder| {
        // Nobody has a chain that long.
        builder.set_depth(depth as i32);
        Ok(())
    })
}

/// `set_protocols(builder, names)`; they are strings, and the table is nobody else's.
fn set_protocols(lua: State, runtime: &Runtime) -> c_int {
    let name = |place| {
        lua.raw_get_at(2, place);
        let name = lua.to_bytes(-1).unwrap_or_default();
        // The table keeps it.
        lua.pop(1);
        name
    };
    build(lua, runtime, |builder| {
        builder.set_protocols((1..=lua.raw_len(2)).map(name))
    })
}

fn ask_for_protocol(lua: State, runtime: &Runtime) -> c_int {
    build(lua, runtime, Builder::ask_for_protocol)
}

fn enable_dane(lua: State, runtime: &Runtime) -> c_int {
    let no_ee_namechecks = lua.to_bool(2);
    build(lua, runtime, |builder| {
        builder.enable_dane(no_ee_namechecks)
    })
}

/// `verify_host(builder, name)`; the name is a string, or true for that of SNI.
fn verify_host(lua: State, runtime: &Runtime) -> c_int {
    let name = lua.to_bytes(2);
    build(lua, runtime, |builder| {
        builder.verify_host(match name {
            // A name that is no text is no host's.
            Some(name) => HostCheck::Name(String::from_utf8_lossy(name).into_owned()),
            None => HostCheck::Asked,
        })
    })
}

fn remember_sessions(lua: State, runtime: &Runtime) -> c_int {
    build(lua, runtime, |builder| {
        builder.remember_sessions();
        Ok(())
    })
}
