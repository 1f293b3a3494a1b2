//! An SMTP server: aiosmtpd, by a script of ours.

use super::{Directory, Server, python, ready_port};

/// Starts a server that writes each message, with its envelope before it, to a file of its directory:
/// `1`, `2`, and so on. It refuses recipients whose name begins with `nobody`, and knows the user
/// `user`, whose password is `password`.
///
/// # Panics
///
/// If it does not start.
pub fn smtp() -> Server {
    let directory = Directory::new("smtp");
    let mut command = python("smtp.py");
    command.arg(directory.path());
    Server::start(&command, directory, ready_port)
}
