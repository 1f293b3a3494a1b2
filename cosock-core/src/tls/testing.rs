//! Handshakes between two contexts, for tests.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use openssl::ssl::{ErrorCode, SslStream};

use super::context::{Context, Mode};
use super::{Builder, ConfigError, Protocol, error, hello};

/// A context in the making, for all protocols.
pub(super) fn builder(mode: Mode) -> Builder {
    Builder::new(Protocol::Any, mode).expect("OpenSSL makes contexts")
}

/// The name of a file of [`certificates::files`].
pub(super) fn file(name: &str) -> Vec<u8> {
    let path = certificates::directory().join(name);
    path.into_os_string().into_encoded_bytes()
}

/// Has the builder present an identity of [`certificates::files`].
pub(super) fn identify(builder: &mut Builder, name: &str) -> Result<(), ConfigError> {
    let key = file(&format!("{name}.key"));
    let certificate = file(&format!("{name}.pem"));
    builder.load_key(&key, None)?;
    builder.load_certificate(&certificate)?;
    builder.check_key(&key, &certificate)
}

/// A server that presents an identity.
pub(super) fn server(name: &str) -> Context {
    let mut builder = builder(Mode::Server);
    identify(&mut builder, name).expect("the identity is good");
    builder.finish()
}

/// A client that verifies by `ca.pem`.
pub(super) fn client() -> Builder {
    let mut builder = builder(Mode::Client);
    builder
        .trust_file(&file("ca.pem"))
        .expect("the file is good");
    builder.add_verify(b"peer").expect("it is known");
    builder
}

/// One side of a connection, or why its handshake failed.
pub(super) type Side = Result<SslStream<UnixStream>, String>;

/// Connects two contexts. The client asks for `name`, at an address that is always the same.
pub(super) fn connect(client: &Context, server: &Context, name: Option<&str>) -> (Side, Side) {
    let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
    let mut client = begin(client, name, ours);
    let mut server = begin(server, None, theirs);
    loop {
        let both_wait = [advance(&mut client), advance(&mut server)];
        if both_wait == [false; 2] {
            return (client, server);
        }
    }
}

/// Goes on with a handshake; tells whether it waits for the other side.
fn advance(side: &mut Side) -> bool {
    let Ok(stream) = side else { return false };
    match stream.do_handshake() {
        Ok(()) => false,
        Err(error) if error.code() == ErrorCode::WANT_READ => true,
        Err(error) => {
            let stack = error.ssl_error();
            *side = Err(stack.map_or_else(|| "closed".to_owned(), error::reason));
            false
        }
    }
}

fn begin(context: &Context, name: Option<&str>, socket: UnixStream) -> Side {
    socket.set_nonblocking(true).expect("sockets can");
    let mut ssl = context.connection().expect("OpenSSL makes connections");
    match context.mode {
        Mode::Client => ssl.set_connect_state(),
        Mode::Server => {
            ssl.set_accept_state();
            hello::attach(&mut ssl, false);
        }
    }
    if let Some(name) = name {
        ssl.set_hostname(name).expect("a good name");
    }
    let address = "192.0.2.1:443".parse().expect("an address");
    context
        .begin(&mut ssl, Some(address))
        .map_err(|error| error.to_string())?;
    Ok(SslStream::new(ssl, socket).expect("OpenSSL makes streams"))
}

/// Sends a byte from the server to the client, behind what else the server has sent.
pub(super) fn exchange(client: &mut Side, server: &mut Side) {
    let server = server.as_mut().expect("the server is connected");
    server.write_all(b"x").expect("there is room for a byte");
    let client = client.as_mut().expect("the client is connected");
    let mut byte = [0];
    client.read_exact(&mut byte).expect("the byte is there");
    assert_eq!(byte, *b"x");
}
