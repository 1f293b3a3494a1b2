//! The part of cosock that knows no Lua: tasks, timers, the reactor, sockets and name look-ups.
//!
//! A task is a number, a message is opaque, and every wait ends in a value that the language above
//! turns into its own. Nothing here blocks but the end of a turn, [`Scheduler::end_turn`](scheduler::Scheduler::end_turn),
//! the functions of [`netdb`], and reading the files that a TLS configuration names.

pub mod buffer;
pub mod channel;
pub mod clock;
pub mod error;
mod fd;
#[cfg(late_libraries)]
mod late;
pub mod netdb;
pub mod operation;
mod places;
mod process;
pub mod reactor;
pub mod resolver;
pub mod room;
pub mod scheduler;
pub mod select;
pub mod socket;
mod sys;
pub mod timer;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(late_libraries)]
mod unwinder;

pub use process::ignore_sigpipe;
