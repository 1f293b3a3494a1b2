//! The stream when it is encrypted.

#[cfg(test)]
mod tests;

use super::stream::{LINE_TOO_LONG, has_room_for_line};
use super::{TcpClass, TcpSocket, counted};
use crate::buffer::{Chunk, Pattern};
use crate::error::SocketError;
use crate::reactor::{Company, Interest, Reactor};
use crate::socket::{Endpoint, MOST_AT_ONCE, Progress, Step};
use crate::tls::context::SharedContext;
use crate::tls::session::{Blocked, RECORD, Session};
use crate::tls::wire::Reading;

/// How a handshake goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// It is complete.
    Complete,
    /// It wants an answer: [`Session::question`].
    Asks,
}

impl TcpSocket {
    /// Moves the connection into a new socket, where TLS will be spoken on it. What was received already
    /// goes with it; this socket is left closed.
    ///
    /// # Errors
    ///
    /// For a connection that speaks TLS already, or when memory runs out; nothing has changed then.
    pub fn wrap(
        &mut self,
        context: &SharedContext,
        reactor: &mut Reactor,
    ) -> Result<TcpSocket, SocketError> {
        if self.encrypted {
            return Err(SocketError::Text("already a TLS connection"));
        }
        debug_assert!(!self.is_lent());
        let session = Session::new(context, self.raw_fd(), self.unread.all())?;
        self.unread.clear();
        let mut endpoint = Endpoint::new(self.family());
        endpoint.fd = self.endpoint.fd.take();
        if let Some(socket) = &endpoint.fd {
            use std::os::fd::AsRawFd;
            reactor.forget(socket.as_raw_fd());
        }
        self.close(reactor);
        let mut wrapped = TcpSocket::with(endpoint, TcpClass::Client);
        wrapped.tls = Some(Box::new(session));
        wrapped.encrypted = true;
        wrapped.limits.clone_from(&self.limits);
        Ok(wrapped)
    }

    /// The state of TLS, if it is spoken here.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        self.tls.as_deref()
    }

    /// The state of TLS, to change.
    pub fn session_mut(&mut self) -> Option<&mut Session> {
        self.tls.as_deref_mut()
    }

    /// Whether received bytes wait to be asked for, decrypted or not yet.
    #[must_use]
    pub fn is_dirty(&mut self) -> bool {
        let session = self.tls.as_mut().filter(|session| session.is_open());
        let readable = session.is_some_and(|session| session.has_readable());
        self.has_unread() || readable
    }

    /// Goes on with the handshake of a TLS connection.
    pub fn handshake(&mut self, reactor: &mut Reactor) -> Step<Result<Handshake, SocketError>> {
        let Some(mut session) = self.expect(reactor) else {
            return Step::Done(Err(SocketError::Closed));
        };
        let result = session.handshake();
        self.note(session, reactor);
        Step::Done(match result {
            Ok(()) => Ok(Handshake::Complete),
            Err(Blocked::Asked) => Ok(Handshake::Asks),
            Err(Blocked::Ended) => Err(SocketError::Closed),
            Err(Blocked::Failed(error)) => Err(error),
            Err(Blocked::Wait(interest)) => {
                return Step::Wait {
                    interest,
                    progress: Progress::None,
                };
            }
        })
    }

    /// [`TcpSocket::receive`] when the stream is encrypted.
    pub(super) fn receive_encrypted(
        &mut self,
        pattern: Pattern,
        reactor: &mut Reactor,
    ) -> Step<Result<Chunk, SocketError>> {
        let mut moved = 0;
        loop {
            if self.ended {
                return Step::Done(self.at_end(pattern));
            }
            let Some(mut session) = self.expect(reactor) else {
                return Step::Done(Err(SocketError::Closed));
            };
            // What is large is decrypted to where it grows, while any record fits in what is missing; the
            // rest, and what is small, is cut from the shared buffer, which is larger than a record.
            let missing = match pattern {
                Pattern::Count(count) => count.saturating_sub(self.unread.len()),
                Pattern::All => usize::MAX,
                Pattern::Line => 0,
            };
            let large = missing >= RECORD;
            let has_room = if large {
                self.unread.make_room(missing, RECORD)
            } else {
                has_room_for_line(&mut self.unread)
            };
            if !has_room {
                self.note(session, reactor);
                return Step::Done(Err(SocketError::no_memory()));
            }
            let result = if large {
                session.read_onto(self.unread.storage())
            } else {
                session.read(reactor.scratch())
            };
            let taken = result.map(|length| {
                moved += length;
                self.take_read(length, large, pattern, reactor)
            });
            let has_moved = self.note(session, reactor);
            if taken.is_err() && !self.has_unread() {
                // Room for what has not come: a waiting connection keeps none.
                self.unread.clear();
            }
            match taken {
                Ok(Some(chunk)) => return Step::Done(Ok(chunk)),
                Ok(None) => {
                    if self.is_line_too_long(pattern) {
                        return Step::Done(Err(LINE_TOO_LONG));
                    }
                    if moved >= MOST_AT_ONCE {
                        return Step::until_readable(Progress::Pause);
                    }
                }
                Err(Blocked::Wait(interest)) => {
                    // As on a plain stream, bytes that come start the timeout again, even before a record is complete.
                    let progress = Progress::of(moved + usize::from(has_moved));
                    return Step::Wait { interest, progress };
                }
                Err(Blocked::Ended) => self.ended = true,
                Err(Blocked::Asked) => return Step::Done(Err(SocketError::Closed)),
                Err(Blocked::Failed(error)) => {
                    // From now on it is closed, also for `"*a"`; but before the handshake it is only early.
                    let is_over = self.session().is_none_or(Session::is_over);
                    self.ended = is_over;
                    self.end_told = is_over;
                    return Step::Done(Err(error));
                }
            }
        }
    }

    /// [`TcpSocket::send`] when the stream is encrypted. Complete when all is on its way.
    pub(super) fn send_encrypted(
        &mut self,
        data: &[u8],
        next: &mut usize,
        reactor: &mut Reactor,
    ) -> Step<Result<(), SocketError>> {
        let start = *next;
        loop {
            // Nothing can be sent without a session, too.
            let is_flushed = self
                .tls
                .as_ref()
                .map_or(data.is_empty(), |tls| !tls.is_unflushed());
            if *next >= data.len() && is_flushed {
                return Step::Done(Ok(()));
            }
            let Some(mut session) = self.expect(reactor) else {
                return Step::Done(Err(SocketError::Closed));
            };
            let result = session.write(&data[*next..]);
            let has_moved = self.note(session, reactor);
            match result {
                Ok(length) => {
                    *next += length;
                    self.sent += counted(length);
                    if *next - start >= MOST_AT_ONCE && *next < data.len() {
                        return Step::until_writable(Progress::Pause);
                    }
                }
                Err(Blocked::Wait(interest)) => {
                    let progress = Progress::of(*next - start + usize::from(has_moved));
                    return Step::Wait { interest, progress };
                }
                Err(Blocked::Failed(error)) => return Step::Done(Err(error)),
                Err(Blocked::Ended | Blocked::Asked) => {
                    return Step::Done(Err(SocketError::Closed));
                }
            }
        }
    }

    /// Takes the session for one call, told what the reactor has noted; `None` without one, or without a
    /// descriptor.
    fn expect(&mut self, reactor: &mut Reactor) -> Option<Box<Session>> {
        if self.raw_fd() < 0 {
            return None;
        }
        let readable = reactor.maybe_readable(self.endpoint.source);
        let mut session = self.tls.take()?;
        session.expect(readable);
        Some(session)
    }

    /// Puts the session back, and has the reactor note what its reads and writes have met. Tells whether they have moved
    /// anything.
    fn note(&mut self, mut session: Box<Session>, reactor: &mut Reactor) -> bool {
        let (reading, filled) = session.take_notes();
        let has_moved = session.has_moved();
        self.tls = Some(session);
        self.endpoint.look_for_source(reactor);
        let source = self.endpoint.source;
        match reading {
            Reading::Nothing => {}
            Reading::Drained => {
                if has_moved {
                    // It is no data, but another operation may wait for it: a send, where a handshake comes between.
                    reactor.has_read(source, true, false);
                }
                reactor.drained(source);
            }
            Reading::Full | Reading::Short => {
                let waits = |id| reactor.company(id, Interest::Read, 0) != Company::Nobody;
                // What OpenSSL has read ahead is looked at for those alone who would miss it.
                let left = self.has_unread() || source.is_some_and(waits) && self.is_dirty();
                reactor.has_read(source, reading == Reading::Short, left);
            }
        }
        if filled {
            reactor.filled(source);
        }
        has_moved
    }
}
