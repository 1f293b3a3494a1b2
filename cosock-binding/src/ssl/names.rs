//! Names of servers (SNI), and who chooses the protocol (ALPN) when a function does.

use std::ffi::c_int;

use cosock_core::tls::{Question, ServerNames, Session};

use super::CONTEXT;
use super::connection::{change, look};
use crate::arguments::{self, Called, raise, refuse};
use crate::ffi::{Kind, State};
use crate::outcome;
use crate::runtime::{Runtime, TCP};
use crate::socket::{own_or_return, still, tcp};

/// `sni(name)` of a client, `sni(contexts [, strict])` of a server.
pub(super) fn sni(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "sni");
    let socket = own_or_return!(tcp, lua, called);
    let inner = lua.top();
    match look(lua, runtime, socket, Session::is_server) {
        None => return 0,
        Some(true) => {
            serve_names(lua, runtime, called, inner);
            return 0;
        }
        Some(false) => {}
    }
    let finalized = runtime.finalized.get();
    let name = arguments::bytes(lua, called, 2);
    let socket = still(lua, runtime, called, finalized, socket);
    let Some(name) = std::str::from_utf8(name)
        .ok()
        .filter(|name| !name.contains('\0'))
    else {
        refuse(lua, called, 2, format_args!("host name expected"));
    };
    let set = change(lua, runtime, socket, |session| {
        session.set_server_name(name)
    });
    match set {
        None | Some(Ok(())) => 0,
        // As in LuaSec: it takes back the name that was set.
        Some(Err(_)) if name.is_empty() => 0,
        Some(Err(error)) => outcome::fail(lua, runtime, error),
    }
}

/// Reads the contexts by name in argument 2; all are looked at before any is taken.
fn serve_names(lua: State, runtime: &Runtime, called: Called, inner: c_int) {
    if lua.kind(2) != Kind::Table {
        arguments::refuse_kind(lua, called, 2, "table");
    }
    let expected = |kind: &str, got: &str| -> ! {
        refuse(lua, called, 2, format_args!("{kind} expected, got {got}"))
    };
    lua.push_nil();
    while lua.next(2) {
        if lua.kind(-2) != Kind::String {
            expected("string", lua.type_name(-2));
        }
        match lua.userdata(-1, CONTEXT) {
            None => expected("SSL:Context", lua.type_name(-1)),
            Some(context) if !context.is_server() => {
                refuse(lua, called, 2, format_args!("invalid mode"))
            }
            Some(_) => lua.pop(1),
        }
    }
    // A copy for the functions that choose protocols: the caller may change its own.
    lua.push_user_table(inner);
    lua.new_table(0, 4);
    let (own, names) = (lua.top() - 1, lua.top());
    lua.push_nil();
    while lua.next(2) {
        lua.push_value(-2);
        lua.push_value(-2);
        lua.raw_set(names);
        lua.pop(1);
    }
    lua.raw_set_field(own, c"names");
    let Some(socket) = lua.userdata(inner, TCP) else {
        return;
    };
    let mut served = ServerNames {
        strict: lua.to_bool(3),
        ..ServerNames::default()
    };
    // From here on nothing raises: the keys are strings, and were there a moment ago.
    lua.push_nil();
    while lua.next(2) {
        if let (Some(name), Some(context)) = (lua.to_bytes(-2), lua.userdata(-1, CONTEXT)) {
            served.contexts.insert(name.to_vec(), context.named());
        }
        lua.pop(1);
    }
    change(lua, runtime, socket, |session| session.set_names(served));
}

/// `getsniname()`: the name that the client asks for.
pub(super) fn getsniname(lua: State, runtime: &Runtime) -> c_int {
    let socket = own_or_return!(tcp, lua, Called::direct(lua, "getsniname"));
    let name = look(lua, runtime, socket, Session::server_name).flatten();
    runtime.pins.push_optional(lua, name);
    1
}

/// What is asked of the question of a suspended handshake.
fn with_question<T>(
    lua: State,
    runtime: &Runtime,
    ask: impl FnOnce(Question) -> Option<T>,
) -> Option<T> {
    let socket = lua.userdata(1, TCP)?;
    look(lua, runtime, socket, |session| ask(session.question()?)).flatten()
}

/// `question(inner)`: the protocols that the client offers, and the function that chooses.
pub(super) fn question(lua: State, runtime: &Runtime) -> c_int {
    lua.set_top(1);
    // Asked for again below: nothing that needs dropping may be held while the field is looked up.
    let name = || with_question(lua, runtime, |question| question.name);
    let is_named = name().is_some();
    lua.push_user_table(1);
    if is_named {
        lua.raw_get_field(2, c"names");
        runtime.pins.push_optional(lua, name());
        lua.get(-2);
    } else {
        lua.raw_get_field(2, c"context");
    }
    if lua.userdata(-1, CONTEXT).is_none() {
        raise(lua, 1, format_args!("no handshake waits for an answer"));
    }
    lua.push_user_table(-1);
    lua.raw_get_field(-1, c"alpn");
    let choose = lua.top();
    lua.new_table(4, 0);
    let list = lua.top();
    for place in 0.. {
        let offered = with_question(lua, runtime, |mut question| {
            (place < question.offered.len()).then(|| question.offered.swap_remove(place))
        });
        if offered.is_none() {
            break;
        }
        runtime.pins.push_optional(lua, offered);
        lua.raw_set_at(list, place + 1);
    }
    lua.push_value(choose);
    2
}

/// `answer(inner, protocols)`: what the function has chosen, a string, a list of strings or nil.
pub(super) fn answer(lua: State, runtime: &Runtime) -> c_int {
    lua.set_top(2);
    if lua.kind(2) == Kind::String {
        lua.new_table(1, 0);
        lua.push_value(2);
        lua.raw_set_at(3, 1);
        lua.replace(2);
    }
    let count = if lua.kind(2) == Kind::Table {
        lua.raw_len(2)
    } else {
        0
    };
    // Twice, for nothing that is made of the names may be there when one of them raises. No Lua runs
    // meanwhile that could change them.
    for place in 1..=count {
        lua.raw_get_at(2, place);
        let length = match lua.kind(-1) {
            Kind::String => lua.raw_len(-1),
            _ => raise(lua, 1, format_args!("invalid ALPN parameter")),
        };
        match length {
            0 => raise(lua, 1, format_args!("invalid ALPN name (empty string)")),
            1..=255 => lua.pop(1),
            _ => raise(lua, 1, format_args!("invalid ALPN name (length > 255)")),
        }
    }
    let mut protocols = Vec::new();
    for place in 1..=count {
        lua.raw_get_at(2, place);
        let name = lua.to_bytes(-1).unwrap_or_default();
        protocols.push(name.len() as u8);
        protocols.extend_from_slice(name);
        lua.pop(1);
    }
    if let Some(socket) = lua.userdata(1, TCP) {
        change(lua, runtime, socket, |session| session.answer(protocols));
    }
    0
}
