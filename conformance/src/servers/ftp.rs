//! An FTP server: pyftpdlib, by a script of ours.

use super::{Directory, Server, python, ready_port};

/// Starts a server of its directory, for anybody to read and for the user `user`, whose password is
/// `password`, to write.
///
/// # Panics
///
/// If it does not start.
pub fn ftp() -> Server {
    let directory = Directory::new("ftp");
    let mut command = python("ftp.py");
    command.arg(directory.path());
    Server::start(&command, directory, ready_port)
}
