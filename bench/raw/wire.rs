//! Accepted connections, plain or under TLS.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};

use openssl::ssl::{
    ErrorCode, Ssl, SslContext, SslFiletype, SslMethod, SslMode, SslSessionCacheMode, SslStream,
};

/// Makes a connection of what was accepted and does not block.
pub(crate) trait Accept {
    type Wire: Wire;

    fn accept(&self, stream: TcpStream) -> io::Result<Self::Wire>;
}

/// A connection that does not block.
pub(crate) trait Wire: Read + Write + AsFd {
    /// Goes on with what comes before the first byte; whether that is done.
    fn begin(&mut self) -> io::Result<bool>;

    /// Whether a read that did not fill its buffer has taken all that had come.
    fn is_drained_by_short_read(&self) -> bool;

    /// Says that nothing follows.
    fn end(&mut self);
}

/// Connections as they are.
pub(crate) struct Plain {
    pub(crate) nodelay: bool,
}

impl Accept for Plain {
    type Wire = PlainWire;

    fn accept(&self, stream: TcpStream) -> io::Result<PlainWire> {
        if self.nodelay {
            stream.set_nodelay(true)?;
        }
        Ok(PlainWire(stream))
    }
}

pub(crate) struct PlainWire(TcpStream);

impl Wire for PlainWire {
    fn begin(&mut self) -> io::Result<bool> {
        Ok(true)
    }

    fn is_drained_by_short_read(&self) -> bool {
        true
    }

    fn end(&mut self) {}
}

impl Read for PlainWire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for PlainWire {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for PlainWire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Connections under TLS, whose context all of them share.
pub(crate) struct Tls {
    context: SslContext,
}

impl Tls {
    pub(crate) fn new(certificate: &str, key: &str) -> io::Result<Tls> {
        let mut context = SslContext::builder(SslMethod::tls_server())?;
        context.set_certificate_chain_file(certificate)?;
        context.set_private_key_file(key, SslFiletype::PEM)?;
        // Sessions are resumed by tickets.
        context.set_session_cache_mode(SslSessionCacheMode::OFF);
        // One system call for a record instead of two.
        context.set_read_ahead(true);
        context.set_mode(
            SslMode::ENABLE_PARTIAL_WRITE
                | SslMode::ACCEPT_MOVING_WRITE_BUFFER
                | SslMode::RELEASE_BUFFERS,
        );
        let context = context.build();
        Ok(Tls { context })
    }
}

impl Accept for Tls {
    type Wire = TlsWire;

    fn accept(&self, stream: TcpStream) -> io::Result<TlsWire> {
        stream.set_nodelay(true)?;
        let stream = SslStream::new(Ssl::new(&self.context)?, stream)?;
        Ok(TlsWire {
            stream,
            is_open: false,
        })
    }
}

pub(crate) struct TlsWire {
    stream: SslStream<TcpStream>,
    is_open: bool,
}

impl Wire for TlsWire {
    fn begin(&mut self) -> io::Result<bool> {
        if !self.is_open {
            match self.stream.accept() {
                Ok(()) => self.is_open = true,
                Err(error)
                    if [ErrorCode::WANT_READ, ErrorCode::WANT_WRITE].contains(&error.code()) => {}
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(self.is_open)
    }

    fn is_drained_by_short_read(&self) -> bool {
        false
    }

    fn end(&mut self) {
        // The other side may be gone, which is not a mistake.
        let _ = self.stream.shutdown();
    }
}

impl Read for TlsWire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for TlsWire {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.stream.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for TlsWire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.get_ref().as_fd()
    }
}
