//! One connection of the load, plain or under TLS.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, RawFd};

use openssl::ssl::{
    ShutdownState, Ssl, SslContext, SslMethod, SslSession, SslStream, SslVerifyMode, SslVersion,
};

use super::{PATIENCE, wrong};

/// Where the program under test serves, and how it is spoken to.
#[derive(Clone)]
pub(crate) struct Address {
    server: SocketAddr,
    tls: Option<SslContext>,
}

impl Address {
    pub(crate) fn plain(server: SocketAddr) -> Address {
        Address { server, tls: None }
    }

    /// Under TLS 1.3, which all peers know. Who the server is does not matter here.
    pub(crate) fn tls(server: SocketAddr) -> io::Result<Address> {
        let mut context = SslContext::builder(SslMethod::tls_client())?;
        context.set_verify(SslVerifyMode::NONE);
        context.set_min_proto_version(Some(SslVersion::TLS1_3))?;
        Ok(Address {
            server,
            tls: Some(context.build()),
        })
    }

    /// Connects, and shakes hands where that is to be done.
    pub(crate) fn connect(&self) -> io::Result<Wire> {
        self.resume(None)
    }

    /// Connects with the session of an earlier connection to this address, if there is one.
    pub(crate) fn resume(&self, session: Option<&SslSession>) -> io::Result<Wire> {
        let stream = TcpStream::connect_timeout(&self.server, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let Some(context) = &self.tls else {
            return Ok(Wire::Plain(stream));
        };
        let mut ssl = Ssl::new(context)?;
        if let Some(session) = session {
            // SAFETY: the session must be of the same context; whoever calls has it from a wire of this
            // address, which has one context for its life.
            unsafe { ssl.set_session(session) }?;
        }
        let stream = ssl.connect(stream).map_err(io::Error::other)?;
        Ok(Wire::Tls(stream))
    }
}

/// A connection.
pub(crate) enum Wire {
    Plain(TcpStream),
    Tls(SslStream<TcpStream>),
}

impl Wire {
    fn stream(&self) -> &TcpStream {
        match self {
            Wire::Plain(stream) => stream,
            Wire::Tls(stream) => stream.get_ref(),
        }
    }

    pub(crate) fn set_nonblocking(&self) -> io::Result<()> {
        self.stream().set_nonblocking(true)
    }

    /// Ends the sending side of a plain connection.
    pub(crate) fn finish(&self) -> io::Result<()> {
        self.stream().shutdown(Shutdown::Write)
    }

    /// Ends it; what a later connection may resume, which came with the first data.
    pub(crate) fn close(self) -> Option<SslSession> {
        let Wire::Tls(mut stream) = self else {
            return None;
        };
        // OpenSSL resumes no session of a connection that did not end as it should. Nobody listens any more.
        stream.set_shutdown(ShutdownState::SENT | ShutdownState::RECEIVED);
        stream.ssl().session().map(ToOwned::to_owned)
    }

    pub(crate) fn is_resumed(&self) -> bool {
        matches!(self, Wire::Tls(stream) if stream.ssl().session_reused())
    }

    /// Waits for the other side's end. How it says goodbye under TLS, if at all, is not looked at.
    pub(crate) fn expect_end(&mut self) -> io::Result<()> {
        match (self.read(&mut [0]), &self) {
            (Ok(0), _) | (Err(_), Wire::Tls(_)) => Ok(()),
            (Ok(_), _) => Err(wrong("more came than was to come")),
            (Err(error), _) => Err(error),
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.read(buffer),
            Wire::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.write(data),
            Wire::Tls(stream) => stream.write(data),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsRawFd for Wire {
    fn as_raw_fd(&self) -> RawFd {
        self.stream().as_raw_fd()
    }
}
