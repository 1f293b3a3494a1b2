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
fn linger_takes_16_bits_of_seconds(#[case] on: bool, #[case] timeout: f64, #[case] expected: f64) {
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
    let limit = rustix::event::Timespec {
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
