//! The programs by their names.

use std::io::{self, Write};

use crate::server::serve;
use crate::service::Service;
use crate::wire::{Plain, Tls};
use crate::{client, datagrams};

/// Runs the program that the arguments name.
pub(crate) fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        // The harness names a port for those who need one.
        ["udp", ..] => datagrams::give_back(),
        ["udp-connected", port] => datagrams::give_back_to(port),
        ["connect", seconds, port] => client::lines(seconds, port),
        ["http-client", seconds, port] => client::pages(seconds, port),
        // A timeout that nobody needs costs nothing here.
        ["echo", ..] => serve(&Plain { nodelay: true }, || Service::Echo),
        ["accept"] => serve(&Plain { nodelay: false }, || Service::Once),
        ["lines"] => serve(&Plain { nodelay: true }, Service::lines),
        ["records", size] => {
            let size = number(size)?;
            serve(&Plain { nodelay: true }, || Service::records(size))
        }
        ["all"] => serve(&Plain { nodelay: true }, || Service::All(Vec::new())),
        ["bulk"] => serve(&Plain { nodelay: true }, Service::bulk),
        ["http-server"] => serve(&Plain { nodelay: true }, Service::pages),
        ["tls-echo", certificate, key] => serve(&Tls::new(certificate, key)?, || Service::Echo),
        ["tls-accept", certificate, key] => serve(&Tls::new(certificate, key)?, || Service::Once),
        ["tls-send", certificate, key] => serve(&Tls::new(certificate, key)?, Service::bulk),
        ["tls-receive", size, certificate, key] => {
            let size = number(size)?;
            serve(&Tls::new(certificate, key)?, || Service::records(size))
        }
        _ => Err(io::Error::other("there is no such program")),
    }
}

pub(crate) fn number(text: &str) -> io::Result<usize> {
    text.parse().map_err(io::Error::other)
}

/// Says a line to the harness.
pub(crate) fn say(line: &str) -> io::Result<()> {
    let mut output = io::stdout();
    writeln!(output, "{line}")?;
    output.flush()
}
