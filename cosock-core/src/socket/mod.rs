//! Sockets as LuaSocket has them, non-blocking: each operation is tried, and says what to wait for.

pub mod options;
mod tcp;
mod udp;

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::rc::Rc;

use rustix::buffer::Buffer;
use rustix::net::{RecvFlags, SendFlags};
use socket2::{Domain, Protocol, Socket, Type};

#[cfg(feature = "tls")]
pub use tcp::Handshake;
pub use tcp::{Attempt, TcpClass, TcpSocket};
pub use udp::{DATAGRAM_SIZE, Datagram, Room, UdpClass, UdpSocket};

use crate::error::SocketError;
use crate::fd::Descriptor;
pub use crate::netdb::Family;
use crate::reactor::{Interest, Reactor, SourceId};

/// How bytes are sent: a peer that is gone is an error of the call, never SIGPIPE. On Apple's systems
/// that is not said of a call but of the socket; [`Socket`] says it of every one it makes or accepts.
#[cfg(not(target_vendor = "apple"))]
pub(crate) const SEND: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
pub(crate) const SEND: SendFlags = SendFlags::empty();

/// Receives what has come, `recv(2)`: a little cheaper than `read(2)`, which has all files to serve.
#[inline]
pub(crate) fn receive(
    socket: impl AsFd,
    buffer: impl Buffer<u8, Output = usize>,
) -> rustix::io::Result<usize> {
    rustix::net::recv(socket, buffer, RecvFlags::empty()).map(|(length, _)| length)
}

/// A TCP socket shared by its Lua object and the operations parked on it.
pub type Tcp = Rc<RefCell<TcpSocket>>;
/// A UDP socket, shared likewise.
pub type Udp = Rc<RefCell<UdpSocket>>;

/// The outcome of trying an operation once.
#[derive(Debug)]
pub enum Step<T> {
    /// It is over.
    Done(T),
    /// It would block.
    Wait {
        /// What the descriptor has to become ready for.
        interest: Interest,
        /// What it did before.
        progress: Progress,
    },
}

impl<T> Step<T> {
    /// It would block until there is something to read.
    #[inline]
    pub(crate) fn until_readable(progress: Progress) -> Step<T> {
        let interest = Interest::Read;
        Step::Wait { interest, progress }
    }

    /// It would block until there is room to write.
    #[inline]
    pub(crate) fn until_writable(progress: Progress) -> Step<T> {
        let interest = Interest::Write;
        Step::Wait { interest, progress }
    }

    /// Applies `change` to a final result.
    #[inline]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Step<U> {
        match self {
            Step::Done(result) => Step::Done(change(result)),
            Step::Wait { interest, progress } => Step::Wait { interest, progress },
        }
    }
}

/// What an operation did before it came to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// No byte moved.
    None,
    /// Bytes moved: each wait has its own timeout, which starts again then.
    Moved,
    /// [`MOST_AT_ONCE`] bytes moved: it could go on at once, but other tasks are to run first.
    Pause,
}

impl Progress {
    /// Whether so many bytes are any.
    #[inline]
    #[must_use]
    pub fn of(moved: usize) -> Progress {
        if moved > 0 {
            Progress::Moved
        } else {
            Progress::None
        }
    }
}

/// How many bytes a stream moves before other tasks run, so that a peer that is faster than its reader keeps
/// nobody else waiting. The call that reaches it may move more: all that the system holds.
pub const MOST_AT_ONCE: usize = 256 * 1024;

/// There is no address to try.
const NO_ADDRESS: SocketError = SocketError::Text("host or service not provided, or not known");

impl Family {
    fn domain(self) -> Domain {
        if self == Family::Inet6 {
            Domain::IPV6
        } else {
            Domain::IPV4
        }
    }
}

/// What TCP and UDP sockets have in common: an optional descriptor and its place in the reactor.
#[derive(Debug)]
pub struct Endpoint {
    fd: Option<Descriptor>,
    family: Family,
    source: Option<SourceId>,
    /// Whether the descriptor was made for an address that was then refused. It serves for everything but another
    /// address: that may be of another family, and gets a descriptor of its own.
    refused: bool,
    /// How often the socket was closed or given another descriptor. An operation that began at another epoch is over.
    epoch: u32,
}

impl Endpoint {
    fn new(family: Family) -> Endpoint {
        Endpoint {
            fd: None,
            family,
            source: None,
            refused: false,
            epoch: 0,
        }
    }

    fn from_socket(socket: Socket, family: Family) -> Endpoint {
        Endpoint {
            fd: Some(socket.into()),
            ..Endpoint::new(family)
        }
    }

    /// The descriptor's number, or -1.
    #[must_use]
    pub fn raw_fd(&self) -> RawFd {
        self.socket().map_or(-1, AsRawFd::as_raw_fd)
    }

    /// The address family.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// The descriptor, for options and addresses.
    #[must_use]
    pub fn socket(&self) -> Option<&Socket> {
        self.fd.as_deref()
    }

    /// Counts how often the socket was closed or given another descriptor.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Makes a descriptor of the family if there is none: `socket(2)`. One of IPv6 serves that alone,
    /// as LuaSocket has it.
    fn open(&mut self, family: Family, kind: Type, reactor: &mut Reactor) -> io::Result<&Socket> {
        if self.fd.is_none() {
            let protocol = if kind == Type::STREAM {
                Protocol::TCP
            } else {
                Protocol::UDP
            };
            let socket = new_socket(family, kind, protocol)?;
            reactor.opened(socket.as_raw_fd());
            if family == Family::Inet6 {
                socket.set_only_v6(true)?;
            }
            self.family = family;
            self.fd = Some(socket.into());
        }
        Ok(self.socket().expect("just opened"))
    }

    /// Closes the descriptor on behalf of whoever uses the socket: all operations on it are over.
    fn close(&mut self, reactor: &mut Reactor) {
        self.epoch = self.epoch.wrapping_add(1);
        self.drop_fd(reactor);
    }

    /// Closes the descriptor: whoever waits on it fires.
    fn drop_fd(&mut self, reactor: &mut Reactor) {
        if let Some(socket) = self.fd.take() {
            reactor.forget(socket.as_raw_fd());
        }
        self.source = None;
        self.refused = false;
    }

    /// Opens a descriptor for the first of `addresses` that `attempt` takes. If it takes none, the
    /// socket keeps the last descriptor, and may still be of any family: as in LuaSocket.
    fn open_for(
        &mut self,
        addresses: &[SocketAddr],
        kind: Type,
        reactor: &mut Reactor,
        attempt: impl Fn(&Socket, &SocketAddr) -> Result<(), SocketError>,
    ) -> Result<(), SocketError> {
        let mut result = Err(NO_ADDRESS);
        let fresh = self.fd.is_none() || self.refused;
        let before = self.family;
        for address in addresses {
            if self.refused {
                self.drop_fd(reactor);
            }
            let socket = self.open(Family::of(address), kind, reactor)?;
            result = attempt(socket, address);
            if result.is_ok() {
                break;
            }
            if fresh {
                self.refused = true;
                self.family = before;
            }
        }
        result
    }

    /// Replaces the descriptor without closing the old one: LuaSocket's `setfd`.
    fn set_fd(&mut self, fd: RawFd, reactor: &mut Reactor) {
        self.epoch = self.epoch.wrapping_add(1);
        if let Some(socket) = self.fd.take() {
            reactor.forget(socket.as_raw_fd());
            socket.give_up();
        }
        self.source = None;
        self.refused = false;
        self.fd = Descriptor::adopt(fd);
        if let Some(socket) = &self.fd {
            reactor.adopted(fd);
            // Not a socket, or closed already: the first operation on it will tell.
            let _ = socket.set_nonblocking(true);
        }
    }

    /// Has the next try ask the system, whatever was noted of its readiness.
    pub fn doubt(&self, reactor: &mut Reactor) {
        reactor.doubt(self.source);
    }

    /// The source, where the descriptor has been registered.
    #[must_use]
    pub fn registered(&self) -> Option<SourceId> {
        self.source
    }

    /// Notes the source where a select on this socket has registered the descriptor.
    #[inline(always)]
    fn look_for_source(&mut self, reactor: &Reactor) {
        if self.source.is_none() {
            self.source = reactor.known(self.raw_fd());
        }
    }

    /// The registered source, registering it if need be.
    ///
    /// # Errors
    ///
    /// [`SocketError::Closed`] without a descriptor, else what `epoll_ctl(2)` reports.
    #[inline]
    pub fn source(&mut self, reactor: &mut Reactor) -> Result<SourceId, SocketError> {
        match self.source {
            Some(id) if reactor.is_live(id) => Ok(id),
            _ => self.register(reactor),
        }
    }

    #[inline(never)]
    fn register(&mut self, reactor: &mut Reactor) -> Result<SourceId, SocketError> {
        let fd = self.raw_fd();
        if fd < 0 {
            return Err(SocketError::Closed);
        }
        let id = reactor.source(fd)?;
        self.source = Some(id);
        Ok(id)
    }

    /// `getsockname(2)`.
    ///
    /// # Errors
    ///
    /// `EBADF` without a descriptor.
    pub fn local_address(&self) -> Result<SocketAddr, SocketError> {
        let socket = self.socket().ok_or_else(SocketError::no_descriptor)?;
        internet(socket.local_addr()?)
    }

    /// `getpeername(2)`.
    ///
    /// # Errors
    ///
    /// `EBADF` without a descriptor, `ENOTCONN` without a peer.
    pub fn peer_address(&self) -> Result<SocketAddr, SocketError> {
        let socket = self.socket().ok_or_else(SocketError::no_descriptor)?;
        internet(socket.peer_addr()?)
    }
}

fn internet(address: socket2::SockAddr) -> Result<SocketAddr, SocketError> {
    address
        .as_socket()
        .ok_or(SocketError::Text("ai_family not supported"))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn new_socket(family: Family, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    Socket::new(family.domain(), kind.nonblocking(), Some(protocol))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn new_socket(family: Family, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(family.domain(), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
