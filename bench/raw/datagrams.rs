//! Servers of datagrams.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, UdpSocket};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use crate::programs::{number, say};

/// Returns each datagram to its sender.
pub(crate) fn give_back() -> io::Result<()> {
    let socket = open()?;
    let mut buffer = [0; 8192];
    serve(&socket, || {
        let (length, sender) = socket.recv_from(&mut buffer)?;
        socket.send_to(&buffer[..length], sender)
    })
}

/// Returns each datagram to the client at `port`, the only one that is heard.
pub(crate) fn give_back_to(port: &str) -> io::Result<()> {
    let port = u16::try_from(number(port)?).map_err(io::Error::other)?;
    let socket = open()?;
    socket.connect((Ipv4Addr::LOCALHOST, port))?;
    let mut buffer = [0; 8192];
    serve(&socket, || {
        let length = socket.recv(&mut buffer)?;
        socket.send(&buffer[..length])
    })
}

fn open() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Returns one datagram after the other, and waits where there is none.
fn serve(
    socket: &UdpSocket,
    mut give_back_one: impl FnMut() -> io::Result<usize>,
) -> io::Result<()> {
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&poll, socket, EventData::new_u64(0), EventFlags::IN)?;
    say(&format!("ready {}", socket.local_addr()?.port()))?;
    let mut events = Vec::with_capacity(1);
    loop {
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), None)?;
        events.clear();
        loop {
            match give_back_one() {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
    }
}
