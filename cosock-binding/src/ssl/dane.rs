//! DANE: which certificates a server may show, from records in the DNS that the program has looked up.

use std::ffi::{CString, c_int};

use super::connection::change;
use crate::arguments::{self, Called, refuse};
use crate::ffi::State;
use crate::runtime::Runtime;
use crate::socket::{own_or_return, still, tcp};

/// `setdane(host)`: verifies by the records that follow; false where the context does not allow it.
pub(super) fn setdane(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "setdane");
    let socket = own_or_return!(tcp, lua, called);
    let finalized = runtime.finalized.get();
    let host = arguments::bytes(lua, called, 2);
    let socket = still(lua, runtime, called, finalized, socket);
    if host.contains(&0) {
        refuse(lua, called, 2, format_args!("host name expected"));
    }
    let set = change(lua, runtime, socket, |session| {
        CString::new(host).is_ok_and(|host| session.set_dane(&host))
    });
    lua.push_bool(set == Some(true));
    1
}

/// `settlsa(usage, selector, matching, data)`: adds a TLSA record (RFC 6698); false if it fits none.
pub(super) fn settlsa(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "settlsa");
    let socket = own_or_return!(tcp, lua, called);
    let field = |argument| {
        let number = arguments::number(lua, called, argument);
        ((0.0..=255.0).contains(&number) && number.fract() == 0.0).then_some(number as u8)
    };
    let fields = (field(2), field(3), field(4));
    let finalized = runtime.finalized.get();
    let data = arguments::bytes(lua, called, 5);
    let socket = still(lua, runtime, called, finalized, socket);
    let added = match fields {
        (Some(usage), Some(selector), Some(matching)) => change(lua, runtime, socket, |session| {
            session.add_tlsa(usage, selector, matching, data)
        }),
        _ => None,
    };
    lua.push_bool(added == Some(true));
    1
}
