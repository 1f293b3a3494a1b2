//! The native functions of `mime`, in LuaSocket's shape: each turns a chunk into output and what it has
//! to know at the next chunk, so that text of any length passes through in pieces.

mod base64;
mod lines;
mod quoted;

use std::ffi::c_int;

use crate::arguments::{self, Called};
use crate::ffi::State;
use crate::pusher::Plain;
use crate::runtime::Runtime;

pub(crate) const NATIVE: &[Plain] = &[
    (c"b64", |push| push.method(b64)),
    (c"unb64", |push| push.method(unb64)),
    (c"qp", |push| push.method(qp)),
    (c"unqp", |push| push.method(unqp)),
    (c"wrp", |push| push.method(wrp)),
    (c"qpwrp", |push| push.method(qpwrp)),
    (c"eol", |push| push.method(eol)),
    (c"dot", |push| push.method(dot)),
];

const CRLF: &[u8] = b"\r\n";

/// The optional string at `index`. It lives while the argument keeps its slot.
fn optional<'a>(lua: State, called: Called, index: c_int) -> Option<&'a [u8]> {
    (!lua.is_nil(index)).then(|| arguments::bytes(lua, called, index))
}

/// The text that ends lines, if the argument at `index` gives another than CRLF.
fn marker<'a>(lua: State, called: Called, index: c_int) -> &'a [u8] {
    optional(lua, called, index).unwrap_or(CRLF)
}

/// A number without its fraction, which stays far enough from the ends of its type to be counted down.
fn whole(number: f64) -> i64 {
    i64::from(number as i32)
}

/// How long lines may be.
fn length(lua: State, called: Called, index: c_int) -> i64 {
    whole(arguments::number_or(lua, called, index, 76.0))
}

/// `f(held [, chunk])`, where `held` is what the call before did not use: output, and what is held now.
/// Without a chunk it ends: output, or nil when there is none, and nil.
///
/// `convert` appends to the output and returns what it did not use, which `finish` converts at the end.
fn filter(
    lua: State,
    runtime: &Runtime,
    called: Called,
    convert: impl FnOnce(Vec<u8>, &mut Vec<u8>) -> Vec<u8>,
    finish: impl FnOnce(&[u8], &mut Vec<u8>),
) -> c_int {
    let held = optional(lua, called, 1);
    let chunk = optional(lua, called, 2);
    let mut output = Vec::new();
    let (output, rest) = match (held, chunk) {
        (None, _) => (None, None),
        (Some(held), Some(chunk)) => {
            let rest = convert([held, chunk].concat(), &mut output);
            (Some(output), Some(rest))
        }
        (Some(held), None) => {
            let rest = convert(held.to_vec(), &mut output);
            finish(&rest, &mut output);
            (Some(output).filter(|output| !output.is_empty()), None)
        }
    };
    runtime.pins.push_pair(lua, output, rest);
    2
}

fn b64(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "b64");
    filter(lua, runtime, called, base64::encode, base64::finish)
}

fn unb64(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "unb64");
    filter(lua, runtime, called, base64::decode, |_, _| ())
}

/// `qp(held [, chunk [, marker]])`
fn qp(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "qp");
    let marker = marker(lua, called, 3);
    let encode = |input, output: &mut Vec<u8>| quoted::encode(input, marker, output);
    filter(lua, runtime, called, encode, quoted::finish)
}

fn unqp(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "unqp");
    filter(lua, runtime, called, quoted::decode, |_, _| ())
}

/// `f(left, chunk [, length])`: the chunk in lines of at most `length` bytes, of which the first has
/// room for `left`; and the room that the last one has. Without a chunk it ends: `end`, if a line has begun.
fn wrap(
    lua: State,
    runtime: &Runtime,
    name: &'static str,
    end: &[u8],
    wrap: impl FnOnce(lines::Room, &[u8], &mut Vec<u8>) -> i64,
) -> c_int {
    let called = Called::direct(lua, name);
    let left = whole(arguments::number(lua, called, 1));
    let chunk = optional(lua, called, 2);
    let length = length(lua, called, 3);
    let (output, left) = match chunk {
        Some(chunk) => {
            let mut output = Vec::with_capacity(chunk.len());
            let left = wrap(lines::Room { left, length }, chunk, &mut output);
            (Some(output), left)
        }
        None => ((left < length).then(|| end.to_vec()), length),
    };
    push_with_number(lua, runtime, output, left)
}

fn wrp(lua: State, runtime: &Runtime) -> c_int {
    wrap(lua, runtime, "wrp", CRLF, lines::wrap)
}

fn qpwrp(lua: State, runtime: &Runtime) -> c_int {
    wrap(lua, runtime, "qpwrp", b"=\r\n", quoted::wrap)
}

/// `eol(last, chunk [, marker])`: the chunk with `marker` for each end of a line, of whatever kind, and
/// the byte of which it is not known yet whether the next one belongs to it.
fn eol(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "eol");
    let last = whole(arguments::number(lua, called, 1));
    let chunk = optional(lua, called, 2);
    let marker = marker(lua, called, 3);
    let (output, last) = match chunk {
        Some(chunk) => {
            let mut output = Vec::with_capacity(chunk.len());
            let last = lines::normalize(last, chunk, marker, &mut output);
            (Some(output), last)
        }
        None => (None, 0),
    };
    push_with_number(lua, runtime, output, last)
}

/// `dot(matched, chunk)`: the chunk with dots doubled at the beginning of lines, as SMTP wants it, and
/// how many bytes of CRLF it ends with.
fn dot(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "dot");
    let matched = whole(arguments::number(lua, called, 1));
    let (output, matched) = match optional(lua, called, 2) {
        Some(chunk) => {
            let mut output = Vec::with_capacity(chunk.len());
            let matched = lines::stuff(matched, chunk, &mut output);
            (Some(output), matched)
        }
        None => (None, 2),
    };
    push_with_number(lua, runtime, output, matched)
}

fn push_with_number(lua: State, runtime: &Runtime, output: Option<Vec<u8>>, number: i64) -> c_int {
    runtime.pins.push_optional(lua, output);
    // A float, as LuaSocket has it.
    lua.push_number(number as f64);
    2
}
