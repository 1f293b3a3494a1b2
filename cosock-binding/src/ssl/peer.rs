//! What a TLS object tells of its connection and its peer.

use std::ffi::{CStr, c_int};

use cosock_core::socket::Tcp;
use cosock_core::tls::{Certificate, CipherInfo, Session, Verification};

use super::certificate;
use super::connection::{closed, look, look_open};
use crate::arguments::{self, Called, refuse};
use crate::ffi::State;
use crate::outcome;
use crate::runtime::{Runtime, TCP};
use crate::socket::{own_or_return, still, tcp};

/// `getalpn()`: the protocol agreed on.
pub(super) fn getalpn(lua: State, runtime: &Runtime) -> c_int {
    let socket = own_or_return!(tcp, lua, Called::direct(lua, "getalpn"));
    let protocol = look(lua, runtime, socket, Session::protocol).flatten();
    runtime.pins.push_optional(lua, protocol);
    1
}

/// `getfinished()`: the last message of this side's handshake.
pub(super) fn getfinished(lua: State, runtime: &Runtime) -> c_int {
    let socket = own_or_return!(tcp, lua, Called::direct(lua, "getfinished"));
    match look_open(lua, runtime, socket, |session| session.finished()) {
        Some(message) => push_bytes(lua, runtime, message),
        None => closed(lua),
    }
}

/// `getpeerfinished()`: the last message of the peer's handshake.
pub(super) fn getpeerfinished(lua: State, runtime: &Runtime) -> c_int {
    let socket = own_or_return!(tcp, lua, Called::direct(lua, "getpeerfinished"));
    match look_open(lua, runtime, socket, |session| session.peer_finished()) {
        Some(message) => push_bytes(lua, runtime, message),
        None => closed(lua),
    }
}

fn push_bytes(lua: State, runtime: &Runtime, bytes: Vec<u8>) -> c_int {
    runtime.pins.push_optional(lua, Some(bytes));
    1
}

/// `getpeercertificate([n])`: the peer's own, or the `n`th of what it sent.
pub(super) fn getpeercertificate(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "getpeercertificate");
    let socket = own_or_return!(tcp, lua, called);
    let inner = lua.top();
    let number = arguments::number_or(lua, called, 2, 1.0);
    if look_open(lua, runtime, socket, |_| ()).is_none() {
        return closed(lua);
    }
    if number.is_nan() || number < 1.0 {
        lua.push_nil();
        lua.push_str("invalid certificate index");
        return 2;
    }
    push_from(lua, runtime, inner, Chain::Peer, number as usize - 1);
    1
}

/// `getlocalcertificate()`: the certificate that this side shows.
pub(super) fn getlocalcertificate(lua: State, runtime: &Runtime) -> c_int {
    let socket = own_or_return!(tcp, lua, Called::direct(lua, "getlocalcertificate"));
    let inner = lua.top();
    if look_open(lua, runtime, socket, |_| ()).is_none() {
        return closed(lua);
    }
    push_from(lua, runtime, inner, Chain::Local, 0);
    1
}

/// `getpeerchain()`: all certificates of the peer, its own first.
pub(super) fn getpeerchain(lua: State, runtime: &Runtime) -> c_int {
    let socket = own_or_return!(tcp, lua, Called::direct(lua, "getpeerchain"));
    push_chain(lua, runtime, socket, Chain::Peer)
}

/// `getlocalchain()`: all certificates that this side shows, its own first.
pub(super) fn getlocalchain(lua: State, runtime: &Runtime) -> c_int {
    let socket = own_or_return!(tcp, lua, Called::direct(lua, "getlocalchain"));
    push_chain(lua, runtime, socket, Chain::Local)
}

#[derive(Clone, Copy)]
enum Chain {
    Peer,
    Local,
}

/// [`look_open`], at the inner object at a place of the stack, which is looked up there each time: between two looks
/// values are made, and a finalizer may end the object.
fn look_again<T>(
    lua: State,
    runtime: &Runtime,
    inner: c_int,
    look: impl FnOnce(&Session) -> T,
) -> Option<T> {
    look_open(lua, runtime, lua.userdata(inner, TCP)?, look)
}

/// The certificate at a place of a chain.
fn certificate(
    lua: State,
    runtime: &Runtime,
    inner: c_int,
    chain: Chain,
    place: usize,
) -> Option<Certificate> {
    look_again(lua, runtime, inner, |session| match chain {
        Chain::Peer => session.peer_chain().into_iter().nth(place),
        Chain::Local => session.local_chain().into_iter().nth(place),
    })?
}

/// Pushes a certificate, or nil where there is none, and tells which.
fn push_from(lua: State, runtime: &Runtime, inner: c_int, chain: Chain, place: usize) -> bool {
    let found = certificate::push(lua, runtime, || {
        certificate(lua, runtime, inner, chain, place)
    });
    if !found {
        lua.push_nil();
    }
    found
}

fn push_chain(lua: State, runtime: &Runtime, socket: &Tcp, chain: Chain) -> c_int {
    if look_open(lua, runtime, socket, |_| ()).is_none() {
        return closed(lua);
    }
    let inner = lua.top();
    lua.new_table(2, 0);
    let list = lua.top();
    let mut place = 0;
    while push_from(lua, runtime, inner, chain, place) {
        place += 1;
        lua.raw_set_at(list, place);
    }
    lua.set_top(list);
    1
}

/// `getpeerverification()`: `true`; or `false` and why, where the handshake goes on regardless a list
/// of reasons for each depth, from 1.
pub(super) fn getpeerverification(lua: State, runtime: &Runtime) -> c_int {
    let socket = own_or_return!(tcp, lua, Called::direct(lua, "getpeerverification"));
    let inner = lua.top();
    let verified = look_open(lua, runtime, socket, |session| {
        match session.verification() {
            Verification::Passed => (true, None),
            Verification::Failed(why) => (false, Some(why)),
            Verification::Listed(_) => (false, None),
        }
    });
    let Some((passed, why)) = verified else {
        lua.push_bool(false);
        lua.push_str("closed");
        return 2;
    };
    lua.push_bool(passed);
    if passed {
        return 1;
    }
    match why {
        Some(why) => lua.push_str(why),
        None => push_reasons(lua, runtime, inner),
    }
    2
}

/// Pushes the reasons at each depth. Each is looked up anew: nothing that needs dropping may be held
/// while they are pushed.
fn push_reasons(lua: State, runtime: &Runtime, inner: c_int) {
    let reason = |depth: usize, place: usize| {
        look_again(lua, runtime, inner, |session| {
            match session.verification() {
                Verification::Listed(listed) => listed.get(depth).map(|at| at.get(place).copied()),
                _ => None,
            }
        })
        .flatten()
    };
    lua.new_table(2, 0);
    let all = lua.top();
    let mut depth = 0;
    while let Some(mut next) = reason(depth, 0) {
        if next.is_some() {
            lua.new_table(1, 0);
            let mut place = 0;
            while let Some(text) = next {
                lua.push_str(text);
                place += 1;
                lua.raw_set_at(all + 1, place);
                next = reason(depth, place).flatten();
            }
            lua.raw_set_at(all, depth + 1);
        }
        depth += 1;
    }
}

/// One field of `info`.
type Field = (&'static CStr, fn(CipherInfo) -> String);

const TEXTS: [Field; 6] = [
    (c"cipher", |info| info.cipher),
    (c"key", |info| info.key),
    (c"authentication", |info| info.authentication),
    (c"encryption", |info| info.encryption),
    (c"mac", |info| info.mac),
    (c"protocol", |info| info.protocol.to_owned()),
];

/// `info([field])`: a table about the cipher in use, or one field of it.
pub(super) fn info(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "info");
    own_or_return!(tcp, lua, called);
    let inner = lua.top();
    let cipher = || look_again(lua, runtime, inner, |session| session.cipher()).flatten();
    if cipher().is_none() {
        return closed(lua);
    }
    lua.new_table(0, 10);
    for (name, read) in TEXTS {
        match cipher() {
            Some(info) => runtime.pins.push_text(lua, read(info)),
            None => lua.push_nil(),
        }
        lua.raw_set_field(-2, name);
    }
    let (bits, algorithm) = cipher().map_or((0, 0), |info| info.bits);
    lua.push_number(f64::from(bits));
    lua.raw_set_field(-2, c"bits");
    lua.push_number(f64::from(algorithm));
    lua.raw_set_field(-2, c"algbits");
    lua.push_bool(false);
    lua.raw_set_field(-2, c"export");
    let resumed = look_again(lua, runtime, inner, |session| session.is_resumed()) == Some(true);
    lua.push_bool(resumed);
    lua.raw_set_field(-2, c"resumed");
    if called.count >= 2 && !lua.is_nil(2) {
        lua.push_value(2);
        lua.raw_get(-2);
    }
    1
}

/// The most keying material that is made at once.
const LONGEST_MATERIAL: f64 = 65536.0;

/// `exportkeyingmaterial(label, length [, context])`: RFC 5705.
pub(super) fn exportkeyingmaterial(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "exportkeyingmaterial");
    let socket = own_or_return!(tcp, lua, called);
    let finalized = runtime.finalized.get();
    let label = arguments::bytes(lua, called, 2);
    let length = arguments::number(lua, called, 3);
    let context = (!lua.is_nil(4)).then(|| arguments::bytes(lua, called, 4));
    let socket = still(lua, runtime, called, finalized, socket);
    if !(1.0..=LONGEST_MATERIAL).contains(&length) {
        refuse(lua, called, 3, format_args!("length out of range"));
    }
    let Ok(label) = std::str::from_utf8(label) else {
        refuse(lua, called, 2, format_args!("label is not UTF-8"));
    };
    let material = look_open(lua, runtime, socket, |session| {
        session.export_keying_material(label, length as usize, context)
    });
    match material {
        Some(Ok(material)) => push_bytes(lua, runtime, material),
        Some(Err(error)) => outcome::fail(lua, runtime, error),
        None => closed(lua),
    }
}
