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
mod tests {
    use super::*;
    use rstest::rstest;
    use rustix::event::{PollFd, PollFlags};
    use socket2::{Domain, Socket, Type};
    use std::os::fd::AsFd;

    fn tcp() -> Socket {
        Socket::new(Domain::IPV4, Type::STREAM, None).unwrap()
    }

    fn udp() -> Socket {
        Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap()
    }

    fn udp6() -> Socket {
        Socket::new(Domain::IPV6, Type::DGRAM, None).unwrap()
    }

    fn spec(kind: SocketKind, name: &str) -> &'static OptionSpec {
        lookup(kind, name.as_bytes()).unwrap()
    }

    fn set(socket: &Socket, spec: &OptionSpec, value: OptionValue) -> io::Result<()> {
        spec.set(socket.as_fd(), &value)
    }

    fn number(socket: &Socket, spec: &OptionSpec) -> f64 {
        match spec.get(socket.as_fd()).unwrap() {
            OptionValue::Number(number) => number,
            other => panic!("no number: {other:?}"),
        }
    }

    fn errno(result: io::Result<()>) -> Option<i32> {
        result.unwrap_err().raw_os_error()
    }

    #[rstest]
    #[case(SocketKind::Tcp, tcp, "keepalive")]
    #[case(SocketKind::Tcp, tcp, "reuseaddr")]
    #[case(SocketKind::Tcp, tcp, "reuseport")]
    #[case(SocketKind::Tcp, tcp, "tcp-nodelay")]
    #[case(SocketKind::Udp, udp, "dontroute")]
    #[case(SocketKind::Udp, udp, "broadcast")]
    #[case(SocketKind::Udp, udp, "reuseaddr")]
    #[case(SocketKind::Udp, udp, "reuseport")]
    #[case(SocketKind::Udp, udp, "ip-multicast-loop")]
    #[case(SocketKind::Udp, udp6, "ipv6-multicast-loop")]
    #[case(SocketKind::Udp, udp6, "ipv6-v6only")]
    fn a_flag_reads_back_as_set(
        #[case] kind: SocketKind,
        #[case] open: fn() -> Socket,
        #[case] name: &str,
        #[values(true, false)] on: bool,
    ) {
        let (socket, spec) = (open(), spec(kind, name));
        assert_eq!(spec.value_kind(), ValueKind::Bool);
        set(&socket, spec, OptionValue::Bool(!on)).unwrap();
        set(&socket, spec, OptionValue::Bool(on)).unwrap();
        let value = spec.get(socket.as_fd()).unwrap();
        assert!(
            matches!(value, OptionValue::Bool(now) if now == on),
            "{value:?}"
        );
    }

    #[rstest]
    #[case(SocketKind::Tcp, tcp, "tcp-keepidle")]
    #[case(SocketKind::Tcp, tcp, "tcp-keepcnt")]
    #[case(SocketKind::Tcp, tcp, "tcp-keepintvl")]
    #[case(SocketKind::Udp, udp6, "ipv6-unicast-hops")]
    #[case(SocketKind::Udp, udp6, "ipv6-multicast-hops")]
    fn a_number_loses_its_fraction_and_a_senseless_one_is_refused(
        #[case] kind: SocketKind,
        #[case] open: fn() -> Socket,
        #[case] name: &str,
    ) {
        let (socket, spec) = (open(), spec(kind, name));
        assert_eq!(spec.value_kind(), ValueKind::Number);
        set(&socket, spec, OptionValue::Number(7.9)).unwrap();
        assert_eq!(number(&socket, spec), 7.0);
        for senseless in [1e10, -1e10, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let refused = set(&socket, spec, OptionValue::Number(senseless));
            assert_eq!(errno(refused), Some(libc::EINVAL), "{senseless}");
            assert_eq!(number(&socket, spec), 7.0);
        }
    }

    #[rstest]
    fn buffer_sizes_are_the_kernels_to_adjust(
        #[values(SocketKind::Tcp, SocketKind::Udp)] kind: SocketKind,
        #[values("recv-buffer-size", "send-buffer-size")] name: &str,
    ) {
        let socket = if kind == SocketKind::Tcp {
            tcp()
        } else {
            udp()
        };
        let spec = spec(kind, name);
        set(&socket, spec, OptionValue::Number(20_000.0)).unwrap();
        let medium = number(&socket, spec);
        assert!(medium >= 20_000.0, "{medium}");
        set(&socket, spec, OptionValue::Number(10_000.0)).unwrap();
        let small = number(&socket, spec);
        assert!((10_000.0..medium).contains(&small), "{small}");
    }

    #[cfg(target_os = "linux")]
    #[rstest]
    #[case("tcp-defer-accept", 3.0, None)]
    #[case("tcp-fastopen", 5.0, None)]
    #[case("tcp-fastopen", 1e10, Some(libc::EINVAL))]
    #[case("tcp-fastopen-connect", 1.0, None)]
    #[case("tcp-fastopen-connect", 7.0, Some(libc::EINVAL))]
    fn linux_options_reach_the_kernel(
        #[case] name: &str,
        #[case] value: f64,
        #[case] refusal: Option<i32>,
    ) {
        let socket = tcp();
        let spec = spec(SocketKind::Tcp, name);
        let result = set(&socket, spec, OptionValue::Number(value));
        assert_eq!(result.err().and_then(|error| error.raw_os_error()), refusal);
        assert!(!spec.readable);
        let unreadable = spec.get(socket.as_fd()).unwrap_err();
        assert_eq!(unreadable.kind(), io::ErrorKind::Unsupported);
    }

    #[test]
    fn multicast_ttl_is_set_but_not_read() {
        let (socket, spec) = (udp(), spec(SocketKind::Udp, "ip-multicast-ttl"));
        set(&socket, spec, OptionValue::Number(9.0)).unwrap();
        assert_eq!(socket.multicast_ttl_v4().unwrap(), 9);
        assert_eq!(
            errno(set(&socket, spec, OptionValue::Number(256.0))),
            Some(libc::EINVAL)
        );
        assert!(!spec.readable);
    }

    #[rstest]
    #[case(true, 5.0, 5.0)]
    #[case(true, 2.9, 2.0)]
    #[case(true, 70_000.0, 4464.0)]
    #[case(true, -1.0, 65_535.0)]
    #[case(true, 1e10, 0.0)]
    fn linger_takes_16_bits_of_seconds(
        #[case] on: bool,
        #[case] timeout: f64,
        #[case] expected: f64,
    ) {
        let (socket, spec) = (tcp(), spec(SocketKind::Tcp, "linger"));
        set(&socket, spec, OptionValue::Linger { on, timeout }).unwrap();
        let value = spec.get(socket.as_fd()).unwrap();
        let OptionValue::Linger {
            on: on_now,
            timeout,
        } = value
        else {
            panic!("{value:?}")
        };
        assert_eq!((on_now, timeout), (on, expected));

        set(&socket, spec, OptionValue::Linger { on: false, timeout }).unwrap();
        let value = spec.get(socket.as_fd()).unwrap();
        assert!(
            matches!(value, OptionValue::Linger { on: false, .. }),
            "{value:?}"
        );
    }

    #[test]
    fn the_pending_error_is_read_once() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = tcp();
        socket
            .connect(&listener.local_addr().unwrap().into())
            .unwrap();
        let peer = Socket::from(listener.accept().unwrap().0);
        let abort = OptionValue::Linger {
            on: true,
            timeout: 0.0,
        };
        set(&peer, spec(SocketKind::Tcp, "linger"), abort).unwrap();
        drop(peer);
        let mut poll = [PollFd::new(&socket, PollFlags::IN)];
        let limit = rustix::time::Timespec {
            tv_sec: 30,
            tv_nsec: 0,
        };
        assert_eq!(rustix::event::poll(&mut poll, Some(&limit)).unwrap(), 1);

        let spec = spec(SocketKind::Tcp, "error");
        let value = spec.get(socket.as_fd()).unwrap();
        let OptionValue::Error(Some(error)) = value else {
            panic!("{value:?}")
        };
        assert_eq!(error.raw_os_error(), Some(libc::ECONNRESET));
        let value = spec.get(socket.as_fd()).unwrap();
        assert!(matches!(value, OptionValue::Error(None)), "{value:?}");
        assert!(!spec.settable);
    }

    #[test]
    fn v6only_is_set_on_tcp_but_not_read() {
        let spec = spec(SocketKind::Tcp, "ipv6-v6only");
        let socket = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
        for on in [true, false] {
            set(&socket, spec, OptionValue::Bool(on)).unwrap();
            assert_eq!(socket.only_v6().unwrap(), on);
        }
        assert!(!spec.readable);
        assert!(
            set(&tcp(), spec, OptionValue::Bool(true))
                .unwrap_err()
                .raw_os_error()
                .is_some()
        );
    }

    #[test]
    fn the_multicast_interface_reads_back() {
        let (socket, spec) = (udp(), spec(SocketKind::Udp, "ip-multicast-if"));
        for ip in [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED] {
            set(&socket, spec, OptionValue::Ipv4(ip)).unwrap();
            let value = spec.get(socket.as_fd()).unwrap();
            assert!(
                matches!(value, OptionValue::Ipv4(now) if now == ip),
                "{value:?}"
            );
        }
        let stranger = OptionValue::Ipv4(Ipv4Addr::new(0, 0, 0, 5));
        assert!(
            set(&socket, spec, stranger)
                .unwrap_err()
                .raw_os_error()
                .is_some()
        );
    }

    #[test]
    fn an_ipv4_group_is_joined_and_left_once() {
        let join = spec(SocketKind::Udp, "ip-add-membership");
        let leave = spec(SocketKind::Udp, "ip-drop-membership");
        let socket = udp();
        let group = |multiaddr: [u8; 4]| OptionValue::Membership4 {
            multiaddr: multiaddr.into(),
            interface: Ipv4Addr::LOCALHOST,
        };
        set(&socket, join, group([239, 1, 2, 3])).unwrap();
        assert_eq!(
            errno(set(&socket, join, group([239, 1, 2, 3]))),
            Some(libc::EADDRINUSE)
        );
        set(&socket, leave, group([239, 1, 2, 3])).unwrap();
        assert!(set(&socket, leave, group([239, 1, 2, 3])).is_err());
        assert!(set(&socket, join, group([10, 1, 2, 3])).is_err());
    }

    #[rstest]
    #[case(1e10)]
    #[case(-1.0)]
    #[case(f64::NAN)]
    fn an_ipv6_group_is_not_joined_on_an_impossible_interface(#[case] interface: f64) {
        let multiaddr = "ff02::1:3".parse().unwrap();
        let join = spec(SocketKind::Udp, "ipv6-add-membership");
        let value = OptionValue::Membership6 {
            multiaddr,
            interface,
        };
        assert!(
            set(&udp6(), join, value)
                .unwrap_err()
                .raw_os_error()
                .is_some()
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_ipv6_group_is_joined_and_left_once() {
        let join = spec(SocketKind::Udp, "ipv6-add-membership");
        let leave = spec(SocketKind::Udp, "ipv6-drop-membership");
        let socket = udp6();
        let loopback = std::fs::read_to_string("/sys/class/net/lo/ifindex").unwrap();
        let interface = loopback.trim().parse().unwrap();
        let group = || OptionValue::Membership6 {
            multiaddr: "ff02::1:3".parse().unwrap(),
            interface,
        };
        set(&socket, join, group()).unwrap();
        assert_eq!(errno(set(&socket, join, group())), Some(libc::EADDRINUSE));
        set(&socket, leave, group()).unwrap();
        assert!(set(&socket, leave, group()).is_err());
    }

    #[cfg(target_os = "linux")]
    #[rstest]
    fn a_socket_binds_to_a_device_by_name(
        #[values(SocketKind::Tcp, SocketKind::Udp)] kind: SocketKind,
    ) {
        let socket = if kind == SocketKind::Tcp {
            tcp()
        } else {
            udp()
        };
        let spec = spec(kind, "bindtodevice");
        let device = || match spec.get(socket.as_fd()).unwrap() {
            OptionValue::Device(name) => name,
            other => panic!("no device: {other:?}"),
        };
        assert_eq!(device(), b"");
        set(&socket, spec, OptionValue::Device(b"lo".to_vec())).unwrap();
        assert_eq!(device(), b"lo");
        let unknown = OptionValue::Device(b"no-such-device".to_vec());
        assert_eq!(errno(set(&socket, spec, unknown)), Some(libc::ENODEV));
    }

    #[rstest]
    #[case(SocketKind::Tcp, &["broadcast", "dontroute", "ip-multicast-ttl"])]
    #[case(SocketKind::Udp, &["keepalive", "linger", "tcp-nodelay"])]
    fn names_of_the_other_kind_or_in_other_spelling_are_unknown(
        #[case] kind: SocketKind,
        #[case] foreign: &[&str],
    ) {
        for name in foreign
            .iter()
            .chain(&["", "ReuseAddr", "reuseaddr ", "reuseaddr\0"])
        {
            assert!(lookup(kind, name.as_bytes()).is_none(), "{name:?}");
        }
    }

    #[rstest]
    fn a_value_of_another_shape_is_refused(
        #[values(SocketKind::Tcp, SocketKind::Udp)] kind: SocketKind,
    ) {
        let socket = if kind == SocketKind::Tcp {
            tcp()
        } else {
            udp()
        };
        for spec in if kind == SocketKind::Tcp { TCP } else { UDP } {
            let wrong = match spec.value_kind() {
                ValueKind::Bool => OptionValue::Number(1.0),
                _ => OptionValue::Bool(true),
            };
            let expected = if spec.settable {
                io::ErrorKind::InvalidInput
            } else {
                io::ErrorKind::Unsupported
            };
            assert_eq!(
                set(&socket, spec, wrong).unwrap_err().kind(),
                expected,
                "{}",
                spec.name
            );
        }
    }

    #[rstest]
    #[case(2.9, 2)]
    #[case(-2.9, -2)]
    #[case(-0.5, 0)]
    #[case(2_147_483_647.9, c_int::MAX)]
    #[case(-2_147_483_648.9, c_int::MIN)]
    #[case(2_147_483_648.0, c_int::MIN)]
    #[case(-1e300, c_int::MIN)]
    #[case(f64::INFINITY, c_int::MIN)]
    #[case(f64::NAN, c_int::MIN)]
    fn numbers_become_ints_as_on_x86_64(#[case] number: f64, #[case] expected: c_int) {
        assert_eq!(to_int(number), expected);
    }
}
