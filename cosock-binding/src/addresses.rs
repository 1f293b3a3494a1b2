//! Addresses of sockets as Lua values.

use std::ffi::c_int;
use std::net::SocketAddr;

use cosock_core::error::SocketError;
use cosock_core::netdb;
use cosock_core::socket::Family;

use crate::arguments;
use crate::ffi::State;
use crate::runtime::Runtime;

/// The word of `getfamily`, which is not that of `getsockname`.
pub(crate) fn family_word(family: Family) -> &'static str {
    if family == Family::Inet6 {
        "inet6"
    } else {
        "inet4"
    }
}

/// Pushes the numeric text of an address without its port.
pub(crate) fn push_address(lua: State, address: SocketAddr) {
    match address {
        SocketAddr::V4(v4) => lua.push_bytes(netdb::Ipv4Text::new(*v4.ip()).as_bytes()),
        SocketAddr::V6(_) => {
            // Only as long as it takes to copy it to the stack: no Lua runs in between.
            let mut text = [0; 128];
            let length = {
                let name = netdb::numeric_host(&address);
                let length = name.len().min(text.len());
                text[..length].copy_from_slice(&name.as_bytes()[..length]);
                length
            };
            lua.push_bytes(&text[..length]);
        }
    }
}

/// Pushes the results of `getsockname`, whose port is a string, as LuaSocket's is.
pub(crate) fn push_local(
    lua: State,
    runtime: &Runtime,
    address: Result<SocketAddr, SocketError>,
) -> c_int {
    match address {
        Ok(address) => {
            push_address(lua, address);
            arguments::push_format(lua, format_args!("{}", address.port()));
            lua.push_str(Family::of(&address).word());
            3
        }
        Err(error) => {
            runtime.pins.push_failure(lua, error);
            2
        }
    }
}

/// Pushes the results of `getpeername`, whose port is a number, as LuaSocket's is.
pub(crate) fn push_peer(
    lua: State,
    runtime: &Runtime,
    address: Result<SocketAddr, SocketError>,
) -> c_int {
    match address {
        Ok(address) => {
            push_address(lua, address);
            lua.push_integer(i64::from(address.port()));
            lua.push_str(Family::of(&address).word());
            3
        }
        Err(error) => {
            runtime.pins.push_failure(lua, error);
            2
        }
    }
}
