//! Real servers as peers of the tests. Each listens on a loopback port of its own, keeps its files in
//! a directory of its own, and ends with its [`Server`], or with this process, whatever ends that.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process};

use socket2::{Domain, Socket, Type};

use crate::run::Session;

mod ftp;
mod nginx;
mod openssl;
mod redis;
mod smtp;

pub use ftp::ftp;
pub use nginx::{Nginx, nginx};
pub use openssl::{openssl, openssl_command, openssl_port};
pub use redis::redis;
pub use smtp::smtp;

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server.
pub struct Server {
    /// Taken when it stops.
    session: Option<Session>,
    /// The port of 127.0.0.1 on which it listens.
    pub port: u16,
    /// What it and its test write, removed when it stops.
    pub directory: Directory,
}

impl Server {
    /// Starts `command` and waits for the line by which the server says that it is ready: `ready`
    /// makes the port of it.
    ///
    /// # Panics
    ///
    /// If it does not start, or gets ready in time, with the full report.
    #[track_caller]
    pub fn start(
        command: &Command,
        directory: Directory,
        ready: impl Fn(&str) -> Option<u16>,
    ) -> Server {
        let mut session = Session::start(kept(command));
        let deadline = Instant::now() + PATIENCE;
        let port = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if let Some(port) = ready(&session.next_line(left)) {
                break port;
            }
        };
        Server {
            session: Some(session),
            port,
            directory,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut session) = self.session.take() {
            session.hang_up();
            session.finish(PATIENCE);
        }
    }
}

/// `command` under a shell that stops it when nobody holds the other end of its standard input, as
/// is so also when this process was killed.
fn kept(command: &Command) -> Command {
    let script = "\"$@\" </dev/null & server=$!; read -r _; kill $server 2>/dev/null; wait $server";
    let mut kept = Command::new("sh");
    kept.args(["-c", script, "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    if let Some(directory) = command.get_current_dir() {
        kept.current_dir(directory);
    }
    kept
}

/// A port of 127.0.0.1 that the system gives to nobody else while this lives. A server that sets
/// SO_REUSEADDR can listen on it.
#[derive(Debug)]
pub struct Port {
    /// Bound, but not listening.
    socket: Socket,
}

impl Port {
    /// Reserves a port.
    ///
    /// # Panics
    ///
    /// If the system has none.
    pub fn reserve() -> Port {
        let reserve = || {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            socket.set_reuse_address(true)?;
            socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
            Ok::<_, std::io::Error>(socket)
        };
        Port {
            socket: reserve().expect("a loopback port is free"),
        }
    }

    /// Its number.
    ///
    /// # Panics
    ///
    /// If the system cannot tell.
    pub fn number(&self) -> u16 {
        let address = self.socket.local_addr().expect("the socket is bound");
        address.as_socket_ipv4().expect("it is of IPv4").port()
    }
}

/// A directory beside the test program, removed with everything in it when this is dropped.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Makes an empty directory whose name begins with `name`.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    pub fn new(name: &str) -> Directory {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let program = env::current_exe().expect("a process knows its program");
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{name}-{}-{count}", process::id());
        let path = program.with_file_name("servers").join(name);
        fs::create_dir_all(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        Directory { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Debian's Python, whatever other comes first on the path, with a script of `conformance/servers`.
fn python(script: &str) -> Command {
    let mut command = Command::new("/usr/bin/python3");
    command.arg(crate::repository().join("conformance/servers").join(script));
    command
}

/// The port in a line `ready <port>`, as the scripts write it.
fn ready_port(line: &str) -> Option<u16> {
    line.strip_prefix("ready ")?.parse().ok()
}
