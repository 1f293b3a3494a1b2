//! redis-server: nothing is saved, nobody else is asked.

use std::process::Command;

use super::{Directory, Port, Server};

/// Starts a server with an empty database. `requirepass` is the password that it asks for, if any.
///
/// # Panics
///
/// If it does not start.
pub fn redis(requirepass: Option<&str>) -> Server {
    let directory = Directory::new("redis");
    let port = Port::reserve();
    let number = port.number();
    let mut command = Command::new("redis-server");
    command
        .args(["--bind", "127.0.0.1", "--port", &number.to_string()])
        .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
        .arg("--dir")
        .arg(directory.path());
    if let Some(password) = requirepass {
        command.args(["--requirepass", password]);
    }
    let server = Server::start(&command, directory, |line| {
        line.contains("Ready to accept connections")
            .then_some(number)
    });
    // The port is the server's own now.
    drop(port);
    server
}
