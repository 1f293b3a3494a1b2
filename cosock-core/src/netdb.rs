//! The blocking name functions with LuaSocket's meaning and words.
//!
//! Host and service names are bytes, as Lua strings are. Everything here but [`literal`], [`numeric`],
//! [`of_family`], [`numeric_host`], [`parse_ipv4`] and [`Ipv4Text`] may wait for files and name servers;
//! [`crate::resolver`] runs the same functions off the thread.

mod error;

use std::ffi::CString;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::str;

use dns_lookup::AddrInfoHints;

use crate::sys;
pub use error::LookupError;

/// The transport that a socket, or the address of one, is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SocketKind {
    /// A stream (`SOCK_STREAM`).
    Tcp,
    /// Datagrams (`SOCK_DGRAM`).
    Udp,
}

/// The address family of a socket, which its first address decides unless it was made for one; or that a
/// look-up is limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Undecided, as there is no descriptor yet; no limit (`AF_UNSPEC`).
    Unspecified,
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub fn of(address: &SocketAddr) -> Family {
        if address.is_ipv4() {
            Family::Inet
        } else {
            Family::Inet6
        }
    }

    /// The word of `getsockname` and `getpeername`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Family::Unspecified => "unspec",
            Family::Inet => "inet",
            Family::Inet6 => "inet6",
        }
    }
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
            family: Family::Unspecified,
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
    if let Some(port) = decimal_port(service)
        && let Some(address) = literal(host, port, hints.family)
    {
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
    let host = CString::new(host).map_err(|_| LookupError::NO_HOST)?;
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

/// The text of an IPv4 address, on the stack: every datagram from anybody has one.
#[derive(Clone, Copy, Debug)]
pub struct Ipv4Text {
    bytes: [u8; 15],
    length: usize,
}

impl Ipv4Text {
    /// Writes the address in dotted decimals.
    #[must_use]
    pub fn new(address: Ipv4Addr) -> Self {
        let mut text = Self {
            bytes: [0; 15],
            length: 0,
        };
        for (position, octet) in address.octets().into_iter().enumerate() {
            if position > 0 {
                text.push(b'.');
            }
            if octet >= 100 {
                text.push(b'0' + octet / 100);
            }
            if octet >= 10 {
                text.push(b'0' + octet / 10 % 10);
            }
            text.push(b'0' + octet % 10);
        }
        text
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Reads an IPv4 address in any form that C accepts (`inet_aton`), as socket options take it.
pub fn parse_ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    sys::ipv4_from_text(&CString::new(text).ok()?)
}

/// Reads a plain literal of the right family, without the C library: `None` for any other text.
pub fn literal(host: &[u8], port: u16, family: Family) -> Option<SocketAddr> {
    let ip = match dotted(host) {
        Some(ip) => IpAddr::V4(ip),
        None => str::from_utf8(host).ok()?.parse().ok()?,
    };
    of_family(ip, port, family)
}

/// The address of this IP and port, if it is of the right family.
#[inline]
pub fn of_family(ip: IpAddr, port: u16, family: Family) -> Option<SocketAddr> {
    match ip {
        IpAddr::V4(ip) if family != Family::Inet6 => Some(SocketAddrV4::new(ip, port).into()),
        IpAddr::V6(ip) if family != Family::Inet => Some(SocketAddrV6::new(ip, port, 0, 0).into()),
        _ => None,
    }
}

/// Reads what [`Ipv4Text`] writes: every datagram to anybody has one, and the standard library's parser
/// of any address takes several times as long.
fn dotted(text: &[u8]) -> Option<Ipv4Addr> {
    let (mut address, mut octet, mut digits, mut dots) = (0, 0, 0, 0);
    for &byte in text {
        let digit = u32::from(byte.wrapping_sub(b'0'));
        if digit < 10 {
            octet = octet * 10 + digit;
            digits += 1;
            // To C, a number of several digits that begins with zero is octal.
            if octet > 255 || (digits > 1 && octet < 10) {
                return None;
            }
        } else if byte == b'.' && digits > 0 && dots < 3 {
            address = address << 8 | octet;
            (octet, digits) = (0, 0);
            dots += 1;
        } else {
            return None;
        }
    }
    (dots == 3 && digits > 0).then(|| Ipv4Addr::from_bits(address << 8 | octet))
}

/// A decimal port. Larger numbers, and how they wrap, are the C library's matter.
fn decimal_port(service: &[u8]) -> Option<u16> {
    if service.is_empty() {
        return Some(0);
    }
    let service = is_decimal(service).then_some(service)?;
    str::from_utf8(service).ok()?.parse().ok()
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
        Family::Unspecified => libc::AF_UNSPEC,
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
mod tests;
