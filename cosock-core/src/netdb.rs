//! The blocking name functions with LuaSocket's meaning and words.
//!
//! Host and service names are bytes, as Lua strings are. Everything here but [`numeric`],
//! [`numeric_host`] and [`parse_ipv4`] may wait for files and name servers; [`crate::resolver`] runs
//! the same functions off the thread.

use std::ffi::CString;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::str;

use dns_lookup::AddrInfoHints;

use crate::sys;

/// The transport that a socket, or the address of one, is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SocketKind {
    /// A stream (`SOCK_STREAM`).
    Tcp,
    /// Datagrams (`SOCK_DGRAM`).
    Udp,
}

/// The address family that a look-up is limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// No limit (`AF_UNSPEC`).
    Any,
    /// IPv4 only.
    Inet,
    /// IPv6 only.
    Inet6,
}

/// What kind of addresses a look-up shall give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hints {
    /// Transport; decides which services exist.
    pub kind: SocketKind,
    /// Family; a literal of another family is an error.
    pub family: Family,
    /// For `bind` (`AI_PASSIVE`).
    pub passive: bool,
    /// Refuse names of hosts and services (`AI_NUMERICHOST`, `AI_NUMERICSERV`), as `sendto` does.
    pub numeric_only: bool,
}

impl Hints {
    /// Hints for connecting or sending to a named or numeric address of any family.
    pub const fn new(kind: SocketKind) -> Self {
        Self {
            kind,
            family: Family::Any,
            passive: false,
            numeric_only: false,
        }
    }
}

/// What the host databases know about one IPv4 host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostEntry {
    /// The official name.
    pub name: Vec<u8>,
    /// Other names.
    pub aliases: Vec<Vec<u8>>,
    /// Addresses, at least one.
    pub ips: Vec<Ipv4Addr>,
}

/// Names for an address and a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameInfo {
    /// One name (or numeric text) for each resolved address; empty if no host was given.
    pub names: Vec<String>,
    /// The name (or number) of the service, if one was given.
    pub service: Option<String>,
}

/// Why a look-up failed; prints LuaSocket's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LookupError {
    /// A code of `getaddrinfo` (`EAI_...`).
    AddrInfo(i32),
    /// A code of the host table functions (`h_errno`): 1 to 4.
    HostEntry(i32),
    /// An errno value: the system failed, not the look-up.
    System(i32),
}

impl LookupError {
    /// The host or the service is unknown, or is text that cannot be a name.
    pub const NO_NAME: Self = Self::AddrInfo(libc::EAI_NONAME);
    /// The service is unknown for this kind of socket.
    pub const NO_SERVICE: Self = Self::AddrInfo(libc::EAI_SERVICE);
    /// The look-up failed for good.
    pub const FAILED: Self = Self::AddrInfo(libc::EAI_FAIL);

    /// The C library's own words, which LuaSocket uses in `sendto`.
    pub fn resolver_text(&self) -> String {
        match self {
            Self::AddrInfo(code) => sys::resolver_text(*code),
            Self::System(_) => sys::resolver_text(libc::EAI_SYSTEM),
            Self::HostEntry(_) => self.to_string(),
        }
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match *self {
            Self::AddrInfo(libc::EAI_AGAIN) => "temporary failure in name resolution",
            Self::AddrInfo(libc::EAI_BADFLAGS) => "invalid value for ai_flags",
            Self::AddrInfo(libc::EAI_FAIL) => "non-recoverable failure in name resolution",
            Self::AddrInfo(libc::EAI_FAMILY) => "ai_family not supported",
            Self::AddrInfo(libc::EAI_MEMORY) => "memory allocation failure",
            Self::AddrInfo(libc::EAI_NONAME) => "host or service not provided, or not known",
            Self::AddrInfo(libc::EAI_OVERFLOW) => "argument buffer overflow",
            Self::AddrInfo(libc::EAI_SERVICE) => "service not supported for socket type",
            Self::AddrInfo(libc::EAI_SOCKTYPE) => "ai_socktype not supported",
            Self::AddrInfo(code) => return f.write_str(&sys::resolver_text(code)),
            Self::HostEntry(1) => "host not found",
            Self::HostEntry(2) => "Host name lookup failure",
            Self::HostEntry(3) => "Unknown server error",
            Self::HostEntry(4) => "No address associated with name",
            Self::HostEntry(_) => "Unknown resolver error",
            Self::System(errno) => {
                // The standard library appends the number, LuaSocket does not.
                let text = io::Error::from_raw_os_error(errno).to_string();
                let suffix = format!(" (os error {errno})");
                return f.write_str(text.strip_suffix(&suffix).unwrap_or(&text));
            }
        };
        f.write_str(words)
    }
}

impl std::error::Error for LookupError {}

impl From<dns_lookup::LookupError> for LookupError {
    fn from(error: dns_lookup::LookupError) -> Self {
        let code = error.error_num();
        if code != 0 && code != libc::EAI_SYSTEM {
            return Self::AddrInfo(code);
        }
        // No code means that the arguments or the answer were not text, unless errno says more.
        io::Error::from(error)
            .raw_os_error()
            .map_or(Self::NO_NAME, Self::System)
    }
}

/// Resolves a host and a service (`getaddrinfo`) to at least one address, in the order in which to
/// try them.
///
/// An empty service is port 0. A numeric service beyond 65535 wraps where the C library lets it
/// (glibc: 70000 is 4464). `"*"` with a service is no host to glibc, so this machine; where it shall
/// mean any address, the caller says so.
///
/// # Errors
///
/// Any [`LookupError::AddrInfo`] or [`LookupError::System`]. Bytes with a NUL among them, or that
/// are not UTF-8, name nothing: [`LookupError::NO_NAME`] or [`LookupError::NO_SERVICE`].
///
/// Source: LuaSocket 3.1.0, `connect`, `bind`, `setpeername`, `setsockname`, `sendto`,
/// `dns.getaddrinfo` (with an empty service).
pub fn addresses(
    host: &[u8],
    service: &[u8],
    hints: Hints,
) -> Result<Vec<SocketAddr>, LookupError> {
    if let Some(address) = literal(host, service, hints.family) {
        return Ok(vec![address]);
    }
    let service = if service.is_empty() {
        None
    } else {
        Some(service_text(service)?)
    };
    resolve(Some(host_text(host)?), service, hints)
}

/// Resolves a host and a service without waiting, or tells by `None` that a name has to be looked
/// up. Otherwise the result is that of [`addresses`].
pub fn numeric(
    host: &[u8],
    service: &[u8],
    hints: Hints,
) -> Option<Result<Vec<SocketAddr>, LookupError>> {
    let found = addresses(
        host,
        service,
        Hints {
            numeric_only: true,
            ..hints
        },
    );
    // An empty host is nobody's name, so that answer is final; others may be names.
    let final_answer = hints.numeric_only
        || found != Err(LookupError::NO_NAME)
        || (host.is_empty() && is_decimal(service))
        || host_text(host).is_err();
    final_answer.then_some(found)
}

/// Looks up a name, or the name of a numeric IPv4 address, in the host databases.
///
/// # Errors
///
/// [`LookupError::HostEntry`] or [`LookupError::System`]; an IPv6 address is not found.
///
/// Source: LuaSocket 3.1.0, `dns.toip` and `dns.tohostname`, which do the same look-up and differ
/// in what they return first (`gethostbyname` and `gethostbyaddr`).
pub fn host_entry(host: &[u8]) -> Result<HostEntry, LookupError> {
    let host = CString::new(host).map_err(|_| LookupError::HostEntry(1))?;
    match sys::ipv4_from_text(&host) {
        Some(address) => sys::host_by_address(address),
        None => sys::host_by_name(&host),
    }
}

/// Resolves a host, a service or both, and turns the results back into names.
///
/// # Errors
///
/// As [`addresses`]; [`LookupError::NO_NAME`] if neither is given.
///
/// Source: LuaSocket 3.1.0, `dns.getnameinfo` (`getaddrinfo`, then `getnameinfo`).
pub fn name_info(host: Option<&[u8]>, service: Option<&[u8]>) -> Result<NameInfo, LookupError> {
    let service_wanted = service.is_some();
    // An empty service is port 0 to glibc and an error elsewhere.
    let service = service.map(|text| if text.is_empty() { b"0" } else { text });
    let hints = Hints::new(SocketKind::Tcp);
    let found = resolve(
        host.map(host_text).transpose()?,
        service.map(service_text).transpose()?,
        hints,
    )?;
    // What was not asked for must not cost a look-up.
    let mut flags = 0;
    if host.is_none() {
        flags |= libc::NI_NUMERICHOST;
    }
    if service.is_none() {
        flags |= libc::NI_NUMERICSERV;
    }
    let mut info = NameInfo {
        names: Vec::new(),
        service: None,
    };
    for address in &found {
        let (name, service) = dns_lookup::getnameinfo(address, flags)
            .unwrap_or_else(|_| (numeric_host(address), address.port().to_string()));
        if host.is_some() {
            info.names.push(name);
        }
        if service_wanted {
            info.service = Some(service);
        }
    }
    Ok(info)
}

/// The name of this machine (`gethostname`).
///
/// # Errors
///
/// The system's error, or one without a number if the name is not UTF-8.
pub fn host_name() -> io::Result<String> {
    dns_lookup::get_hostname()
}

/// The numeric text of an address without its port; a scope is named as the C library names it.
pub fn numeric_host(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        // `Display` writes some IPv6 addresses in another way than the C library.
        SocketAddr::V6(v6) => {
            dns_lookup::getnameinfo(address, libc::NI_NUMERICHOST | libc::NI_NUMERICSERV)
                .map_or_else(|_| v6.ip().to_string(), |(text, _)| text)
        }
    }
}

/// Reads an IPv4 address in any form that C accepts (`inet_aton`), as socket options take it.
pub fn parse_ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    sys::ipv4_from_text(&CString::new(text).ok()?)
}

/// A plain literal of the right family with a decimal port, read without the C library.
fn literal(host: &[u8], service: &[u8], family: Family) -> Option<SocketAddr> {
    if !is_decimal(service) {
        return None;
    }
    // Larger numbers, and how they wrap, are the C library's matter.
    let port = if service.is_empty() {
        0
    } else {
        str::from_utf8(service).ok()?.parse().ok()?
    };
    let host = str::from_utf8(host).ok()?;
    match host.parse().ok()? {
        IpAddr::V4(ip) if family != Family::Inet6 => Some(SocketAddrV4::new(ip, port).into()),
        IpAddr::V6(ip) if family != Family::Inet => Some(SocketAddrV6::new(ip, port, 0, 0).into()),
        _ => None,
    }
}

fn is_decimal(service: &[u8]) -> bool {
    service.iter().all(u8::is_ascii_digit)
}

fn host_text(host: &[u8]) -> Result<&str, LookupError> {
    text_without_nul(host).ok_or(LookupError::NO_NAME)
}

fn service_text(service: &[u8]) -> Result<&str, LookupError> {
    text_without_nul(service).ok_or(LookupError::NO_SERVICE)
}

fn text_without_nul(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes)
        .ok()
        .filter(|text| memchr::memchr(0, text.as_bytes()).is_none())
}

fn resolve(
    host: Option<&str>,
    service: Option<&str>,
    hints: Hints,
) -> Result<Vec<SocketAddr>, LookupError> {
    let mut flags = 0;
    if hints.passive {
        flags |= libc::AI_PASSIVE;
    }
    if hints.numeric_only {
        flags |= libc::AI_NUMERICHOST | libc::AI_NUMERICSERV;
    }
    let address = match hints.family {
        Family::Any => libc::AF_UNSPEC,
        Family::Inet => libc::AF_INET,
        Family::Inet6 => libc::AF_INET6,
    };
    let socktype = match hints.kind {
        SocketKind::Tcp => libc::SOCK_STREAM,
        SocketKind::Udp => libc::SOCK_DGRAM,
    };
    let hints = AddrInfoHints {
        flags,
        address,
        socktype,
        protocol: 0,
    };
    let found = dns_lookup::getaddrinfo(host, service, Some(hints))?;
    // An entry that is no internet address is nothing that a socket of ours could use.
    let found: Vec<_> = found
        .filter_map(Result::ok)
        .map(|info| info.sockaddr)
        .collect();
    if found.is_empty() {
        Err(LookupError::NO_NAME)
    } else {
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
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
    #[case("4294967296", "127.0.0.1:0")]
    fn odd_numeric_ports_are_read_as_glibc_reads_them(
        #[case] service: &str,
        #[case] expected: &str,
    ) {
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
    fn numeric_only_refuses_names_in_the_words_of_sendto(
        #[case] host: &str,
        #[case] service: &str,
    ) {
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
    fn hosts_without_an_entry_fail_in_luasockets_words(
        #[case] host: &[u8],
        #[case] expected: &str,
    ) {
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
}
