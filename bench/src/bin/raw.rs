//! The servers of the workloads without Lua, over nothing but epoll: what the system calls cost alone.
//!
//! `raw echo`, `accept`, `lines`, `records SIZE`, `all`, `bulk` and `udp` do what the programs of these
//! names do, and print `ready PORT` as they do. A mistake of a client ends the program.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;

/// The most that is read at once.
const BUFFER: usize = 64 * 1024;

/// What `bulk` sends at once.
const BLOCK: usize = 1 << 20;

/// The listener's place among the events.
const LISTENER: u64 = u64::MAX;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        // The harness names a port for those who need one.
        ["udp", ..] => return_datagrams(),
        ["echo", ..] => serve(|| Service::Echo),
        ["accept"] => serve(|| Service::Once),
        ["lines"] => serve(|| Service::Lines {
            lines: 0,
            bytes: 0,
            partial: 0,
        }),
        ["records", size] => {
            let size = size.parse().map_err(io::Error::other)?;
            serve(|| Service::Records {
                size,
                records: 0,
                dots: 0,
                partial: 0,
            })
        }
        ["all"] => serve(|| Service::All(Vec::new())),
        ["bulk"] => {
            let block = b"0123456789abcdef".repeat(BLOCK / 16);
            serve(|| Service::Bulk {
                block: block.clone(),
                left: 0,
                request: Vec::new(),
            })
        }
        _ => Err(io::Error::other(
            "usage: raw echo|accept|lines|records SIZE|all|bulk|udp",
        )),
    }
}

fn ready(port: u16) -> io::Result<()> {
    let mut output = io::stdout();
    writeln!(output, "ready {port}")?;
    output.flush()
}

fn return_datagrams() -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_nonblocking(true)?;
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&poll, &socket, EventData::new_u64(LISTENER), EventFlags::IN)?;
    ready(socket.local_addr()?.port())?;
    let mut events = Vec::with_capacity(1);
    let mut buffer = [0; 8192];
    loop {
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), None)?;
        events.clear();
        loop {
            match socket.recv_from(&mut buffer) {
                Ok((length, sender)) => socket.send_to(&buffer[..length], sender)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
        }
    }
}

struct Connection {
    stream: TcpStream,
    service: Service,
}

/// What a server does with what it reads.
enum Service {
    Echo,
    Once,
    Lines {
        lines: usize,
        bytes: usize,
        /// How much of a line has come.
        partial: usize,
    },
    Records {
        size: usize,
        records: usize,
        /// How many bytes of the record that has begun have come, and how many of them are dots.
        partial: usize,
        dots: usize,
    },
    All(Vec<u8>),
    Bulk {
        block: Vec<u8>,
        left: usize,
        request: Vec<u8>,
    },
}

fn serve(new: impl Fn() -> Service) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(
        &poll,
        &listener,
        EventData::new_u64(LISTENER),
        EventFlags::IN,
    )?;
    ready(listener.local_addr()?.port())?;
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut vacant: Vec<usize> = Vec::new();
    let mut events: Vec<Event> = Vec::with_capacity(1024);
    let mut buffer = vec![0; BUFFER];
    loop {
        events.clear();
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), None)?;
        for event in &events {
            if event.data.u64() == LISTENER {
                accept(&listener, &poll, &mut connections, &mut vacant, &new)?;
                continue;
            }
            let place = event.data.u64() as usize;
            let Some(connection) = &mut connections[place] else {
                continue;
            };
            // No further event follows the end of the stream.
            let flags = event.flags;
            let ending = flags.intersects(EventFlags::RDHUP | EventFlags::HUP);
            if !connection.advance(&mut buffer, ending)? {
                connections[place] = None;
                vacant.push(place);
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    poll: &OwnedFd,
    connections: &mut Vec<Option<Connection>>,
    vacant: &mut Vec<usize>,
    new: &impl Fn() -> Service,
) -> io::Result<()> {
    let (stream, _) = match listener.accept() {
        Ok(accepted) => accepted,
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
        Err(error) => return Err(error),
    };
    stream.set_nonblocking(true)?;
    let service = new();
    if !matches!(service, Service::Once) {
        stream.set_nodelay(true)?;
    }
    let place = vacant.pop().unwrap_or_else(|| {
        connections.push(None);
        connections.len() - 1
    });
    let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
    epoll::add(poll, &stream, EventData::new_u64(place as u64), flags)?;
    connections[place] = Some(Connection { stream, service });
    Ok(())
}

impl Connection {
    /// Reads and answers as long as there is something, or to the end if it is `ending`; whether the
    /// connection goes on.
    fn advance(&mut self, buffer: &mut [u8], ending: bool) -> io::Result<bool> {
        loop {
            if !self.service.send_blocks(&mut self.stream)? {
                return Ok(true);
            }
            let count = match self.stream.read(buffer) {
                Ok(0) => {
                    self.service.end(&mut self.stream)?;
                    return Ok(false);
                }
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(false),
                Err(error) => return Err(error),
            };
            if !self.service.take(&buffer[..count], &mut self.stream)? {
                return Ok(false);
            }
            // Less than there was room for is all; the next byte makes a new event.
            if count < buffer.len() && !ending && !matches!(self.service, Service::Bulk { .. }) {
                return Ok(true);
            }
        }
    }
}

impl Service {
    /// Answers what has come; whether the connection goes on.
    fn take(&mut self, input: &[u8], stream: &mut TcpStream) -> io::Result<bool> {
        match self {
            Service::Echo => stream.write_all(input)?,
            Service::Once => {
                stream.write_all(input)?;
                return Ok(input.last() != Some(&b'\n'));
            }
            Service::Lines {
                lines,
                bytes,
                partial,
            } => {
                let mut start = 0;
                for end in memchr::memchr_iter(b'\n', input) {
                    let length = *partial + end - start;
                    (*partial, start) = (0, end + 1);
                    if length > 0 {
                        *lines += 1;
                        *bytes += length;
                    } else {
                        writeln!(stream, "{lines} {bytes}")?;
                        (*lines, *bytes) = (0, 0);
                    }
                }
                *partial += input.len() - start;
            }
            Service::Records {
                size,
                records,
                dots,
                partial,
            } => {
                let mut rest = input;
                while !rest.is_empty() {
                    let (part, after) = rest.split_at(rest.len().min(*size - *partial));
                    rest = after;
                    *partial += part.len();
                    // All dots or none: the first byte tells.
                    if part[0] == b'.' {
                        *dots += part.len();
                    }
                    if partial < size {
                        break;
                    }
                    if dots == size {
                        writeln!(stream, "{records}")?;
                        *records = 0;
                    } else {
                        *records += 1;
                    }
                    (*partial, *dots) = (0, 0);
                }
            }
            Service::All(everything) => everything.extend_from_slice(input),
            Service::Bulk {
                block,
                left,
                request,
            } => {
                request.extend_from_slice(input);
                if request.last() == Some(&b'\n') {
                    let text = String::from_utf8_lossy(request);
                    let blocks: usize = text.trim().parse().map_err(io::Error::other)?;
                    *left = blocks * block.len();
                    request.clear();
                }
            }
        }
        Ok(true)
    }

    /// Sends as much of what was asked for as the socket takes; whether that is all.
    fn send_blocks(&mut self, stream: &mut TcpStream) -> io::Result<bool> {
        let Service::Bulk { block, left, .. } = self else {
            return Ok(true);
        };
        while *left > 0 {
            let start = (block.len() - *left % block.len()) % block.len();
            match stream.write(&block[start..]) {
                Ok(count) => *left -= count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// The other side has sent everything.
    fn end(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        match self {
            Service::All(everything) => writeln!(stream, "{}", everything.len()),
            _ => Ok(()),
        }
    }
}
