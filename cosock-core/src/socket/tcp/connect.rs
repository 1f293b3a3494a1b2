//! Connecting, to the first address that answers.

use std::net::SocketAddr;

use rustix::io::Errno;
use socket2::Type;

use super::{TcpClass, TcpSocket};
use crate::error::SocketError;
use crate::reactor::Reactor;
use crate::socket::{Family, NO_ADDRESS, Progress, Step};

/// The addresses that a `connect` still has to try.
#[derive(Debug)]
pub struct Attempt {
    addresses: std::vec::IntoIter<SocketAddr>,
    current: Option<SocketAddr>,
}

impl Attempt {
    /// Tries `addresses` in turn.
    #[must_use]
    pub fn new(addresses: Vec<SocketAddr>) -> Attempt {
        let mut addresses = addresses.into_iter();
        let current = addresses.next();
        Attempt { addresses, current }
    }
}

impl TcpSocket {
    /// Makes this a client, as every call of `connect` does, however it ends.
    ///
    /// As in LuaSocket: who stops waiting may still wait by `select`, and then send; and who has not looked at
    /// the result is told "closed" by what it calls next, whether there was no answer or not even an address.
    pub fn become_client(&mut self) {
        self.class = TcpClass::Client;
    }

    /// `connect(2)` to each address in turn, until one answers.
    ///
    /// An attempt that an earlier call left unfinished is taken up again.
    pub fn connect(
        &mut self,
        attempt: &mut Attempt,
        reactor: &mut Reactor,
    ) -> Step<Result<(), SocketError>> {
        self.become_client();
        let mut failure = NO_ADDRESS;
        while let Some(address) = attempt.current {
            match self.connect_one(&address, reactor) {
                Ok(()) => {
                    self.begin_stream();
                    self.connecting = false;
                    // Not what is known of the peer's end: the event that told of the connection may have told of
                    // both, and tells it once.
                    reactor.doubt(self.endpoint.source);
                    return Step::Done(Ok(()));
                }
                Err(Errno::INPROGRESS | Errno::ALREADY | Errno::WOULDBLOCK) => {
                    self.begin_stream();
                    self.connecting = true;
                    reactor.filled(self.endpoint.source);
                    return Step::until_writable(Progress::None);
                }
                Err(Errno::INTR) => continue,
                Err(errno) => {
                    failure = errno.into();
                    if errno == Errno::ISCONN {
                        return Step::Done(Err(failure));
                    }
                }
            }
            self.connecting = false;
            attempt.current = attempt.addresses.next();
        }
        Step::Done(Err(failure))
    }

    fn connect_one(&mut self, address: &SocketAddr, reactor: &mut Reactor) -> Result<(), Errno> {
        let family = Family::of(address);
        let other = self.endpoint.family != family && self.endpoint.family != Family::Unspecified;
        if self.endpoint.refused || (other && !self.connecting && !self.bound) {
            self.endpoint.drop_fd(reactor);
        }
        let socket = self
            .endpoint
            .open(family, Type::STREAM, reactor)
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::INVAL))?;
        let result = rustix::net::connect(socket, address);
        match result {
            Err(Errno::ISCONN) if self.connecting => Ok(()),
            other => other,
        }
    }

    /// A new connection has its own stream, from the moment when its attempt begins.
    fn begin_stream(&mut self) {
        if !self.connecting {
            debug_assert!(!self.is_lent());
            self.unread.clear();
            self.ended = false;
            self.end_told = false;
        }
    }
}
