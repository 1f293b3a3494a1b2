//! Opens client connections, from further loopback addresses when the ports of one run short.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use mio::net::TcpStream;
use rustix::io::Errno;
use socket2::{Domain, Socket, Type};

/// Source addresses that are tried: 127.0.0.1 and its neighbours.
const SOURCES: u8 = 16;

#[derive(Debug, Default)]
pub(crate) struct Dialer {
    /// Last byte of the source address, less one; 0 leaves the choice to the system.
    source: u8,
}

impl Dialer {
    /// Starts a connection to `target`; `narrow` gives it small buffers, which fill soon.
    ///
    /// # Errors
    ///
    /// What `socket`, `bind` or `connect` report, but for the ports of one source running short.
    pub(crate) fn dial(&mut self, target: SocketAddr, narrow: bool) -> io::Result<TcpStream> {
        for _ in 0..SOURCES {
            match dial_from(self.source, target, narrow) {
                Err(error) if ports_ran_short(&error) => self.source = (self.source + 1) % SOURCES,
                result => return result,
            }
        }
        Err(io::Error::other("no free port at any source address"))
    }
}

fn dial_from(source: u8, target: SocketAddr, narrow: bool) -> io::Result<TcpStream> {
    const NARROW: usize = 32 * 1024;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    if narrow {
        // Before connecting, since the window's scale is settled then.
        socket.set_recv_buffer_size(NARROW)?;
        socket.set_send_buffer_size(NARROW)?;
    }
    if source > 0 {
        let address = Ipv4Addr::new(127, 0, 0, source + 1);
        socket.bind(&SocketAddr::from((address, 0)).into())?;
    }
    match socket.connect(&target.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) => return Err(error),
    }
    Ok(TcpStream::from_std(socket.into()))
}

fn ports_ran_short(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse
    )
}
