//! `getoption` and `setoption`: LuaSocket's option names and values.

use std::ffi::{CStr, c_int};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd};

use cosock_core::error::io_word;
use cosock_core::netdb::{self, SocketKind};
use cosock_core::socket::options::{OptionSpec, OptionValue, ValueKind, lookup};

use crate::arguments::{self, Called, refuse, refuse_kind};
use crate::ffi::{Kind, State};
use crate::runtime::{Runtime, TCP, UDP};
use crate::socket::{own_or_return, tcp, udp};

/// The inner socket whose option it is, of either kind, at its place on the stack. It is looked up there when its
/// descriptor is wanted: the fields of a value may run user code, which may end it.
#[derive(Clone, Copy)]
struct Subject {
    kind: SocketKind,
    place: c_int,
}

impl Subject {
    /// The one on top of the stack.
    fn on_top(lua: State, kind: SocketKind) -> Subject {
        let place = lua.top();
        Subject { kind, place }
    }

    /// Works on the descriptor; `None` without one.
    fn with_fd<T>(self, lua: State, work: impl FnOnce(BorrowedFd<'_>) -> T) -> Option<T> {
        match self.kind {
            SocketKind::Tcp => {
                let socket = lua.userdata(self.place, TCP)?.borrow();
                socket.socket().map(|socket| work(socket.as_fd()))
            }
            SocketKind::Udp => {
                let socket = lua.userdata(self.place, UDP)?.borrow();
                socket.socket().map(|socket| work(socket.as_fd()))
            }
        }
    }
}

pub(crate) fn get_tcp(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "getoption");
    own_or_return!(tcp, lua, called);
    get(lua, runtime, called, Subject::on_top(lua, SocketKind::Tcp))
}

pub(crate) fn get_udp(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "getoption");
    own_or_return!(udp, lua, called);
    get(lua, runtime, called, Subject::on_top(lua, SocketKind::Udp))
}

pub(crate) fn set_tcp(lua: State, _: &Runtime) -> c_int {
    let called = Called::direct(lua, "setoption");
    own_or_return!(tcp, lua, called);
    set(lua, called, Subject::on_top(lua, SocketKind::Tcp))
}

pub(crate) fn set_udp(lua: State, _: &Runtime) -> c_int {
    let called = Called::direct(lua, "setoption");
    own_or_return!(udp, lua, called);
    set(lua, called, Subject::on_top(lua, SocketKind::Udp))
}

/// Finds the option named in argument 2; raises for an unknown one.
fn option(
    lua: State,
    called: Called,
    kind: SocketKind,
    usable: impl Fn(&OptionSpec) -> bool,
) -> &'static OptionSpec {
    let name = arguments::bytes(lua, called, 2);
    match lookup(kind, name).filter(|spec| usable(spec)) {
        Some(spec) => spec,
        None => {
            // A name of at most 35 bytes fits into the message whole.
            let shown = &name[..name.len().min(35)];
            lua.push_where(called.level);
            lua.push_str("bad argument #2 to '");
            lua.push_str(called.name);
            lua.push_str("' (unsupported option `");
            lua.push_bytes(shown);
            lua.push_str("')");
            lua.concat(6);
            lua.raise_top()
        }
    }
}

fn get(lua: State, runtime: &Runtime, called: Called, socket: Subject) -> c_int {
    let spec = option(lua, called, socket.kind, |spec| spec.readable);
    let Some(Ok(value)) = socket.with_fd(lua, |fd| spec.get(fd)) else {
        lua.push_nil();
        lua.push_str("getsockopt failed");
        return 2;
    };
    match value {
        OptionValue::Bool(on) => lua.push_bool(on),
        OptionValue::Number(number) => lua.push_number(number),
        OptionValue::Linger { on, timeout } => {
            lua.new_table(0, 2);
            lua.push_bool(on);
            lua.raw_set_field(-2, c"on");
            lua.push_integer(timeout as i64);
            lua.raw_set_field(-2, c"timeout");
        }
        OptionValue::Ipv4(address) => arguments::push_format(lua, format_args!("{address}")),
        OptionValue::Error(None) => lua.push_nil(),
        OptionValue::Error(Some(error)) => {
            let word = io_word(&error);
            drop(error);
            runtime.pins.push_text(lua, word);
        }
        OptionValue::Device(name) => runtime.pins.push_optional(lua, Some(name)),
        OptionValue::Membership4 { .. } | OptionValue::Membership6 { .. } => lua.push_nil(),
    }
    1
}

fn set(lua: State, called: Called, socket: Subject) -> c_int {
    let spec = option(lua, called, socket.kind, |spec| spec.settable);
    let value = match spec.value_kind() {
        ValueKind::Bool => {
            if lua.kind(3) != Kind::Boolean {
                refuse_kind(lua, called, 3, "boolean");
            }
            OptionValue::Bool(lua.to_bool(3))
        }
        ValueKind::Number => OptionValue::Number(arguments::number(lua, called, 3)),
        ValueKind::Linger => linger(lua, called),
        ValueKind::Ipv4 => {
            let text = arguments::bytes(lua, called, 3);
            let any = Some(Ipv4Addr::UNSPECIFIED).filter(|_| text == b"*");
            match any.or_else(|| netdb::parse_ipv4(text)) {
                Some(address) => OptionValue::Ipv4(address),
                None => refuse(lua, called, 3, format_args!("ip expected")),
            }
        }
        ValueKind::Membership4 => membership4(lua, called),
        ValueKind::Membership6 => membership6(lua, called),
        ValueKind::Device => {
            arguments::bytes(lua, called, 3);
            return set_device(lua, called, socket, spec);
        }
        ValueKind::Error => OptionValue::Error(None),
    };
    answer(lua, socket.with_fd(lua, |fd| spec.set(fd, &value).is_ok()))
}

fn answer(lua: State, set: Option<bool>) -> c_int {
    if set == Some(true) {
        lua.push_number(1.0);
        return 1;
    }
    lua.push_nil();
    lua.push_str("setsockopt failed");
    2
}

fn set_device(lua: State, called: Called, socket: Subject, spec: &OptionSpec) -> c_int {
    let value = OptionValue::Device(arguments::bytes(lua, called, 3).to_vec());
    let set = socket.with_fd(lua, |fd| spec.set(fd, &value).is_ok());
    drop(value);
    answer(lua, set)
}

fn need_table(lua: State, called: Called) {
    if lua.kind(3) != Kind::Table {
        refuse_kind(lua, called, 3, "table");
    }
}

fn linger(lua: State, called: Called) -> OptionValue {
    need_table(lua, called);
    lua.get_field(3, c"on");
    if lua.kind(-1) != Kind::Boolean {
        refuse(lua, called, 3, format_args!("boolean 'on' field expected"));
    }
    let on = lua.to_bool(-1);
    lua.get_field(3, c"timeout");
    match lua.to_number(-1) {
        Some(timeout) => OptionValue::Linger { on, timeout },
        None => refuse(
            lua,
            called,
            3,
            format_args!("number 'timeout' field expected"),
        ),
    }
}

/// The text of a field of the table in argument 3, which stays on the stack.
fn field<'a>(lua: State, called: Called, name: &CStr) -> &'a [u8] {
    lua.get_field(3, name);
    match lua.to_bytes(-1) {
        Some(text) => text,
        None => {
            let name = name.to_str().unwrap_or("?");
            refuse(
                lua,
                called,
                3,
                format_args!("string '{name}' field expected"),
            )
        }
    }
}

fn membership4(lua: State, called: Called) -> OptionValue {
    need_table(lua, called);
    let bad =
        |name: &str| -> ! { refuse(lua, called, 3, format_args!("invalid '{name}' ip address")) };
    let Some(multiaddr) = netdb::parse_ipv4(field(lua, called, c"multiaddr")) else {
        bad("multiaddr")
    };
    let text = field(lua, called, c"interface");
    let any = Some(Ipv4Addr::UNSPECIFIED).filter(|_| text == b"*");
    match any.or_else(|| netdb::parse_ipv4(text)) {
        Some(interface) => OptionValue::Membership4 {
            multiaddr,
            interface,
        },
        None => bad("interface"),
    }
}

fn membership6(lua: State, called: Called) -> OptionValue {
    need_table(lua, called);
    let text = field(lua, called, c"multiaddr");
    let parsed = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse::<Ipv6Addr>().ok());
    let Some(multiaddr) = parsed else {
        refuse(
            lua,
            called,
            3,
            format_args!("invalid 'multiaddr' ip address"),
        )
    };
    lua.get_field(3, c"interface");
    let interface = match (lua.is_nil(-1), lua.to_number(-1)) {
        (true, _) => 0.0,
        (false, Some(number)) => number,
        (false, None) => refuse(
            lua,
            called,
            3,
            format_args!("number 'interface' field expected"),
        ),
    };
    OptionValue::Membership6 {
        multiaddr,
        interface,
    }
}
