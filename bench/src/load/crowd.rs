//! Many connections in one thread, some of which ask and wait for their answer, again and again.

use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::dialogue::Dialogue;
use super::wire::{Address, Wire};
use super::{PATIENCE, wrong};

/// How many connections are opened before all of them must have been answered: less than any backlog.
const WINDOW: usize = 64;

/// The connections.
pub(crate) struct Crowd {
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    buffer: Vec<u8>,
    latencies: Vec<Duration>,
}

struct Client {
    wire: Wire,
    dialogue: Dialogue,
    /// How much of the answer has come.
    received: usize,
    /// None for the first of an exchange.
    asked: Option<Instant>,
}

impl Crowd {
    /// Opens `count` connections, each of which asks once; `dialogue` tells what the one of that number
    /// says.
    pub(crate) fn open(
        server: &Address,
        count: usize,
        dialogue: impl Fn(usize) -> Dialogue,
    ) -> io::Result<Crowd> {
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
                crowd.add(server.connect()?, dialogue(place))?;
            }
            crowd.exchange(first..last, Duration::ZERO)?;
        }
        Ok(crowd)
    }

    fn add(&mut self, wire: Wire, dialogue: Dialogue) -> io::Result<()> {
        wire.set_nonblocking()?;
        self.poll.registry().register(
            &mut SourceFd(&wire.as_raw_fd()),
            Token(self.clients.len()),
            Interest::READABLE,
        )?;
        self.clients.push(Client {
            wire,
            dialogue,
            received: 0,
            asked: None,
        });
        Ok(())
    }

    /// The clients `who` ask, and whoever is answered asks again until `time` has passed; returns the
    /// number of answered requests when all have come.
    pub(crate) fn exchange(&mut self, who: Range<usize>, time: Duration) -> io::Result<u64> {
        let mut open = who.len();
        self.latencies.clear();
        for client in &mut self.clients[who] {
            client.ask()?;
            // No answer is heard before all have asked: how long it takes is up to us.
            client.asked = None;
        }
        let start = Instant::now();
        let mut answered = 0;
        while open > 0 {
            match self.poll.poll(&mut self.events, Some(PATIENCE)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            if self.events.is_empty() {
                return Err(wrong(format!("{open} requests got no answer")));
            }
            let over = start.elapsed() >= time;
            for event in &self.events {
                let client = &mut self.clients[event.token().0];
                if !client.hear(&mut self.buffer)? {
                    continue;
                }
                answered += client.dialogue.requests() as u64;
                self.latencies
                    .extend(client.asked.map(|asked| asked.elapsed()));
                if over {
                    open -= 1;
                } else {
                    client.ask()?;
                }
            }
        }
        Ok(answered)
    }

    /// The time that 99 of 100 requests of the last exchange took at most, but for the first of each client.
    pub(crate) fn slow_latency(&mut self) -> Option<Duration> {
        self.latencies.sort_unstable();
        let place = self.latencies.len().saturating_sub(1) * 99 / 100;
        self.latencies.get(place).copied()
    }
}

impl Client {
    fn ask(&mut self) -> io::Result<()> {
        self.received = 0;
        self.asked = Some(Instant::now());
        let request = self.dialogue.next();
        let sent = self.wire.write(request)?;
        if sent < request.len() {
            return Err(wrong("a request did not fit the socket's buffer"));
        }
        Ok(())
    }

    /// Takes what has come; whether the answer is complete.
    fn hear(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        let expected = self.dialogue.answer();
        loop {
            let count = match self.wire.read(buffer) {
                Ok(0) => return Err(wrong("the server closed a connection")),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let end = self.received + count;
            if expected.get(self.received..end) != Some(&buffer[..count]) {
                return Err(wrong("an answer is not what was asked for"));
            }
            self.received = end;
            if end == expected.len() {
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
    fn serve(answer: impl Fn(&mut Vec<u8>) + Send + 'static) -> Address {
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
        Address::plain(address)
    }

    fn one(server: Address, depth: usize) -> io::Result<Crowd> {
        Crowd::open(&server, 1, |place| Dialogue::lines(place, depth))
    }

    #[test]
    fn every_line_is_counted() {
        let mut crowd = one(serve(|_| ()), 3).unwrap();
        assert_eq!(crowd.exchange(0..1, Duration::ZERO).unwrap(), 3);
    }

    #[test]
    fn only_requests_that_follow_an_answer_are_timed() {
        let mut crowd = one(serve(|_| ()), 1).unwrap();
        crowd.exchange(0..1, Duration::ZERO).unwrap();
        assert_eq!(crowd.slow_latency(), None);
        let time = Duration::from_millis(20);
        assert!(crowd.exchange(0..1, time).unwrap() > 1);
        assert!(crowd.slow_latency() > Some(Duration::ZERO));
    }

    #[test]
    fn wrong_bytes_are_noticed() {
        let error = one(serve(|data| data[40] ^= 1), 1).err().unwrap();
        assert_eq!(error.to_string(), "an answer is not what was asked for");
    }

    #[test]
    fn bytes_too_many_are_noticed() {
        assert!(one(serve(|data| data.push(b'x')), 1).is_err());
    }
}
