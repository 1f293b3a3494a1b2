//! TCP: connect, listen, accept, and the byte stream.

mod connect;
mod loan;
mod stream;
#[cfg(test)]
mod tests;
#[cfg(feature = "tls")]
mod tls;

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsRawFd, RawFd};

use rustix::io::Errno;
use socket2::{Socket, Type};

use super::{Endpoint, Family, Progress, Step};
use crate::buffer::{Pattern, Small, Taken, Unread};
use crate::error::SocketError;
use crate::process;
use crate::reactor::{Interest, Reactor};
use crate::room;

pub use connect::Attempt;
use loan::Loan;
#[cfg(feature = "tls")]
pub use tls::Handshake;

/// What a TCP socket is used for, which decides what may be called on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpClass {
    /// New or bound.
    Master,
    /// Connecting, connected or accepted.
    Client,
    /// Listening.
    Server,
}

impl TcpClass {
    /// LuaSocket's name for the class.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            TcpClass::Master => "tcp{master}",
            TcpClass::Client => "tcp{client}",
            TcpClass::Server => "tcp{server}",
        }
    }
}

/// A TCP socket of any class.
#[derive(Debug)]
pub struct TcpSocket {
    endpoint: Endpoint,
    class: TcpClass,
    unread: Unread,
    /// The peer ended the stream; nothing more comes.
    ended: bool,
    /// Some `receive` has reported the end.
    end_told: bool,
    /// `connect(2)` has begun and was not seen to end.
    connecting: bool,
    /// The user chose the local address or the descriptor itself, so it must not be replaced.
    bound: bool,
    /// Bytes that have come from the system.
    received: f64,
    /// Bytes that the system has taken.
    sent: f64,
    /// When it was made, in seconds of the monotonic clock, or since when `setstats` says: what its age is counted from.
    birthday: f64,
    /// TLS is spoken here, or was until the close.
    encrypted: bool,
    loan: Loan,
    #[cfg(feature = "tls")]
    tls: Option<Box<crate::tls::Session>>,
    limits: Option<Box<Limits>>,
}

/// Limits that few sockets have, and that would make every socket larger.
#[derive(Clone, Copy, Debug, Default)]
struct Limits {
    /// Seconds for a whole call.
    total_timeout: Option<f64>,
    /// Bytes that a receive of a line may gather.
    longest_line: Option<usize>,
}

impl Deref for TcpSocket {
    type Target = Endpoint;
    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}

impl DerefMut for TcpSocket {
    fn deref_mut(&mut self) -> &mut Endpoint {
        &mut self.endpoint
    }
}

impl TcpSocket {
    /// A master without a descriptor; its family follows its first address.
    #[must_use]
    pub fn new() -> TcpSocket {
        TcpSocket::with(Endpoint::new(Family::Unspecified), TcpClass::Master)
    }

    /// A master with a descriptor of this family, which it serves alone.
    ///
    /// # Errors
    ///
    /// What `socket(2)` reports.
    pub fn opened(family: Family, reactor: &mut Reactor) -> Result<TcpSocket, SocketError> {
        let mut socket = TcpSocket::with(Endpoint::new(family), TcpClass::Master);
        socket.endpoint.open(family, Type::STREAM, reactor)?;
        Ok(socket)
    }

    /// What a socket of this class, family and protocol is once it is closed.
    #[must_use]
    pub fn closed(class: TcpClass, family: Family, encrypted: bool) -> TcpSocket {
        TcpSocket {
            encrypted,
            ..TcpSocket::with(Endpoint::new(family), class)
        }
    }

    fn with(endpoint: Endpoint, class: TcpClass) -> TcpSocket {
        TcpSocket {
            endpoint,
            class,
            unread: Unread::default(),
            ended: false,
            end_told: false,
            connecting: false,
            bound: false,
            received: 0.0,
            sent: 0.0,
            birthday: monotonic_seconds(),
            encrypted: false,
            loan: Loan::None,
            #[cfg(feature = "tls")]
            tls: None,
            limits: None,
        }
    }

    /// Seconds for a whole call: LuaSocket's timeout mode `"t"`.
    #[inline]
    #[must_use]
    pub fn total_timeout(&self) -> Option<f64> {
        self.limits.as_ref()?.total_timeout
    }

    /// Sets [`TcpSocket::total_timeout`].
    pub fn set_total_timeout(&mut self, seconds: Option<f64>) {
        self.limits.get_or_insert_default().total_timeout = seconds;
    }

    /// Sets how many bytes a receive of a line may gather before its end, give or take one read.
    pub fn set_longest_line(&mut self, bytes: usize) {
        self.limits.get_or_insert_default().longest_line = Some(bytes);
    }

    /// The class.
    #[must_use]
    pub fn class(&self) -> TcpClass {
        self.class
    }

    /// The class's name, as the field `class` of objects has it.
    #[must_use]
    pub fn class_word(&self) -> &'static str {
        if self.encrypted {
            "tls{}"
        } else {
            self.class.word()
        }
    }

    /// Whether TLS is spoken here, or was until the close.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// What a timeout is called: LuaSec has words of its own for it.
    #[must_use]
    pub fn timeout_error(&self, interest: Interest) -> SocketError {
        match interest {
            _ if !self.encrypted => SocketError::Timeout,
            Interest::Read => SocketError::Text("wantread"),
            Interest::Write => SocketError::Text("wantwrite"),
        }
    }

    /// Whether received bytes wait to be asked for.
    #[must_use]
    pub fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Takes what satisfies the pattern, if it has been received already; copies what is small to `place`.
    #[inline(always)]
    pub fn take_unread(&mut self, pattern: Pattern, place: &mut Small) -> Option<Taken> {
        debug_assert!(!self.is_lent());
        self.unread.take_to(pattern, place)
    }

    /// Whether a read would find nothing: all is taken that had come by the last event.
    #[inline]
    #[must_use]
    pub fn is_drained(&self, reactor: &Reactor) -> bool {
        !self.encrypted
            && !self.ended
            && self.unread.is_empty()
            && !reactor.maybe_readable(self.endpoint.source)
    }

    /// Whether a read would be answered without asking the system. TLS may decrypt to know.
    #[must_use]
    pub fn answers_read(&mut self) -> bool {
        debug_assert!(!self.is_lent());
        #[cfg(feature = "tls")]
        if let Some(session) = &mut self.tls
            && session.has_readable()
        {
            return true;
        }
        self.has_unread() || self.ended || self.raw_fd() < 0
    }

    /// `bind(2)` to the first address that the system accepts.
    ///
    /// # Errors
    ///
    /// What `socket(2)` and `bind(2)` report for the last address tried.
    pub fn bind(
        &mut self,
        addresses: &[SocketAddr],
        reuse: bool,
        reactor: &mut Reactor,
    ) -> Result<(), SocketError> {
        self.endpoint
            .open_for(addresses, Type::STREAM, reactor, |socket, address| {
                if reuse {
                    socket.set_reuse_address(true)?;
                }
                socket.bind(&(*address).into()).map_err(SocketError::from)
            })?;
        self.bound = true;
        Ok(())
    }

    /// `listen(2)`.
    ///
    /// # Errors
    ///
    /// `EBADF` before a bind made a descriptor; what the system reports.
    pub fn listen(&mut self, backlog: i32) -> Result<(), SocketError> {
        let socket = self
            .endpoint
            .socket()
            .ok_or_else(SocketError::no_descriptor)?;
        socket.listen(backlog)?;
        self.class = TcpClass::Server;
        Ok(())
    }

    /// `accept4(2)`.
    pub fn accept(&mut self, reactor: &mut Reactor) -> Step<Result<TcpSocket, SocketError>> {
        let Some(socket) = self.endpoint.socket() else {
            return Step::Done(Err(SocketError::Closed));
        };
        if room::for_small_things().is_err() {
            return Step::Done(Err(SocketError::no_memory()));
        }
        loop {
            return match accept_one(socket) {
                Ok((accepted, family)) => {
                    reactor.opened(accepted.as_raw_fd());
                    let endpoint = Endpoint::from_socket(accepted, family);
                    Step::Done(Ok(TcpSocket::with(endpoint, TcpClass::Client)))
                }
                // The peer gave up while it was queued; the next one may not have.
                Err(Errno::CONNABORTED | Errno::INTR) => continue,
                Err(Errno::WOULDBLOCK) => {
                    reactor.drained(self.endpoint.source);
                    Step::until_readable(Progress::None)
                }
                Err(errno) => Step::Done(Err(errno.into())),
            };
        }
    }

    /// `shutdown(2)`, whose errors are ignored, as LuaSocket does. TLS first says goodbye.
    pub fn shutdown(&mut self, how: std::net::Shutdown) {
        #[cfg(feature = "tls")]
        if let (Some(session), true) = (&mut self.tls, how != std::net::Shutdown::Read) {
            session.close_notify();
        }
        if let Some(socket) = self.endpoint.socket() {
            let _ = socket.shutdown(how);
        }
    }

    /// `close(2)`; whoever waits on the socket fires. What was received can still be read, as in
    /// LuaSocket.
    pub fn close(&mut self, reactor: &mut Reactor) {
        #[cfg(feature = "tls")]
        if let Some(mut session) = self.tls.take() {
            session.close();
        }
        self.endpoint.close(reactor);
        self.forget_connection();
        self.bound = false;
    }

    /// Replaces the descriptor without closing the old one.
    pub fn set_fd(&mut self, fd: RawFd, reactor: &mut Reactor) {
        #[cfg(feature = "tls")]
        drop(self.tls.take());
        self.endpoint.set_fd(fd, reactor);
        self.forget_connection();
        self.bound = true;
    }

    fn forget_connection(&mut self) {
        self.ended = false;
        self.end_told = false;
        self.connecting = false;
    }

    /// Bytes received, bytes sent, and age in seconds. As in LuaSocket, a byte is received when somebody has
    /// asked for it.
    #[must_use]
    pub fn stats(&self) -> (f64, f64, f64) {
        debug_assert!(!self.is_lent());
        let age = monotonic_seconds() - self.birthday;
        (self.received - self.unread.len() as f64, self.sent, age)
    }

    /// Sets what [`TcpSocket::stats`] counts from.
    pub fn set_stats(&mut self, received: Option<f64>, sent: Option<f64>, age: Option<f64>) {
        if let Some(received) = received {
            self.received = received + self.unread.len() as f64;
        }
        if let Some(sent) = sent {
            self.sent = sent;
        }
        if let Some(age) = age {
            self.birthday = monotonic_seconds() - age;
        }
    }
}

/// As many as [`TcpSocket::stats`] counts them. No call moves more than half of what its type can hold, and signed
/// numbers are converted at less cost.
#[inline]
fn counted(bytes: usize) -> f64 {
    bytes as i64 as f64
}

fn monotonic_seconds() -> f64 {
    process::monotonic_nanoseconds() as f64 / 1e9
}

impl Default for TcpSocket {
    fn default() -> Self {
        TcpSocket::new()
    }
}

#[cfg(target_os = "linux")]
fn accept_one(socket: &Socket) -> Result<(Socket, Family), Errno> {
    use rustix::net::SocketFlags;
    use std::os::fd::AsFd;
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let (fd, address) = rustix::net::acceptfrom_with(socket.as_fd(), flags)?;
    let v6 = address
        .is_some_and(|address| address.address_family() == rustix::net::AddressFamily::INET6);
    Ok((
        Socket::from(fd),
        if v6 { Family::Inet6 } else { Family::Inet },
    ))
}

#[cfg(not(target_os = "linux"))]
fn accept_one(socket: &Socket) -> Result<(Socket, Family), Errno> {
    let refused = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::INVAL);
    let (accepted, address) = socket.accept().map_err(refused)?;
    accepted.set_nonblocking(true).map_err(refused)?;
    Ok((
        accepted,
        if address.is_ipv6() {
            Family::Inet6
        } else {
            Family::Inet
        },
    ))
}
