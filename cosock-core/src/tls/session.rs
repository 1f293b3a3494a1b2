//! One connection's TLS: handshake, records, goodbye.

use std::fmt;
use std::os::fd::RawFd;

use openssl::error::ErrorStack;
use openssl::ssl::{Error, ErrorCode, SslRef, SslStream};
use rustix::io::Errno;

use super::context::{Mode, SharedContext};
use super::hello::{self, Question, ServerNames};
use super::wire::{Reading, Wire};
use super::{ffi, words};
use crate::buffer::Chunk;
use crate::error::SocketError;
use crate::reactor::Interest;

/// The most that one record holds: what one read decrypts at most, and what one write encrypts.
pub(crate) const RECORD: usize = 16 * 1024;

/// Why a call did not succeed at once.
#[derive(Debug)]
pub(crate) enum Blocked {
    /// The descriptor has to become ready for this.
    Wait(Interest),
    /// The handshake wants an [answer](Session::answer).
    Asked,
    /// The peer has said that it sends nothing more.
    Ended,
    /// It is over.
    Failed(SocketError),
}

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The handshake has not begun.
    New,
    /// It is not finished.
    Begun,
    /// Data may be exchanged.
    Open,
    /// An error has ended it; OpenSSL must not be called for it any more.
    Over,
}

/// The state of TLS on one connection. It borrows the descriptor's number from its socket.
pub struct Session {
    stream: SslStream<Wire>,
    context: SharedContext,
    phase: Phase,
    /// What OpenSSL has accepted to send and has to be given again until it is sent.
    unflushed: Vec<u8>,
    /// What a look ahead has met, for the next read to report.
    met: Option<Blocked>,
    /// This side has said that it sends nothing more, or the system takes nothing more from it.
    has_ended: bool,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session on a connected descriptor, from which `early` was received already.
    pub(crate) fn new(
        context: &SharedContext,
        fd: RawFd,
        early: Chunk,
    ) -> Result<Session, SocketError> {
        let mut ssl = context.connection().map_err(|stack| failure(&stack))?;
        match context.mode {
            Mode::Client => ssl.set_connect_state(),
            Mode::Server => {
                ssl.set_accept_state();
                hello::attach(&mut ssl, context.asks());
            }
        }
        let stream = SslStream::new(ssl, Wire::new(fd, early)).map_err(|stack| failure(&stack))?;
        Ok(Session {
            stream,
            context: SharedContext::clone(context),
            phase: Phase::New,
            unflushed: Vec::new(),
            met: None,
            has_ended: false,
        })
    }

    /// OpenSSL's own state.
    pub(super) fn ssl(&self) -> &SslRef {
        self.stream.ssl()
    }

    /// OpenSSL's own state, to change.
    pub(super) fn ssl_mut(&mut self) -> &mut SslRef {
        ffi::ssl_mut(&mut self.stream)
    }

    /// The context that the session was made from.
    #[must_use]
    pub fn context(&self) -> &SharedContext {
        &self.context
    }

    /// Whether this side answers the handshake.
    #[must_use]
    pub fn is_server(&self) -> bool {
        self.context.mode == Mode::Server
    }

    /// Whether data may be exchanged.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Whether an error has ended it.
    pub(crate) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// The certificates of a server by the name that the client asks for.
    pub fn set_names(&mut self, names: ServerNames) {
        hello::set_names(self.ssl_mut(), names);
    }

    /// What a suspended handshake wants to know.
    #[must_use]
    pub fn question(&self) -> Option<Question> {
        hello::question(self.ssl())
    }

    /// Answers it with the protocols to choose from, in wire format; empty for none.
    pub fn answer(&mut self, protocols: Vec<u8>) {
        hello::answer(self.ssl_mut(), protocols);
    }

    /// Goes on with the handshake.
    pub(crate) fn handshake(&mut self) -> Result<(), Blocked> {
        match self.phase {
            Phase::Open => return Ok(()),
            Phase::Over => return Err(Blocked::Failed(SocketError::Closed)),
            Phase::New => self.begin()?,
            Phase::Begun => {}
        }
        let result = call(&mut self.stream, SslStream::do_handshake);
        self.finish(result)?;
        self.phase = Phase::Open;
        // A client that takes no tickets is forgiven; a later end must not be told as that refused write.
        self.wire().failure = None;
        Ok(())
    }

    /// What was left until the server's name is known.
    fn begin(&mut self) -> Result<(), Blocked> {
        let context = SharedContext::clone(&self.context);
        let peer = self.wire().peer();
        context
            .begin(self.ssl_mut(), peer)
            .map_err(|error| Blocked::Failed(SocketError::Tls(error.to_string().into())))?;
        self.phase = Phase::Begun;
        Ok(())
    }

    /// Decrypts into `buffer`, which is not empty.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Blocked> {
        self.check_readable()?;
        let result = call(&mut self.stream, |stream| stream.ssl_read(buffer));
        self.finish(result)
    }

    /// Decrypts to the end of `storage`, as much as it has room for, which is some; tells how much.
    pub(crate) fn read_onto(&mut self, storage: &mut Vec<u8>) -> Result<usize, Blocked> {
        self.check_readable()?;
        let result = call(&mut self.stream, |stream| ffi::read_onto(stream, storage));
        self.finish(result)
    }

    /// Whether OpenSSL may be asked for data.
    fn check_readable(&mut self) -> Result<(), Blocked> {
        match self.met.take() {
            Some(met) => Err(met),
            None if self.phase == Phase::Open => Ok(()),
            None => Err(Blocked::Failed(SocketError::Closed)),
        }
    }

    /// Encrypts and sends some of `data`; tells how much was accepted. What is accepted may still have
    /// to be [flushed](Session::flush).
    pub(crate) fn write(&mut self, data: &[u8]) -> Result<usize, Blocked> {
        self.flush()?;
        let part = &data[..data.len().min(RECORD)];
        if part.is_empty() {
            return Ok(0);
        }
        if self.has_ended {
            // To OpenSSL that would be the end of the other direction, too.
            return Err(Blocked::Failed(SocketError::Closed));
        }
        let result = call(&mut self.stream, |stream| stream.ssl_write(part));
        match self.wrote(result) {
            // A record is only ever sent whole: its bytes are kept, whatever the caller does next.
            Err(Blocked::Wait(_)) => {
                self.unflushed.extend_from_slice(part);
                Ok(part.len())
            }
            result => result,
        }
    }

    /// [`Session::finish`] of a write. Where the system refuses it, nothing more goes out; but what the peer has said
    /// before, such as why it ended, can still be read.
    fn wrote(&mut self, result: Result<usize, Error>) -> Result<usize, Blocked> {
        let is_refused = result.is_err() && self.wire().failure.is_some();
        let finished = self.finish(result);
        if is_refused {
            self.phase = Phase::Open;
            self.has_ended = true;
            self.unflushed.clear();
        }
        finished
    }

    /// Sends what was accepted and is not on its way yet.
    pub(crate) fn flush(&mut self) -> Result<(), Blocked> {
        if self.phase != Phase::Open {
            return Err(Blocked::Failed(SocketError::Closed));
        }
        while !self.unflushed.is_empty() {
            let result = call(&mut self.stream, |stream| stream.ssl_write(&self.unflushed));
            let length = self.wrote(result)?;
            self.unflushed.drain(..length);
        }
        Ok(())
    }

    /// Whether something was accepted that is not on its way yet.
    pub(crate) fn is_unflushed(&self) -> bool {
        !self.unflushed.is_empty()
    }

    /// Says goodbye, as far as the system takes it without blocking.
    pub(crate) fn close_notify(&mut self) {
        if self.phase == Phase::Open && self.unflushed.is_empty() {
            self.has_ended = true;
            let result = call(&mut self.stream, SslStream::shutdown);
            let _ = self.finish(result);
        }
    }

    /// Prepares for the descriptor's close. What came and nobody asked for, such as a server's tickets,
    /// is dropped: a close over unread bytes makes the peer lose what was sent to it last.
    pub(crate) fn close(&mut self) {
        self.close_notify();
        self.wire().discard();
    }

    /// Whether a read would find something without asking the system.
    ///
    /// Decrypts what was received already, to know.
    pub(crate) fn has_readable(&mut self) -> bool {
        match self.phase {
            // A handshake that waits has used all that came; the descriptor tells of more.
            Phase::New | Phase::Begun => return self.wire().has_early(),
            Phase::Over => return true,
            Phase::Open => {}
        }
        if self.met.is_some() || self.ssl().pending() > 0 {
            return true;
        }
        if !ffi::has_pending(self.ssl()) {
            return false;
        }
        let may_read = std::mem::take(&mut self.wire().may_read);
        let result = call(&mut self.stream, |stream| stream.ssl_peek(&mut [0]));
        self.wire().may_read = may_read;
        match self.finish(result) {
            Ok(_) => true,
            Err(Blocked::Wait(_)) => false,
            Err(met) => {
                self.met = Some(met);
                true
            }
        }
    }

    fn wire(&mut self) -> &mut Wire {
        self.stream.get_mut()
    }

    /// Notes whether the descriptor may be readable.
    pub(crate) fn expect(&mut self, readable: bool) {
        self.wire().expect(readable);
    }

    /// Whether bytes have come or gone since [`Session::expect`], be they parts of a record that is not whole.
    pub(crate) fn has_moved(&mut self) -> bool {
        self.wire().moved
    }

    /// What reads and writes have met since the last look.
    pub(crate) fn take_notes(&mut self) -> (Reading, bool) {
        let wire = self.wire();
        (
            std::mem::take(&mut wire.read),
            std::mem::take(&mut wire.filled),
        )
    }

    /// What it waits for, in LuaSec's word.
    #[must_use]
    pub fn want(&self) -> &'static str {
        match ffi::want(self.ssl()) {
            ffi::WRITING => "write",
            ffi::READING => "read",
            ffi::X509_LOOKUP => "x509lookup",
            _ => "nothing",
        }
    }

    /// Turns OpenSSL's answer into ours; a failure is the end of the session.
    fn finish<T>(&mut self, result: Result<T, Error>) -> Result<T, Blocked> {
        let error = match result {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let why = match error.code() {
            ErrorCode::WANT_READ => return Err(Blocked::Wait(Interest::Read)),
            ErrorCode::WANT_WRITE => return Err(Blocked::Wait(Interest::Write)),
            ErrorCode::WANT_CLIENT_HELLO_CB => return Err(Blocked::Asked),
            ErrorCode::ZERO_RETURN => return Err(Blocked::Ended),
            _ => error.ssl_error().and_then(words::reason),
        };
        self.phase = Phase::Over;
        let lenient = ffi::options(self.ssl()) & openssl_sys::SSL_OP_IGNORE_UNEXPECTED_EOF != 0;
        let wire = self.stream.get_mut();
        Err(if let Some(errno) = wire.failure.take() {
            Blocked::Failed(match errno {
                Errno::PIPE => SocketError::Closed,
                errno => errno.into(),
            })
        } else if let Some(why) = why {
            Blocked::Failed(SocketError::Tls(why))
        } else if wire.ended && lenient {
            Blocked::Ended
        } else if wire.ended {
            Blocked::Failed(SocketError::Tls(words::UNEXPECTED_END.into()))
        } else {
            Blocked::Failed(SocketError::Closed)
        })
    }
}

/// Calls OpenSSL for a connection. An error that somebody else has left in its queue, such as another library, would pass
/// for what has become of the call when it only has to wait.
fn call<T>(
    stream: &mut SslStream<Wire>,
    step: impl FnOnce(&mut SslStream<Wire>) -> Result<T, Error>,
) -> Result<T, Error> {
    ffi::clear_errors();
    step(stream)
}

/// The error of a call that does not touch the connection.
pub(super) fn failure(stack: &ErrorStack) -> SocketError {
    words::reason(stack).map_or(SocketError::Closed, SocketError::Tls)
}
