//! The programs of the workloads without Lua, over nothing but epoll: what the system calls and OpenSSL
//! cost alone.
//!
//! `raw PROGRAM ARGUMENTS...` does what the Lua program of that name does, takes its arguments and
//! prints what it prints. A mistake of the other side ends it.

#[cfg(target_os = "linux")]
mod client;
#[cfg(target_os = "linux")]
mod datagrams;
#[cfg(target_os = "linux")]
mod programs;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
mod service;
#[cfg(target_os = "linux")]
mod wire;

#[cfg(target_os = "linux")]
fn main() -> std::io::Result<()> {
    programs::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("raw: only Linux has epoll");
    std::process::ExitCode::FAILURE
}
