//! Many connections in one thread, some of which ask and wait for their answer, again and again.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream as Blocking};
use std::ops::Range;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::{PATIENCE, wrong};

/// Bytes of a request with its newline.
const LINE: usize = 64;

/// How many connections are opened before all of them must have been answered: less than any backlog.
const WINDOW: usize = 16;

/// The connections.
pub(crate) struct Crowd {
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    buffer: Vec<u8>,
    latencies: Vec<Duration>,
}

struct Client {
    stream: TcpStream,
    /// What was asked last, and how much of it has come back.
    request: Vec<u8>,
    received: usize,
    sequence: usize,
    asked: Instant,
}

impl Crowd {
    /// Opens `count` connections, each of which asks once.
    pub(crate) fn open(server: SocketAddr, count: usize, depth: usize) -> io::Result<Crowd> {
        let mut crowd = Crowd {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            clients: Vec::new(),
            buffer: vec![0; 64 * 1024],
            latencies: Vec::new(),
        };
        while crowd.clients.len() < count {
            let first = crowd.clients.len();
            let last = count.min(first + WINDOW);
            for place in first..last {
                crowd.connect(server, place, depth)?;
            }
            crowd.exchange(first..last, Duration::ZERO)?;
        }
        crowd.latencies.clear();
        Ok(crowd)
    }

    fn connect(&mut self, server: SocketAddr, place: usize, depth: usize) -> io::Result<()> {
        let stream = Blocking::connect_timeout(&server, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        self.poll
            .registry()
            .register(&mut stream, Token(place), Interest::READABLE)?;
        let mut request = Vec::new();
        for line in 0..depth {
            let text = format!("{place:08x} {line:04x} 00000000 ");
            request.extend(text.bytes());
            request.resize((line + 1) * LINE - 1, b'x');
            request.push(b'\n');
        }
        self.clients.push(Client {
            stream,
            request,
            received: 0,
            sequence: 0,
            asked: Instant::now(),
        });
        Ok(())
    }

    /// The clients `who` ask, and whoever is answered asks again until `time` has passed; returns the
    /// number of answered lines when all have come.
    pub(crate) fn exchange(&mut self, who: Range<usize>, time: Duration) -> io::Result<u64> {
        let mut open = who.len();
        for client in &mut self.clients[who] {
            client.ask()?;
        }
        let start = Instant::now();
        let mut lines = 0;
        while open > 0 {
            self.poll.poll(&mut self.events, Some(PATIENCE))?;
            if self.events.is_empty() {
                return Err(wrong(format!("{open} requests got no answer")));
            }
            let over = start.elapsed() >= time;
            for event in &self.events {
                let client = &mut self.clients[event.token().0];
                if !client.hear(&mut self.buffer)? {
                    continue;
                }
                lines += (client.request.len() / LINE) as u64;
                self.latencies.push(client.asked.elapsed());
                if over {
                    open -= 1;
                } else {
                    client.ask()?;
                }
            }
        }
        Ok(lines)
    }

    /// The time that 99 of 100 requests took at most, of those since the last call.
    pub(crate) fn slow_latency(&mut self) -> Duration {
        let mut latencies = std::mem::take(&mut self.latencies);
        latencies.sort_unstable();
        let place = latencies.len().saturating_sub(1) * 99 / 100;
        latencies.get(place).copied().unwrap_or_default()
    }
}

impl Client {
    fn ask(&mut self) -> io::Result<()> {
        self.sequence += 1;
        // Each request differs from the one before in every line.
        let digits = format!("{:08x}", self.sequence);
        for line in self.request.chunks_exact_mut(LINE) {
            line[14..22].copy_from_slice(digits.as_bytes());
        }
        self.received = 0;
        self.asked = Instant::now();
        let sent = self.stream.write(&self.request)?;
        if sent < self.request.len() {
            return Err(wrong("a request did not fit the socket's buffer"));
        }
        Ok(())
    }

    /// Takes what has come; whether the answer is complete.
    fn hear(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        loop {
            let count = match self.stream.read(buffer) {
                Ok(0) => return Err(wrong("the server closed a connection")),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let end = self.received + count;
            if self.request.get(self.received..end) != Some(&buffer[..count]) {
                return Err(wrong("an answer is not what was asked"));
            }
            self.received = end;
            if end == self.request.len() {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Answers one connection, each read by what `answer` makes of it.
    fn serve(answer: impl Fn(&mut Vec<u8>) + Send + 'static) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = vec![0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                let mut data = buffer[..count].to_vec();
                answer(&mut data);
                if stream.write_all(&data).is_err() {
                    break;
                }
            }
        });
        address
    }

    #[test]
    fn every_line_is_counted() {
        let mut crowd = Crowd::open(serve(|_| ()), 1, 3).unwrap();
        assert_eq!(crowd.exchange(0..1, Duration::ZERO).unwrap(), 3);
    }

    #[test]
    fn wrong_bytes_are_noticed() {
        let server = serve(|data| data[40] ^= 1);
        let error = Crowd::open(server, 1, 1).err().unwrap();
        assert_eq!(error.to_string(), "an answer is not what was asked");
    }

    #[test]
    fn bytes_too_many_are_noticed() {
        let server = serve(|data| data.push(b'x'));
        assert!(Crowd::open(server, 1, 1).is_err());
    }
}
