//! Addresses of sockets as Lua values.

use std::cell::Cell;
use std::ffi::c_int;
use std::net::{IpAddr, SocketAddr};

use cosock_core::error::SocketError;
use cosock_core::netdb;
use cosock_core::socket::Family;

use crate::arguments;
use crate::ffi::State;
use crate::outcome;
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

/// The last sender of a datagram whose address was told to Lua. Often the next datagram is from the same sender, and
/// the answer goes to it: then no text has to be made, or read.
#[derive(Debug, Default)]
pub(crate) struct LastSender {
    ip: Cell<Option<IpAddr>>,
    /// Where the bytes of its text lie. The string is kept by [`Kept::sender`](crate::runtime::Kept::sender), so no
    /// other lies there.
    text: Cell<usize>,
}

impl LastSender {
    /// The address for which this string was told to Lua; `None` for any other string, even one with the same bytes.
    #[inline]
    pub(crate) fn told_as(&self, text: &[u8]) -> Option<IpAddr> {
        let is_its = text.as_ptr() as usize == self.text.get();
        is_its.then(|| self.ip.get()).flatten()
    }
}

/// Pushes the address and the port of a sender.
#[inline]
pub(crate) fn push_sender(lua: State, runtime: &Runtime, sender: SocketAddr) {
    if runtime.last_sender.ip.get() == Some(sender.ip()) && !has_scope(&sender) {
        lua.push_kept(runtime.kept.get().sender);
    } else {
        push_other_sender(lua, runtime, sender);
    }
    lua.push_integer(i64::from(sender.port()));
}

#[inline(never)]
fn push_other_sender(lua: State, runtime: &Runtime, sender: SocketAddr) {
    push_address(lua, sender);
    // The name of a scope may change.
    if has_scope(&sender) {
        return;
    }
    let text = lua.to_bytes(-1).unwrap_or_default().as_ptr() as usize;
    lua.push_value(-1);
    lua.keep_instead(runtime.kept.get().sender);
    runtime.last_sender.text.set(text);
    runtime.last_sender.ip.set(Some(sender.ip()));
}

fn has_scope(address: &SocketAddr) -> bool {
    matches!(address, SocketAddr::V6(v6) if v6.scope_id() != 0)
}

/// Pushes the results of `getsockname`, whose port is a string, as LuaSocket's is.
pub(crate) fn push_local(
    lua: State,
    runtime: &Runtime,
    address: Result<SocketAddr, SocketError>,
) -> c_int {
    push_end(lua, runtime, address, |port| {
        arguments::push_format(lua, format_args!("{port}"));
    })
}

/// Pushes the results of `getpeername`, whose port is a number, as LuaSocket's is.
pub(crate) fn push_peer(
    lua: State,
    runtime: &Runtime,
    address: Result<SocketAddr, SocketError>,
) -> c_int {
    push_end(lua, runtime, address, |port| {
        lua.push_integer(i64::from(port));
    })
}

/// Pushes the address of one end of a connection, its port and its family, or why there is none.
fn push_end(
    lua: State,
    runtime: &Runtime,
    address: Result<SocketAddr, SocketError>,
    push_port: impl FnOnce(u16),
) -> c_int {
    match address {
        Ok(address) => {
            push_address(lua, address);
            push_port(address.port());
            lua.push_str(Family::of(&address).word());
            3
        }
        Err(error) => outcome::fail(lua, runtime, error),
    }
}
