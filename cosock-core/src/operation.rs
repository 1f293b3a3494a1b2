//! Operations that park a task until they are complete.
//!
//! A task is resumed once, with the final result: the scheduler does the reads and writes as the
//! descriptor allows. An operation owns its socket, so whatever Lua does meanwhile, memory is safe.

mod terms;

use std::net::SocketAddr;

use crate::buffer::{Chunk, Pattern};
use crate::error::SocketError;
use crate::reactor::{Interest, Reactor, SourceId};
use crate::resolver::{Answer, LookupId};
#[cfg(feature = "tls")]
use crate::socket::Handshake;
use crate::socket::{Attempt, Datagram, Progress, Step, Tcp, TcpSocket, Udp};

pub(crate) use terms::Awaited;
pub use terms::Terms;

/// What a parked task waits to have done.
#[derive(Debug)]
pub enum Operation {
    /// A stream read.
    Receive {
        /// The stream.
        socket: Tcp,
        /// What completes it.
        pattern: Pattern,
    },
    /// A stream read up to the end of a line, by far the most frequent: see
    /// [`Scheduler::try_line`](crate::scheduler::Scheduler::try_line).
    Line {
        /// The stream.
        socket: Tcp,
    },
    /// A stream write; the bytes stay with the caller.
    Send {
        /// The stream.
        socket: Tcp,
        /// Which of them.
        part: Box<Part>,
    },
    /// The next connection of a listener.
    Accept {
        /// The listener.
        socket: Tcp,
    },
    /// A connection, to the first address that answers.
    Connect {
        /// The socket.
        socket: Tcp,
        /// The addresses still to try.
        attempt: Box<Attempt>,
    },
    /// A TLS handshake.
    #[cfg(feature = "tls")]
    Handshake {
        /// The connection.
        socket: Tcp,
    },
    /// A datagram: see [`Scheduler::try_datagram`](crate::scheduler::Scheduler::try_datagram).
    Datagram {
        /// The socket.
        socket: Udp,
        /// The most bytes to keep of it.
        size: usize,
    },
    /// A datagram to send, for which the system had no room; its bytes stay with the caller.
    SendDatagram {
        /// The socket.
        socket: Udp,
        /// Whom it is for, unless the socket has a peer.
        to: Option<Box<SocketAddr>>,
    },
    /// A name look-up, and what it is for.
    Lookup(Box<Lookup>),
}

/// Which bytes of its data a send sends. An operation has it in a box: few sends wait, and it would make every operation
/// larger, for which each task has room.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Where it begins in the data.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// How many bytes of it the system has taken.
    pub sent: usize,
}

impl Part {
    fn of(self, data: &[u8]) -> &[u8] {
        data.get(self.start..self.end).unwrap_or_default()
    }

    fn outcome(self, error: Option<SocketError>) -> Outcome {
        Outcome::Sent(self.start + self.sent, error)
    }
}

/// A name look-up under way.
#[derive(Debug)]
pub struct Lookup {
    /// Its name in the resolver.
    pub id: LookupId,
    /// What its answer leads to.
    pub then: Then,
    /// The answer, once there.
    pub answer: Option<Answer>,
}

impl Lookup {
    /// A look-up without an answer.
    #[must_use]
    pub fn new(id: LookupId, then: Then) -> Lookup {
        Lookup {
            id,
            then,
            answer: None,
        }
    }

    /// The epoch of the socket that it is for.
    fn epoch(&self) -> u32 {
        match &self.then {
            Then::Report => 0,
            Then::Connect(socket) | Then::BindTcp(socket, _) => socket.borrow().epoch(),
            Then::BindUdp(socket) | Then::Peer(socket) => socket.borrow().epoch(),
        }
    }

    /// Seconds that it may take with what follows.
    fn total_timeout(&self) -> Option<f64> {
        match &self.then {
            Then::Connect(socket) => socket.borrow().total_timeout(),
            _ => None,
        }
    }
}

/// What an operation works on: the places that ask this are spared a look at every kind of operation.
enum Subject<'a> {
    Stream(&'a Tcp),
    Datagrams(&'a Udp),
    Name(&'a Lookup),
}

/// What a name was looked up for.
#[derive(Debug)]
pub enum Then {
    /// The answer itself.
    Report,
    /// `connect` of this socket.
    Connect(Tcp),
    /// `bind` of this socket, and whether the address may be in use.
    BindTcp(Tcp, bool),
    /// `setsockname` of this socket.
    BindUdp(Udp),
    /// `setpeername` of this socket.
    Peer(Udp),
}

/// The final result of an operation.
#[derive(Debug)]
pub enum Outcome {
    /// The bytes that satisfy the pattern.
    Received(Chunk),
    /// A failed receive with the bytes so far.
    Partial(SocketError, Chunk),
    /// How many bytes of the data the system has taken, counted from its start; and the error if that is not all. Of a
    /// datagram it takes all.
    Sent(usize, Option<SocketError>),
    /// A connection.
    Accepted(Box<TcpSocket>),
    /// A datagram.
    Datagram(Datagram<Chunk>),
    /// The answer of a look-up.
    Answer(Box<Answer>),
    /// A handshake wants an answer, and goes on in another operation.
    Asks,
    /// Success without a value.
    Done,
    /// Failure without a value.
    Failed(SocketError),
}

impl From<Result<(), SocketError>> for Outcome {
    fn from(result: Result<(), SocketError>) -> Self {
        match result {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Failed(error),
        }
    }
}

impl Operation {
    /// Tries to go on. `data` is what a send sends a part of; others ignore it.
    pub fn step(&mut self, data: &[u8], reactor: &mut Reactor) -> Step<Outcome> {
        match self {
            Operation::Receive { socket, pattern } => {
                receive(&mut socket.borrow_mut(), *pattern, reactor)
            }
            Operation::Line { socket } => receive(&mut socket.borrow_mut(), Pattern::Line, reactor),
            Operation::Send { socket, part } => socket
                .borrow_mut()
                .send(part.of(data), &mut part.sent, reactor)
                .map(|result| part.outcome(result.err())),
            Operation::Accept { socket } => {
                socket
                    .borrow_mut()
                    .accept(reactor)
                    .map(|result| match result {
                        Ok(accepted) => Outcome::Accepted(Box::new(accepted)),
                        Err(error) => Outcome::Failed(error),
                    })
            }
            Operation::Connect { socket, attempt } => socket
                .borrow_mut()
                .connect(attempt, reactor)
                .map(Outcome::from),
            #[cfg(feature = "tls")]
            Operation::Handshake { socket } => {
                socket
                    .borrow_mut()
                    .handshake(reactor)
                    .map(|result| match result {
                        Ok(Handshake::Complete) => Outcome::Done,
                        Ok(Handshake::Asks) => Outcome::Asks,
                        Err(error) => Outcome::Failed(error),
                    })
            }
            Operation::Datagram { socket, size } => socket
                .borrow_mut()
                .receive(*size, reactor)
                .map(|result| match result {
                    Ok(datagram) => Outcome::Datagram(datagram),
                    Err(error) => Outcome::Failed(error),
                }),
            Operation::SendDatagram { socket, to } => {
                match socket
                    .borrow_mut()
                    .send(data, to.as_deref().copied(), reactor)
                {
                    Ok(length) => Step::Done(Outcome::Sent(length, None)),
                    Err(SocketError::Timeout) => Step::until_writable(Progress::None),
                    Err(error) => Step::Done(Outcome::Failed(error)),
                }
            }
            Operation::Lookup(lookup) => match lookup.answer.take() {
                Some(answer) => self.answered(answer, reactor),
                None => Step::until_readable(Progress::None),
            },
        }
    }

    fn answered(&mut self, answer: Answer, reactor: &mut Reactor) -> Step<Outcome> {
        let Operation::Lookup(lookup) = self else {
            unreachable!("only look-ups are answered")
        };
        let addresses = match (&lookup.then, answer) {
            (Then::Report, answer) => return Step::Done(Outcome::Answer(Box::new(answer))),
            (_, Answer::Addresses(Ok(addresses))) => addresses,
            (_, Answer::Addresses(Err(error))) => return Step::Done(Outcome::Failed(error.into())),
            (_, answer) => return Step::Done(Outcome::Answer(Box::new(answer))),
        };
        Step::Done(Outcome::from(match &lookup.then {
            Then::BindTcp(socket, reuse) => socket.borrow_mut().bind(&addresses, *reuse, reactor),
            Then::BindUdp(socket) => socket.borrow_mut().bind(&addresses, reactor),
            Then::Peer(socket) => socket.borrow_mut().set_peer(&addresses, reactor),
            Then::Connect(socket) => {
                let socket = Tcp::clone(socket);
                let attempt = Box::new(Attempt::new(addresses));
                *self = Operation::Connect { socket, attempt };
                return self.step(&[], reactor);
            }
            Then::Report => unreachable!("reported above"),
        }))
    }

    /// The stream that it reads from, and up to where.
    fn reading(&self) -> Option<(&Tcp, Pattern)> {
        match self {
            Operation::Receive { socket, pattern } => Some((socket, *pattern)),
            Operation::Line { socket } => Some((socket, Pattern::Line)),
            _ => None,
        }
    }

    /// The result when the deadline has passed.
    pub(crate) fn time_out(&self) -> Outcome {
        let error = match (self, self.reading()) {
            (Operation::Send { socket, .. }, _) => socket.borrow().timeout_error(Interest::Write),
            (_, Some((socket, _))) => socket.borrow().timeout_error(Interest::Read),
            _ => SocketError::Timeout,
        };
        self.fail(error)
    }

    /// The result when the descriptor cannot be waited on.
    pub fn fail(&self, error: SocketError) -> Outcome {
        match (self, self.reading()) {
            (Operation::Send { part, .. }, _) => part.outcome(Some(error)),
            (_, Some((socket, pattern))) => {
                let rest = socket.borrow_mut().partial(pattern);
                Outcome::Partial(error, rest)
            }
            _ => Outcome::Failed(error),
        }
    }

    /// What it works on.
    #[inline(always)]
    fn subject(&self) -> Subject<'_> {
        match self {
            Operation::Line { socket }
            | Operation::Receive { socket, .. }
            | Operation::Send { socket, .. }
            | Operation::Accept { socket }
            | Operation::Connect { socket, .. } => Subject::Stream(socket),
            #[cfg(feature = "tls")]
            Operation::Handshake { socket } => Subject::Stream(socket),
            Operation::Datagram { socket, .. } | Operation::SendDatagram { socket, .. } => {
                Subject::Datagrams(socket)
            }
            Operation::Lookup(lookup) => Subject::Name(lookup),
        }
    }

    /// What a wait for it begins with.
    #[inline(always)]
    pub(crate) fn terms(&self, reactor: &mut Reactor) -> Terms {
        match self.subject() {
            Subject::Stream(socket) => Terms::of_stream(socket, reactor),
            Subject::Datagrams(socket) => Terms::of_datagrams(socket, reactor),
            Subject::Name(lookup) => Terms::of_lookup(lookup),
        }
    }

    /// The source to wait on; `None` for operations that wait on none.
    ///
    /// # Errors
    ///
    /// What registering the descriptor reports.
    pub fn source(&self, reactor: &mut Reactor) -> Result<Option<SourceId>, SocketError> {
        match self.subject() {
            Subject::Stream(socket) => socket.borrow_mut().source(reactor).map(Some),
            Subject::Datagrams(socket) => socket.borrow_mut().source(reactor).map(Some),
            Subject::Name(_) => Ok(None),
        }
    }

    /// The source that its socket has been registered with, if it still is.
    #[must_use]
    pub fn registered(&self) -> Option<SourceId> {
        match self.subject() {
            Subject::Stream(socket) => socket.borrow().registered(),
            Subject::Datagrams(socket) => socket.borrow().registered(),
            Subject::Name(_) => None,
        }
    }

    /// The [epoch](crate::socket::Endpoint::epoch) of the socket that this works on.
    #[inline]
    #[must_use]
    pub fn epoch(&self) -> u32 {
        match self.subject() {
            Subject::Stream(socket) => socket.borrow().epoch(),
            Subject::Datagrams(socket) => socket.borrow().epoch(),
            Subject::Name(lookup) => lookup.epoch(),
        }
    }

    /// Has the next try ask the system, whatever was noted of the descriptor's readiness.
    pub fn doubt(&self, reactor: &mut Reactor) {
        match self.subject() {
            Subject::Stream(socket) => socket.borrow().doubt(reactor),
            Subject::Datagrams(socket) => socket.borrow().doubt(reactor),
            Subject::Name(_) => {}
        }
    }

    /// The result when the socket was closed or given another descriptor since the operation began.
    ///
    /// A reader still gets the bytes that came before, unless they belong to a new connection.
    pub fn closed(&self) -> Outcome {
        match self.reading() {
            Some((socket, _)) if socket.borrow().raw_fd() >= 0 => {
                Outcome::Partial(SocketError::Closed, Chunk::default())
            }
            _ => self.fail(SocketError::Closed),
        }
    }
}

fn receive(socket: &mut TcpSocket, pattern: Pattern, reactor: &mut Reactor) -> Step<Outcome> {
    let step = socket.receive(pattern, reactor);
    received(step, socket, pattern)
}

/// What a receive has come to, with the bytes so far where it has failed.
pub(crate) fn received(
    step: Step<Result<Chunk, SocketError>>,
    socket: &mut TcpSocket,
    pattern: Pattern,
) -> Step<Outcome> {
    step.map(|result| match result {
        Ok(chunk) => Outcome::Received(chunk),
        Err(error) => Outcome::Partial(error, socket.partial(pattern)),
    })
}
