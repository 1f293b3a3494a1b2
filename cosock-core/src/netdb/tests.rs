use super::*;
use rstest::rstest;
use std::net::{TcpListener, UdpSocket};

const TCP: Hints = Hints::new(SocketKind::Tcp);
const UDP: Hints = Hints::new(SocketKind::Udp);
const TCP4: Hints = Hints {
    family: Family::Inet,
    ..TCP
};
const TCP6: Hints = Hints {
    family: Family::Inet6,
    ..TCP
};
const SENDTO: Hints = Hints {
    numeric_only: true,
    ..UDP
};
const BIND: Hints = Hints {
    passive: true,
    ..TCP
};
/// glibc's code for a literal of another family.
#[cfg(target_env = "gnu")]
const WRONG_FAMILY: LookupError = LookupError::AddrInfo(-9);

fn one(text: &str) -> Vec<SocketAddr> {
    vec![text.parse().unwrap()]
}

#[rstest]
#[case("127.0.0.1", "80", TCP, "127.0.0.1:80")]
#[case("127.0.0.1", "0", UDP, "127.0.0.1:0")]
#[case("127.0.0.1", "", BIND, "127.0.0.1:0")]
#[case("127.0.0.1", "65535", TCP4, "127.0.0.1:65535")]
#[case("127.0.0.1", "0080", TCP4, "127.0.0.1:80")]
#[case("127.1", "80", TCP, "127.0.0.1:80")]
#[case("0x7f000001", "80", TCP, "127.0.0.1:80")]
#[case("010.0.0.1", "80", TCP, "8.0.0.1:80")]
#[case("5", "", TCP, "0.0.0.5:0")]
#[case("::1", "80", TCP, "[::1]:80")]
#[case("::1", "80", TCP6, "[::1]:80")]
#[case("::ffff:1.2.3.4", "80", TCP6, "[::ffff:1.2.3.4]:80")]
#[case("127.0.0.1", "80", SENDTO, "127.0.0.1:80")]
fn numeric_hosts_and_ports_need_no_lookup(
    #[case] host: &str,
    #[case] service: &str,
    #[case] hints: Hints,
    #[case] expected: &str,
) {
    let (host, service) = (host.as_bytes(), service.as_bytes());
    assert_eq!(numeric(host, service, hints), Some(Ok(one(expected))));
    assert_eq!(addresses(host, service, hints), Ok(one(expected)));
}

#[cfg(target_env = "gnu")]
#[rstest]
#[case("70000", "127.0.0.1:4464")]
#[case(" 80", "127.0.0.1:80")]
#[case("+80", "127.0.0.1:80")]
#[case("131072", "127.0.0.1:0")]
fn odd_numeric_ports_are_read_as_glibc_reads_them(#[case] service: &str, #[case] expected: &str) {
    assert_eq!(
        numeric(b"127.0.0.1", service.as_bytes(), TCP),
        Some(Ok(one(expected)))
    );
    assert_eq!(
        addresses(b"127.0.0.1", service.as_bytes(), TCP),
        Ok(one(expected))
    );
}

#[cfg(target_env = "gnu")]
#[rstest]
#[case("-1")]
#[case("4294967295")]
#[case("99999999999999999999")]
fn numbers_that_are_no_port_are_unknown_services(#[case] service: &str) {
    assert_eq!(
        numeric(b"127.0.0.1", service.as_bytes(), TCP),
        Some(Err(LookupError::NO_SERVICE))
    );
    assert_eq!(
        addresses(b"127.0.0.1", service.as_bytes(), TCP),
        Err(LookupError::NO_SERVICE)
    );
    assert_eq!(
        addresses(b"127.0.0.1", service.as_bytes(), SENDTO)
            .unwrap_err()
            .resolver_text(),
        "Servname not supported for ai_socktype"
    );
}

#[rstest]
#[case("localhost", "80")]
#[case("127.0.0.1", "http")]
#[case("127.0.0.1", "80 ")]
#[case("127.0.0.1", "1.5")]
#[case("127.0.0.1x", "80")]
#[case("", "http")]
#[case("*", "")]
fn names_are_left_to_a_real_lookup(#[case] host: &str, #[case] service: &str) {
    assert_eq!(numeric(host.as_bytes(), service.as_bytes(), TCP), None);
}

#[rstest]
#[case("localhost", "80")]
#[case("127.0.0.1", "http")]
#[case("127.0.0.1", "1.5")]
#[case("", "80")]
fn numeric_only_refuses_names_in_the_words_of_sendto(#[case] host: &str, #[case] service: &str) {
    let (host, service) = (host.as_bytes(), service.as_bytes());
    assert_eq!(
        numeric(host, service, SENDTO),
        Some(Err(LookupError::NO_NAME))
    );
    let error = addresses(host, service, SENDTO).unwrap_err();
    #[cfg(target_env = "gnu")]
    assert_eq!(error.resolver_text(), "Name or service not known");
    assert_eq!(
        error.to_string(),
        "host or service not provided, or not known"
    );
}

#[cfg(target_env = "gnu")]
#[rstest]
#[case("127.0.0.1", TCP6)]
#[case("::1", TCP4)]
#[case("127.0.0.1", Hints { numeric_only: true, ..TCP6 })]
fn a_literal_of_the_other_family_is_refused_at_once(#[case] host: &str, #[case] hints: Hints) {
    let expected = Err(WRONG_FAMILY);
    assert_eq!(
        numeric(host.as_bytes(), b"80", hints),
        Some(expected.clone())
    );
    assert_eq!(addresses(host.as_bytes(), b"80", hints), expected);
    assert_eq!(
        WRONG_FAMILY.to_string(),
        "Address family for hostname not supported"
    );
    assert_eq!(
        WRONG_FAMILY.resolver_text(),
        "Address family for hostname not supported"
    );
}

#[rstest]
#[case(b"127.0.0.1\0x", b"80", LookupError::NO_NAME)]
#[case(b"\0", b"80", LookupError::NO_NAME)]
#[case(b"\xff\xfe", b"80", LookupError::NO_NAME)]
#[case(b"127.0.0.1", b"80\0", LookupError::NO_SERVICE)]
#[case(b"127.0.0.1", b"\xff", LookupError::NO_SERVICE)]
fn bytes_that_are_no_text_name_nothing(
    #[case] host: &[u8],
    #[case] service: &[u8],
    #[case] expected: LookupError,
) {
    assert_eq!(numeric(host, service, TCP), Some(Err(expected)));
    assert_eq!(addresses(host, service, TCP), Err(expected));
}

#[test]
fn an_empty_host_is_unknown_without_a_lookup() {
    assert_eq!(numeric(b"", b"80", TCP), Some(Err(LookupError::NO_NAME)));
    assert_eq!(addresses(b"", b"80", TCP), Err(LookupError::NO_NAME));
}

#[test]
fn a_service_that_nobody_knows_is_told_before_the_host() {
    assert_eq!(
        addresses(b"127.0.0.1", b"no-such-service", TCP),
        Err(LookupError::NO_SERVICE)
    );
    assert_eq!(
        addresses(b"host.invalid", b"no-such-service", TCP),
        Err(LookupError::NO_SERVICE)
    );
}

#[test]
fn resolved_addresses_can_be_bound_and_reached() {
    let listener = TcpListener::bind(&*addresses(b"127.0.0.1", b"0", BIND).unwrap()).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let found = addresses(b"localhost", port.as_bytes(), TCP4).unwrap();
    assert_eq!(found, [listener.local_addr().unwrap()]);
    std::net::TcpStream::connect(&*found).unwrap();

    let socket = UdpSocket::bind(&*addresses(b"127.0.0.1", b"", UDP).unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port().to_string();
    let found = addresses(b"127.0.0.1", port.as_bytes(), SENDTO).unwrap();
    assert_eq!(found, [socket.local_addr().unwrap()]);
}

#[rstest]
#[case(b"localhost")]
#[case(b"127.0.0.1")]
#[case(b"127.1")]
fn a_host_entry_has_a_name_and_addresses(#[case] host: &[u8]) {
    let entry = host_entry(host).unwrap();
    assert_eq!(entry.ips, [Ipv4Addr::LOCALHOST]);
    assert_eq!(entry.name, b"localhost");
}

#[rstest]
#[cfg_attr(target_env = "gnu", case(b"::1", "host not found"))]
#[case(b"a\0b", "host not found")]
#[cfg_attr(target_env = "gnu", case(b"", "Unknown server error"))]
fn hosts_without_an_entry_fail_in_luasockets_words(#[case] host: &[u8], #[case] expected: &str) {
    assert_eq!(host_entry(host).unwrap_err().to_string(), expected);
}

#[rstest]
#[case(Some("127.0.0.1"), Some("80"), &["localhost"], Some("http"))]
#[case(Some("127.0.0.1"), None, &["localhost"], None)]
#[case(None, Some("http"), &[], Some("http"))]
#[case(None, Some(""), &[], Some("0"))]
fn name_info_names_what_was_asked_for(
    #[case] host: Option<&str>,
    #[case] service: Option<&str>,
    #[case] names: &[&str],
    #[case] name: Option<&str>,
) {
    let info = name_info(host.map(str::as_bytes), service.map(str::as_bytes)).unwrap();
    assert_eq!(info.names, names);
    assert_eq!(info.service.as_deref(), name);
}

#[rstest]
#[case(None, None, LookupError::NO_NAME)]
#[case(Some(&b""[..]), None, LookupError::NO_NAME)]
#[case(Some(&b"a\0b"[..]), None, LookupError::NO_NAME)]
#[case(None, Some(&b"no-such-service"[..]), LookupError::NO_SERVICE)]
#[case(None, Some(&b"80\0"[..]), LookupError::NO_SERVICE)]
fn name_info_fails_in_typed_errors(
    #[case] host: Option<&[u8]>,
    #[case] service: Option<&[u8]>,
    #[case] expected: LookupError,
) {
    assert_eq!(name_info(host, service), Err(expected));
}

#[test]
fn the_machine_has_a_name() {
    assert!(!host_name().unwrap().is_empty());
}

#[rstest]
#[case("127.0.0.1:80", "127.0.0.1")]
#[case("[::1]:80", "::1")]
#[case("[::ffff:1.2.3.4]:80", "::ffff:1.2.3.4")]
#[case("[2001:db8:0:0:1::]:80", "2001:db8:0:0:1::")]
fn addresses_print_as_the_c_library_prints_them(#[case] address: &str, #[case] text: &str) {
    assert_eq!(numeric_host(&address.parse().unwrap()), text);
}

#[rstest]
#[case(
    LookupError::AddrInfo(libc::EAI_AGAIN),
    "temporary failure in name resolution"
)]
#[case(
    LookupError::AddrInfo(libc::EAI_BADFLAGS),
    "invalid value for ai_flags"
)]
#[case(LookupError::FAILED, "non-recoverable failure in name resolution")]
#[case(LookupError::AddrInfo(libc::EAI_FAMILY), "ai_family not supported")]
#[case(LookupError::AddrInfo(libc::EAI_MEMORY), "memory allocation failure")]
#[case(LookupError::NO_NAME, "host or service not provided, or not known")]
#[case(LookupError::AddrInfo(libc::EAI_OVERFLOW), "argument buffer overflow")]
#[case(LookupError::NO_SERVICE, "service not supported for socket type")]
#[case(LookupError::AddrInfo(libc::EAI_SOCKTYPE), "ai_socktype not supported")]
#[case(LookupError::System(libc::ECONNREFUSED), "Connection refused")]
#[case(LookupError::HostEntry(1), "host not found")]
#[case(LookupError::HostEntry(2), "Host name lookup failure")]
#[case(LookupError::HostEntry(3), "Unknown server error")]
#[case(LookupError::HostEntry(4), "No address associated with name")]
fn errors_print_luasockets_words(#[case] error: LookupError, #[case] words: &str) {
    assert_eq!(error.to_string(), words);
}

#[rstest]
#[case([0, 0, 0, 0])]
#[case([1, 10, 100, 255])]
#[case([9, 99, 199, 200])]
#[case([255, 255, 255, 255])]
fn text_of_ipv4_is_that_of_the_standard_library(#[case] octets: [u8; 4]) {
    let address = Ipv4Addr::from(octets);
    let text = Ipv4Text::new(address);
    assert_eq!(text.as_bytes(), address.to_string().as_bytes());
}

#[rstest]
fn ipv4_is_read_as_the_standard_library_reads_it(
    #[values(
        "0.0.0.0",
        "127.0.0.1",
        "9.10.99.100",
        "255.255.255.255",
        "256.0.0.1",
        "1.2.3.1000",
        "1.2.3.260",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.4.",
        ".1.2.3.4",
        "1..2.3",
        "1.2.3.",
        "01.2.3.4",
        "1.2.3.00",
        "1.2.3.a",
        " 1.2.3.4",
        "1.2.3.4 ",
        "+1.2.3.4",
        "1,2,3,4",
        "127.1",
        "0x7f.0.0.1",
        "",
        ".",
        "..."
    )]
    text: &str,
) {
    assert_eq!(dotted(text.as_bytes()), text.parse().ok());
}
