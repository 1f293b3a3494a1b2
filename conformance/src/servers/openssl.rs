//! `openssl s_server`, with the tests' certificates.

use std::process::Command;

use super::{Directory, Server};

/// A command that serves as the identity `identity` of [`certificates::files`] on a free port, which is
/// in its first line: [`openssl_port`]. It writes line by line.
pub fn openssl_command(identity: &str, arguments: &[&str]) -> Command {
    let files = certificates::directory();
    let mut command = Command::new("stdbuf");
    command.args(["-oL", "openssl", "s_server", "-accept", "127.0.0.1:0"]);
    for (option, file) in [("-cert", "pem"), ("-key", "key")] {
        command
            .arg(option)
            .arg(files.join(format!("{identity}.{file}")));
    }
    command.arg("-CAfile").arg(files.join("ca.pem"));
    command.args(arguments);
    command
}

/// The port in the line by which the server says that it is ready.
pub fn openssl_port(line: &str) -> Option<u16> {
    let (_, port) = line.strip_prefix("ACCEPT ")?.rsplit_once(':')?;
    port.parse().ok()
}

/// Starts a server that reads nothing from its standard input: one with `-rev` or `-www`.
///
/// # Panics
///
/// If it does not start.
#[must_use]
pub fn openssl(identity: &str, arguments: &[&str]) -> Server {
    let command = openssl_command(identity, arguments);
    Server::start(&command, Directory::new("openssl"), openssl_port)
}
