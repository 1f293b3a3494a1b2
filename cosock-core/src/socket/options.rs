//! Socket options by LuaSocket's names: what each takes, and the kernel option behind it.
//!
//! Source: LuaSocket 3.1.0, `setoption` and `getoption` of tcp and udp objects, and `bindtodevice`
//! of its later sources.

use std::ffi::c_int;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::BorrowedFd;

use socket2::SockRef;

use crate::netdb::SocketKind;
use crate::sys;

/// The shape of an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// [`OptionValue::Bool`].
    Bool,
    /// [`OptionValue::Number`].
    Number,
    /// [`OptionValue::Linger`].
    Linger,
    /// [`OptionValue::Ipv4`].
    Ipv4,
    /// [`OptionValue::Membership4`].
    Membership4,
    /// [`OptionValue::Membership6`].
    Membership6,
    /// [`OptionValue::Error`].
    Error,
    /// [`OptionValue::Device`].
    Device,
}

/// A value of a socket option.
///
/// Numbers are those of the script; on their way to the kernel they lose their fraction, and one
/// that fits no C `int` becomes the smallest, as in LuaSocket on x86-64.
#[derive(Debug)]
pub enum OptionValue {
    /// On or off.
    Bool(bool),
    /// A count, size or time in the unit of the kernel option (bytes, hops, seconds).
    Number(f64),
    /// What `close` does with unsent data.
    Linger {
        /// Whether `close` waits.
        on: bool,
        /// For how long, in seconds; the kernel takes 16 bits of it.
        timeout: f64,
    },
    /// The address of an interface.
    Ipv4(Ipv4Addr),
    /// An IPv4 multicast group.
    Membership4 {
        /// The group.
        multiaddr: Ipv4Addr,
        /// The address of the interface; 0.0.0.0 lets the kernel choose.
        interface: Ipv4Addr,
    },
    /// An IPv6 multicast group.
    Membership6 {
        /// The group.
        multiaddr: Ipv6Addr,
        /// The index of the interface; 0 lets the kernel choose.
        interface: f64,
    },
    /// The pending error of the socket, cleared by reading it.
    Error(Option<io::Error>),
    /// The name of the only interface to use; empty for any.
    Device(Vec<u8>),
}

/// How an option reaches the kernel; flags and numbers are ints of a level and a name.
#[derive(Clone, Copy, Debug)]
enum Access {
    Flag(c_int, c_int),
    Number(c_int, c_int),
    Linger,
    MulticastInterface,
    Join4,
    Leave4,
    Join6,
    Leave6,
    PendingError,
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Device,
}

/// One option of one kind of socket.
#[derive(Debug)]
pub struct OptionSpec {
    /// LuaSocket's name.
    pub name: &'static str,
    /// Whether `setoption` knows it.
    pub settable: bool,
    /// Whether `getoption` knows it.
    pub readable: bool,
    access: Access,
}

/// Finds an option by name; an option may still be [settable](OptionSpec::settable) or
/// [readable](OptionSpec::readable) only.
pub fn lookup(kind: SocketKind, name: &[u8]) -> Option<&'static OptionSpec> {
    let table = match kind {
        SocketKind::Tcp => TCP,
        SocketKind::Udp => UDP,
    };
    table.iter().find(|spec| spec.name.as_bytes() == name)
}

impl OptionSpec {
    /// The shape of the value that [`set`](Self::set) takes and [`get`](Self::get) gives.
    pub fn value_kind(&self) -> ValueKind {
        match self.access {
            Access::Flag(..) => ValueKind::Bool,
            Access::Number(..) => ValueKind::Number,
            Access::Linger => ValueKind::Linger,
            Access::MulticastInterface => ValueKind::Ipv4,
            Access::Join4 | Access::Leave4 => ValueKind::Membership4,
            Access::Join6 | Access::Leave6 => ValueKind::Membership6,
            Access::PendingError => ValueKind::Error,
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Access::Device => ValueKind::Device,
        }
    }

    /// Sets the option (`setsockopt`).
    ///
    /// # Errors
    ///
    /// The kernel's refusal; [`io::ErrorKind::InvalidInput`] for a value of another shape;
    /// [`io::ErrorKind::Unsupported`] if the option is not settable.
    pub fn set(&self, fd: BorrowedFd<'_>, value: &OptionValue) -> io::Result<()> {
        if !self.settable {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let socket = SockRef::from(&fd);
        match (self.access, value) {
            (Access::Flag(level, name), OptionValue::Bool(on)) => {
                sys::set_option(fd, level, name, c_int::from(*on))
            }
            (Access::Number(level, name), OptionValue::Number(number)) => {
                sys::set_option(fd, level, name, to_int(*number))
            }
            (Access::Linger, OptionValue::Linger { on, timeout }) => {
                let l_linger = c_int::from(to_int(*timeout) as u16);
                let linger = libc::linger {
                    l_onoff: c_int::from(*on),
                    l_linger,
                };
                sys::set_option(fd, libc::SOL_SOCKET, libc::SO_LINGER, linger)
            }
            (Access::MulticastInterface, OptionValue::Ipv4(ip)) => socket.set_multicast_if_v4(ip),
            (
                Access::Join4,
                OptionValue::Membership4 {
                    multiaddr,
                    interface,
                },
            ) => socket.join_multicast_v4(multiaddr, interface),
            (
                Access::Leave4,
                OptionValue::Membership4 {
                    multiaddr,
                    interface,
                },
            ) => socket.leave_multicast_v4(multiaddr, interface),
            (
                Access::Join6,
                OptionValue::Membership6 {
                    multiaddr,
                    interface,
                },
            ) => socket.join_multicast_v6(multiaddr, to_index(*interface)),
            (
                Access::Leave6,
                OptionValue::Membership6 {
                    multiaddr,
                    interface,
                },
            ) => socket.leave_multicast_v6(multiaddr, to_index(*interface)),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            (Access::Device, OptionValue::Device(name)) => {
                socket.bind_device(Some(name.as_slice()).filter(|name| !name.is_empty()))
            }
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Reads the option (`getsockopt`).
    ///
    /// # Errors
    ///
    /// The kernel's refusal; [`io::ErrorKind::Unsupported`] if the option is not readable.
    pub fn get(&self, fd: BorrowedFd<'_>) -> io::Result<OptionValue> {
        if !self.readable {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let socket = SockRef::from(&fd);
        match self.access {
            Access::Flag(level, name) => {
                sys::get_option::<c_int>(fd, level, name).map(|on| OptionValue::Bool(on != 0))
            }
            Access::Number(level, name) => sys::get_option::<c_int>(fd, level, name)
                .map(|number| OptionValue::Number(number.into())),
            Access::Linger => {
                let linger: libc::linger = sys::get_option(fd, libc::SOL_SOCKET, libc::SO_LINGER)?;
                let timeout = linger.l_linger.into();
                Ok(OptionValue::Linger {
                    on: linger.l_onoff != 0,
                    timeout,
                })
            }
            Access::MulticastInterface => socket.multicast_if_v4().map(OptionValue::Ipv4),
            Access::PendingError => socket.take_error().map(OptionValue::Error),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Access::Device => socket
                .device()
                .map(|name| OptionValue::Device(name.unwrap_or_default())),
            Access::Join4 | Access::Leave4 | Access::Join6 | Access::Leave6 => {
                Err(io::ErrorKind::Unsupported.into())
            }
        }
    }
}

/// Truncates towards zero; what fits no int, NaN included, is the smallest: most options refuse it.
fn to_int(number: f64) -> c_int {
    let truncated = number.trunc();
    if truncated >= f64::from(c_int::MIN) && truncated <= f64::from(c_int::MAX) {
        truncated as c_int
    } else {
        c_int::MIN
    }
}

/// As [`to_int`], for an interface index; what fits none is one that no interface has.
fn to_index(number: f64) -> u32 {
    let truncated = number.trunc();
    if truncated >= 0.0 && truncated <= f64::from(u32::MAX) {
        truncated as u32
    } else {
        u32::MAX
    }
}

const fn both(name: &'static str, access: Access) -> OptionSpec {
    OptionSpec {
        name,
        settable: true,
        readable: true,
        access,
    }
}

const fn set_only(name: &'static str, access: Access) -> OptionSpec {
    OptionSpec {
        name,
        settable: true,
        readable: false,
        access,
    }
}

const fn get_only(name: &'static str, access: Access) -> OptionSpec {
    OptionSpec {
        name,
        settable: false,
        readable: true,
        access,
    }
}

const fn socket_flag(name: c_int) -> Access {
    Access::Flag(libc::SOL_SOCKET, name)
}

const fn tcp_number(name: c_int) -> Access {
    Access::Number(libc::IPPROTO_TCP, name)
}

const V6ONLY: Access = Access::Flag(libc::IPPROTO_IPV6, libc::IPV6_V6ONLY);
const RECV_BUFFER: Access = Access::Number(libc::SOL_SOCKET, libc::SO_RCVBUF);
const SEND_BUFFER: Access = Access::Number(libc::SOL_SOCKET, libc::SO_SNDBUF);

#[cfg(target_vendor = "apple")]
const KEEPIDLE: c_int = libc::TCP_KEEPALIVE;
#[cfg(not(target_vendor = "apple"))]
const KEEPIDLE: c_int = libc::TCP_KEEPIDLE;

static TCP: &[OptionSpec] = &[
    both("keepalive", socket_flag(libc::SO_KEEPALIVE)),
    both("reuseaddr", socket_flag(libc::SO_REUSEADDR)),
    both("reuseport", socket_flag(libc::SO_REUSEPORT)),
    both(
        "tcp-nodelay",
        Access::Flag(libc::IPPROTO_TCP, libc::TCP_NODELAY),
    ),
    both("tcp-keepidle", tcp_number(KEEPIDLE)),
    both("tcp-keepcnt", tcp_number(libc::TCP_KEEPCNT)),
    both("tcp-keepintvl", tcp_number(libc::TCP_KEEPINTVL)),
    both("recv-buffer-size", RECV_BUFFER),
    both("send-buffer-size", SEND_BUFFER),
    both("linger", Access::Linger),
    get_only("error", Access::PendingError),
    set_only("ipv6-v6only", V6ONLY),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    set_only("tcp-defer-accept", tcp_number(libc::TCP_DEFER_ACCEPT)),
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    set_only("tcp-fastopen", tcp_number(libc::TCP_FASTOPEN)),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    set_only(
        "tcp-fastopen-connect",
        tcp_number(libc::TCP_FASTOPEN_CONNECT),
    ),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    both("bindtodevice", Access::Device),
];

static UDP: &[OptionSpec] = &[
    both("dontroute", socket_flag(libc::SO_DONTROUTE)),
    both("broadcast", socket_flag(libc::SO_BROADCAST)),
    both("reuseaddr", socket_flag(libc::SO_REUSEADDR)),
    both("reuseport", socket_flag(libc::SO_REUSEPORT)),
    both(
        "ip-multicast-loop",
        Access::Flag(libc::IPPROTO_IP, libc::IP_MULTICAST_LOOP),
    ),
    both(
        "ipv6-multicast-loop",
        Access::Flag(libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_LOOP),
    ),
    both("ipv6-v6only", V6ONLY),
    both("recv-buffer-size", RECV_BUFFER),
    both("send-buffer-size", SEND_BUFFER),
    both(
        "ipv6-unicast-hops",
        Access::Number(libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS),
    ),
    both(
        "ipv6-multicast-hops",
        Access::Number(libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_HOPS),
    ),
    set_only(
        "ip-multicast-ttl",
        Access::Number(libc::IPPROTO_IP, libc::IP_MULTICAST_TTL),
    ),
    both("ip-multicast-if", Access::MulticastInterface),
    set_only("ip-add-membership", Access::Join4),
    set_only("ip-drop-membership", Access::Leave4),
    set_only("ipv6-add-membership", Access::Join6),
    set_only("ipv6-drop-membership", Access::Leave6),
    get_only("error", Access::PendingError),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    both("bindtodevice", Access::Device),
];

#[cfg(test)]
mod tests;
