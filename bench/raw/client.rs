//! Clients that connect, ask once and close, ten at a time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

use mio::net::TcpStream;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::time::{ClockId, clock_gettime};

use crate::programs::number;

const CLIENTS: usize = 10;

/// Asks with a line, which must come back.
pub(crate) fn lines(seconds: &str, port: &str) -> io::Result<()> {
    run(seconds, port, |client, _| {
        let line = format!("client {client}\n").into_bytes();
        (line.clone(), line)
    })
}

/// Asks for a page, whose content is its path; the answer is told by what the server's is.
pub(crate) fn pages(seconds: &str, port: &str) -> io::Result<()> {
    let host = format!("127.0.0.1:{port}");
    run(seconds, port, |client, turn| {
        let path = format!("/{client}/{turn}");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: raw\r\nConnection: close\r\n\r\n"
        );
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{path}",
            path.len()
        );
        (request.into_bytes(), answer.into_bytes())
    })
}

struct Client {
    stream: TcpStream,
    request: Vec<u8>,
    is_sent: bool,
    expected: Vec<u8>,
    answer: Vec<u8>,
}

/// Has clients at work for `seconds` of processor time; each visit sends what `ask` makes of the client's
/// number and its turn, and expects the other.
fn run(
    seconds: &str,
    port: &str,
    ask: impl Fn(usize, u64) -> (Vec<u8>, Vec<u8>),
) -> io::Result<()> {
    let budget: f64 = seconds.parse().map_err(io::Error::other)?;
    let port = u16::try_from(number(port)?).map_err(io::Error::other)?;
    let server = (Ipv4Addr::LOCALHOST, port).into();
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    let mut events: Vec<Event> = Vec::with_capacity(64);
    let mut buffer = [0; 4096];
    let mut done = 0;
    let start = processor_time();
    let open = |place, turn| Client::open(&poll, server, place, ask(place + 1, turn));
    let mut clients = Vec::new();
    for place in 0..CLIENTS {
        clients.push(Some(open(place, done)?));
    }
    while clients.iter().any(Option::is_some) {
        events.clear();
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), None)?;
        for event in &events {
            let place = event.data.u64() as usize;
            let Some(client) = &mut clients[place] else {
                continue;
            };
            if !client.advance(event.flags, &mut buffer)? {
                continue;
            }
            done += 1;
            // Closes, and connects anew.
            clients[place] = None;
            if processor_time() - start < budget {
                clients[place] = Some(open(place, done)?);
            }
        }
    }
    crate::programs::say(&format!("done {done} {}", processor_time() - start))
}

impl Client {
    fn open(
        poll: &OwnedFd,
        server: SocketAddr,
        place: usize,
        (request, expected): (Vec<u8>, Vec<u8>),
    ) -> io::Result<Client> {
        let stream = TcpStream::connect(server)?;
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(poll, &stream, EventData::new_u64(place as u64), flags)?;
        let mut client = Client {
            stream,
            request,
            is_sent: false,
            expected,
            answer: Vec::new(),
        };
        // On this machine it may be connected already.
        client.send()?;
        Ok(client)
    }

    fn send(&mut self) -> io::Result<()> {
        match self.stream.write(&self.request) {
            Ok(count) if count == self.request.len() => self.is_sent = true,
            Ok(_) => {
                return Err(io::Error::other(
                    "a request did not fit the socket's buffer",
                ));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Whether the answer is complete.
    fn advance(&mut self, flags: EventFlags, buffer: &mut [u8]) -> io::Result<bool> {
        if !self.is_sent {
            self.send()?;
        }
        if !flags.contains(EventFlags::IN) {
            return Ok(false);
        }
        match self.stream.read(buffer) {
            Ok(0) => return Err(io::Error::other("the server closed the connection")),
            Ok(count) => self.answer.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
        if !self.expected.starts_with(&self.answer) {
            return Err(io::Error::other("an answer is not what was asked for"));
        }
        Ok(self.answer.len() == self.expected.len())
    }
}

/// Seconds that this process has used.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
