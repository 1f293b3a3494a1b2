//! nginx, for HTTP and HTTPS, as `conformance/servers/nginx.conf` has it.

use std::fs;
use std::process::Command;

use super::{Directory, Port, Server};

/// A running nginx. It serves `files` of its directory and takes uploads into `uploads`.
pub struct Nginx {
    /// The server; its port is that of HTTP.
    pub server: Server,
    /// The port of HTTPS, where it is the tests' `localhost`.
    pub https_port: u16,
}

/// Starts a server that knows the user `user`, whose password is `pass word`.
///
/// # Panics
///
/// If it does not start.
#[must_use]
pub fn nginx() -> Nginx {
    let directory = Directory::new("nginx");
    let (http, https) = (Port::reserve(), Port::reserve());
    let (http_port, https_port) = (http.number(), https.number());
    let template = crate::repository().join("conformance/servers/nginx.conf");
    let template = fs::read_to_string(&template).unwrap_or_else(|e| panic!("{template:?}: {e}"));
    let settings = template
        .replace("DIRECTORY", &directory.path().to_string_lossy())
        .replace("CERTIFICATES", &certificates::directory().to_string_lossy())
        .replace("HTTP_PORT", &http_port.to_string())
        .replace("HTTPS_PORT", &https_port.to_string());
    let file = directory.path().join("nginx.conf");
    fs::write(&file, settings).expect("the directory is ours");
    fs::write(directory.path().join("users"), "user:{PLAIN}pass word\n")
        .expect("the directory is ours");
    for part in ["files", "uploads"] {
        fs::create_dir(directory.path().join(part)).expect("the directory is ours");
    }
    let mut command = Command::new("/usr/sbin/nginx");
    command.arg("-p").arg(directory.path()).arg("-c").arg(&file);
    // Its last line before it serves, after it has begun to listen.
    let server = Server::start(&command, directory, |line| {
        line.contains("getrlimit").then_some(http_port)
    });
    // The ports are the server's own now.
    drop((http, https));
    Nginx { server, https_port }
}
