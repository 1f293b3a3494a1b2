//! UDP: datagrams with or without a fixed peer.

use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::os::fd::RawFd;
use std::rc::Rc;

use rustix::buffer::Buffer;
use rustix::io::Errno;
use rustix::net::RecvFlags;
use socket2::{Socket, Type};

use super::{Endpoint, Family, Progress, SEND, Step};
use crate::buffer::Chunk;
use crate::error::SocketError;
use crate::reactor::{Reactor, SCRATCH_SIZE};

/// Whether a UDP socket has a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdpClass {
    /// Talks to anybody.
    Unconnected,
    /// Talks to the address of `setpeername`.
    Connected,
}

impl UdpClass {
    /// LuaSocket's name for the class.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            UdpClass::Unconnected => "udp{unconnected}",
            UdpClass::Connected => "udp{connected}",
        }
    }
}

/// A received datagram.
#[derive(Debug)]
pub struct Datagram<B> {
    /// Its bytes, cut to the size that was asked for.
    pub data: B,
    /// Who sent it.
    pub from: Option<SocketAddr>,
}

/// How many bytes of a datagram are received where nobody says, as in LuaSocket.
pub const DATAGRAM_SIZE: usize = 8192;

/// Room for a datagram on the stack.
pub type Room = [MaybeUninit<u8>; DATAGRAM_SIZE];

/// A UDP socket.
#[derive(Debug)]
pub struct UdpSocket {
    endpoint: Endpoint,
    class: UdpClass,
    /// Closed, and not opened again since: a datagram must not open it.
    closed: bool,
    /// Seconds for a whole call: LuaSocket's timeout mode `"t"`.
    pub total_timeout: Option<f64>,
}

impl Deref for UdpSocket {
    type Target = Endpoint;
    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}

impl DerefMut for UdpSocket {
    fn deref_mut(&mut self) -> &mut Endpoint {
        &mut self.endpoint
    }
}

impl UdpSocket {
    /// A socket without a descriptor; its family follows its first address.
    #[must_use]
    pub fn new() -> UdpSocket {
        let endpoint = Endpoint::new(Family::Unspecified);
        UdpSocket {
            endpoint,
            class: UdpClass::Unconnected,
            closed: false,
            total_timeout: None,
        }
    }

    /// What a socket of this class and family is once it is closed.
    #[must_use]
    pub fn closed(class: UdpClass, family: Family) -> UdpSocket {
        UdpSocket {
            endpoint: Endpoint::new(family),
            class,
            closed: true,
            total_timeout: None,
        }
    }

    /// A socket with a descriptor of this family, which it serves alone.
    ///
    /// # Errors
    ///
    /// What `socket(2)` reports.
    pub fn opened(family: Family, reactor: &mut Reactor) -> Result<UdpSocket, SocketError> {
        let mut socket = UdpSocket::new();
        socket.endpoint.open(family, Type::DGRAM, reactor)?;
        Ok(socket)
    }

    /// The class.
    #[must_use]
    pub fn class(&self) -> UdpClass {
        self.class
    }

    /// `bind(2)` to the first address that the system accepts.
    ///
    /// # Errors
    ///
    /// What `socket(2)` and `bind(2)` report for the last address tried.
    pub fn bind(
        &mut self,
        addresses: &[SocketAddr],
        reactor: &mut Reactor,
    ) -> Result<(), SocketError> {
        self.first_of(addresses, reactor, |socket, address| {
            socket.bind(&(*address).into()).map_err(SocketError::from)
        })
    }

    /// `connect(2)`: fixes the peer.
    ///
    /// # Errors
    ///
    /// What the system reports for the last address tried.
    pub fn set_peer(
        &mut self,
        addresses: &[SocketAddr],
        reactor: &mut Reactor,
    ) -> Result<(), SocketError> {
        self.first_of(addresses, reactor, |socket, address| {
            rustix::net::connect(socket, address).map_err(SocketError::from)
        })?;
        self.class = UdpClass::Connected;
        Ok(())
    }

    /// Dissolves the bond with the peer.
    ///
    /// # Errors
    ///
    /// What `connect(2)` reports.
    pub fn clear_peer(&mut self) -> Result<(), SocketError> {
        if let Some(socket) = self.endpoint.socket() {
            rustix::net::connect_unspec(socket)?;
        }
        self.class = UdpClass::Unconnected;
        Ok(())
    }

    fn first_of(
        &mut self,
        addresses: &[SocketAddr],
        reactor: &mut Reactor,
        attempt: impl Fn(&socket2::Socket, &SocketAddr) -> Result<(), SocketError>,
    ) -> Result<(), SocketError> {
        self.endpoint
            .open_for(addresses, Type::DGRAM, reactor, attempt)?;
        self.closed = false;
        Ok(())
    }

    /// Sends one datagram, to `to` or to the fixed peer: `sendto(2)`; returns its length.
    ///
    /// # Errors
    ///
    /// What the system reports; [`SocketError::Timeout`] when it has no room, for which an
    /// [`Operation::SendDatagram`](crate::operation::Operation::SendDatagram) waits.
    pub fn send(
        &mut self,
        data: &[u8],
        to: Option<SocketAddr>,
        reactor: &mut Reactor,
    ) -> Result<usize, SocketError> {
        if self.raw_fd() < 0 {
            let Some(to) = to.as_ref().filter(|_| !self.closed) else {
                return Err(SocketError::Closed);
            };
            self.endpoint.open(Family::of(to), Type::DGRAM, reactor)?;
        }
        let socket = self.endpoint.socket().ok_or(SocketError::Closed)?;
        loop {
            let result = match &to {
                Some(to) => rustix::net::sendto(socket, data, SEND, to),
                None => rustix::net::send(socket, data, SEND),
            };
            return match result {
                Err(Errno::INTR) => continue,
                Err(Errno::WOULDBLOCK) => Err(SocketError::Timeout),
                other => Ok(other?),
            };
        }
    }

    /// Receives one datagram, cut to `size` bytes: `recvfrom(2)`.
    pub fn receive(
        &mut self,
        size: usize,
        reactor: &mut Reactor,
    ) -> Step<Result<Datagram<Chunk>, SocketError>> {
        let socket = match self.readable(reactor) {
            Ok(socket) => socket,
            Err(step) => return step,
        };
        let room = &mut reactor.scratch()[..size.min(SCRATCH_SIZE)];
        match take(socket, room, true) {
            Ok(Datagram { data: length, from }) => {
                let data = Chunk::new(Rc::clone(reactor.scratch_bytes()), 0, length);
                Step::Done(Ok(Datagram { data, from }))
            }
            Err(errno) => self.refused(errno, reactor),
        }
    }

    /// Receives one datagram into `room`, which cuts it; who sent it is told only if `asks_sender`, for
    /// the system charges for it.
    #[inline(always)]
    pub fn receive_to<'a>(
        &mut self,
        room: &'a mut [MaybeUninit<u8>],
        asks_sender: bool,
        reactor: &mut Reactor,
    ) -> Step<Result<Datagram<&'a [u8]>, SocketError>> {
        let socket = match self.readable(reactor) {
            Ok(socket) => socket,
            Err(step) => return step,
        };
        match take(socket, room, asks_sender) {
            Ok(Datagram { data, from }) => {
                let (data, _) = data;
                Step::Done(Ok(Datagram { data: &*data, from }))
            }
            Err(errno) => self.refused(errno, reactor),
        }
    }

    /// The descriptor, if it may have a datagram.
    #[inline(always)]
    fn readable<T>(&self, reactor: &Reactor) -> Result<&Socket, Step<Result<T, SocketError>>> {
        match self.endpoint.socket() {
            Some(socket) if reactor.maybe_readable(self.endpoint.source) => Ok(socket),
            Some(_) => Err(Step::until_readable(Progress::None)),
            None => Err(Step::Done(Err(SocketError::Closed))),
        }
    }

    /// What follows when the system gives no datagram.
    #[inline(never)]
    fn refused<T>(&self, errno: Errno, reactor: &mut Reactor) -> Step<Result<T, SocketError>> {
        match errno {
            Errno::WOULDBLOCK => {
                reactor.drained(self.endpoint.source);
                Step::until_readable(Progress::None)
            }
            // It goes on when other tasks have run.
            Errno::INTR => Step::until_readable(Progress::Pause),
            _ => Step::Done(Err(errno.into())),
        }
    }

    /// `close(2)`; whoever waits on the socket fires. It stays what it was, so that a late `send` is
    /// told that it is closed.
    pub fn close(&mut self, reactor: &mut Reactor) {
        self.endpoint.close(reactor);
        self.closed = true;
    }

    /// Replaces the descriptor without closing the old one.
    pub fn set_fd(&mut self, fd: RawFd, reactor: &mut Reactor) {
        self.endpoint.set_fd(fd, reactor);
        self.closed = fd < 0;
    }
}

/// One datagram, as far as there is room for it.
#[inline(always)]
fn take<B: Buffer<u8>>(
    socket: &Socket,
    room: B,
    asks_sender: bool,
) -> rustix::io::Result<Datagram<B::Output>> {
    if !asks_sender {
        let (data, _) = rustix::net::recv(socket, room, RecvFlags::empty())?;
        return Ok(Datagram { data, from: None });
    }
    let (data, _, from) = rustix::net::recvfrom(socket, room, RecvFlags::empty())?;
    let from = from.and_then(|address| SocketAddr::try_from(address).ok());
    Ok(Datagram { data, from })
}

impl Default for UdpSocket {
    fn default() -> Self {
        UdpSocket::new()
    }
}
