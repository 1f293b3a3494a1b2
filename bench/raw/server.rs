//! The loop of a server.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, TcpListener};

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};

use crate::service::Service;
use crate::wire::{Accept, Wire};

/// The most that is read at once.
const BUFFER: usize = 64 * 1024;

/// The listener's place among the events.
const LISTENER: u64 = u64::MAX;

struct Connection<W> {
    wire: W,
    service: Service,
}

struct Server<'a, A: Accept, N> {
    accept: &'a A,
    new: N,
    listener: TcpListener,
    poll: OwnedFd,
    connections: Vec<Option<Connection<A::Wire>>>,
    vacant: Vec<usize>,
}

/// Serves each connection by a service of its own; does not return but for a mistake.
pub(crate) fn serve<A: Accept>(accept: &A, new: impl Fn() -> Service) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    let place = EventData::new_u64(LISTENER);
    epoll::add(&poll, &listener, place, EventFlags::IN)?;
    crate::programs::say(&format!("ready {}", listener.local_addr()?.port()))?;
    let server = Server {
        accept,
        new,
        listener,
        poll,
        connections: Vec::new(),
        vacant: Vec::new(),
    };
    server.run()
}

impl<A: Accept, N: Fn() -> Service> Server<'_, A, N> {
    fn run(mut self) -> io::Result<()> {
        let mut events: Vec<Event> = Vec::with_capacity(1024);
        let mut buffer = vec![0; BUFFER];
        loop {
            events.clear();
            epoll::wait(
                &self.poll,
                rustix::buffer::spare_capacity(&mut events),
                None,
            )?;
            for event in &events {
                if event.data.u64() == LISTENER {
                    self.accept()?;
                    continue;
                }
                let place = event.data.u64() as usize;
                let Some(connection) = &mut self.connections[place] else {
                    continue;
                };
                // No further event follows the end of the stream.
                let flags = event.flags;
                let ending = flags.intersects(EventFlags::RDHUP | EventFlags::HUP);
                if !connection.advance(&mut buffer, ending)? {
                    self.connections[place] = None;
                    self.vacant.push(place);
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let stream = match accept_with(&self.listener, flags) {
            Ok(accepted) => accepted,
            Err(Errno::WOULDBLOCK) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let wire = self.accept.accept(stream.into())?;
        let service = (self.new)();
        let place = self.vacant.pop().unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        let mut flags = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
        // The others' answers always fit the socket's buffer.
        flags.set(EventFlags::OUT, service.is_bulk());
        epoll::add(&self.poll, &wire, EventData::new_u64(place as u64), flags)?;
        self.connections[place] = Some(Connection { wire, service });
        Ok(())
    }
}

impl<W: Wire> Connection<W> {
    /// Reads and answers as long as there is something, or to the end if it is `ending`; whether the
    /// connection goes on.
    fn advance(&mut self, buffer: &mut [u8], ending: bool) -> io::Result<bool> {
        if !self.wire.begin()? {
            return Ok(true);
        }
        loop {
            if !self.service.send_blocks(&mut self.wire)? {
                return Ok(true);
            }
            let count = match self.wire.read(buffer) {
                Ok(0) => {
                    self.service.end(&mut self.wire)?;
                    return Ok(false);
                }
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(false),
                Err(error) => return Err(error),
            };
            if !self.service.take(&buffer[..count], &mut self.wire)? {
                self.wire.end();
                return Ok(false);
            }
            // Less than there was room for is all; the next byte makes a new event. So it is where an
            // answer is waited for before anything else is said.
            let short = count < buffer.len() && self.wire.is_drained_by_short_read();
            let all = short && !self.service.is_bulk() || self.service.has_answered();
            if all && !ending {
                return Ok(true);
            }
        }
    }
}
