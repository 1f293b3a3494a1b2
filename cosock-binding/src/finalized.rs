//! What is left of inner sockets that Lua has finalized, which finalizers of older objects still reach:
//! they find them closed.

use std::ffi::c_int;

use cosock_core::socket::{Family, Tcp, TcpClass, TcpSocket, Udp, UdpClass, UdpSocket};

use crate::ffi::{Class, Kind, State};
use crate::runtime::{TCP, UDP};

const CLASSES: [TcpClass; 3] = [TcpClass::Master, TcpClass::Client, TcpClass::Server];
const UDP_CLASSES: [UdpClass; 2] = [UdpClass::Unconnected, UdpClass::Connected];
const FAMILIES: [Family; 3] = [Family::Unspecified, Family::Inet, Family::Inet6];
const FAMILY_SHIFT: u8 = 2;
const ENCRYPTED: u8 = 1 << 4;

fn index<T: PartialEq>(values: &[T], value: T) -> u8 {
    values.iter().position(|it| *it == value).unwrap_or(0) as u8
}

fn family(remains: u8) -> Family {
    FAMILIES[usize::from(remains >> FAMILY_SHIFT & 3) % FAMILIES.len()]
}

/// What to remember of a TCP socket.
pub(crate) fn of_tcp(socket: &TcpSocket) -> u8 {
    let encrypted = if socket.is_encrypted() { ENCRYPTED } else { 0 };
    index(&CLASSES, socket.class()) | index(&FAMILIES, socket.family()) << FAMILY_SHIFT | encrypted
}

/// What to remember of a UDP socket.
pub(crate) fn of_udp(socket: &UdpSocket) -> u8 {
    index(&UDP_CLASSES, socket.class()) | index(&FAMILIES, socket.family()) << FAMILY_SHIFT
}

/// A closed socket like the finalized TCP socket at `place`, of which only the userdata is left; `None` for anything
/// else.
fn tcp(lua: State, place: c_int) -> Option<TcpSocket> {
    let remains = lua.remains(place, TCP)?;
    let class = CLASSES[usize::from(remains & 3) % CLASSES.len()];
    let encrypted = remains & ENCRYPTED != 0;
    Some(TcpSocket::closed(class, family(remains), encrypted))
}

/// [`tcp`], for UDP.
fn udp(lua: State, place: c_int) -> Option<UdpSocket> {
    let remains = lua.remains(place, UDP)?;
    let class = UDP_CLASSES[usize::from(remains & 3) % UDP_CLASSES.len()];
    Some(UdpSocket::closed(class, family(remains)))
}

/// The class that the finalized inner socket at `place` had; `None` for anything else.
pub(crate) fn class_word(lua: State, place: c_int) -> Option<&'static str> {
    let stream = tcp(lua, place).map(|socket| socket.class_word());
    stream.or_else(|| udp(lua, place).map(|socket| socket.class().word()))
}

/// Replaces the finalized TCP socket on top by a closed one, also in the object in argument 1. Nothing
/// happens to any other value. May raise for lack of memory.
#[cold]
pub(crate) fn stand_in_tcp<'a>(lua: State) -> Option<&'a Tcp> {
    stand_in(lua, TCP, tcp, |socket| Tcp::new(socket.into()))
}

/// [`stand_in_tcp`], for UDP.
#[cold]
pub(crate) fn stand_in_udp<'a>(lua: State) -> Option<&'a Udp> {
    stand_in(lua, UDP, udp, |socket| Udp::new(socket.into()))
}

fn stand_in<'a, T, S>(
    lua: State,
    class: Class<T>,
    equal: fn(State, c_int) -> Option<S>,
    share: fn(S) -> T,
) -> Option<&'a T> {
    let finalized = lua.top();
    // A closed socket owns nothing, so an error that passes over it loses nothing.
    let socket = equal(lua, finalized)?;
    lua.check_stack(4);
    lua.push_userdata(class, || share(socket));
    lua.metatable(finalized);
    lua.set_metatable(-2);
    if lua.kind(1) == Kind::Table {
        lua.raw_get_field(1, c"inner_sock");
        let same = lua.raw_equal(-1, finalized);
        lua.pop(1);
        if same {
            lua.push_value(-1);
            lua.raw_set_field(1, c"inner_sock");
        }
    }
    lua.replace(finalized);
    lua.userdata(finalized, class)
}
