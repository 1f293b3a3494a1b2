//! Datagrams that come back.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::{PATIENCE, letters, wrong};

/// Bytes of a datagram.
const SIZE: usize = 64;

/// One socket that asks.
pub(crate) struct Asker {
    socket: UdpSocket,
    outstanding: HashSet<u64>,
    next: u64,
}

impl Asker {
    pub(crate) fn new() -> io::Result<Asker> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Asker {
            socket,
            outstanding: HashSet::new(),
            next: 0,
        })
    }

    pub(crate) fn port(&self) -> io::Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }

    pub(crate) fn connect(&self, server: SocketAddr) -> io::Result<()> {
        self.socket.connect(server)
    }

    /// Keeps `count` datagrams on their way for `time`; how many came back.
    pub(crate) fn exchange(&mut self, count: usize, time: Duration) -> io::Result<u64> {
        let start = Instant::now();
        for _ in 0..count {
            self.ask()?;
        }
        let mut back = 0;
        let mut buffer = [0; 2 * SIZE];
        while !self.outstanding.is_empty() {
            let length = self
                .socket
                .recv(&mut buffer)
                .map_err(|_| wrong(format!("{} datagrams are lost", self.outstanding.len())))?;
            let number = buffer.first_chunk().unwrap_or(&[0; 8]);
            let number = u64::from_be_bytes(*number);
            let known = self.outstanding.remove(&number);
            if !known || buffer[..length] != datagram(number) {
                return Err(wrong("a datagram came back that was not sent"));
            }
            back += 1;
            if start.elapsed() < time {
                self.ask()?;
            }
        }
        Ok(back)
    }

    fn ask(&mut self) -> io::Result<()> {
        self.outstanding.insert(self.next);
        self.socket.send(&datagram(self.next))?;
        self.next += 1;
        Ok(())
    }
}

/// The datagram of this number.
fn datagram(number: u64) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    letters::fill(&mut bytes[8..], number);
    bytes
}
