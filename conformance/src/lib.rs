//! Drives Lua interpreters as subprocesses, to test cosock the way its users meet it. This crate
//! links neither Lua nor cosock.
//!
//! [`Lua`] is a version, [`Subject`] an implementation of cosock; together they give a command,
//! which [`run`] runs with a time limit. [`suite`] holds what every version must pass; [`matrix`] holds
//! ours against the rock.

use std::path::Path;

pub mod examples;
mod interpreter;
pub mod matrix;
mod module;
pub mod run;
pub mod servers;
mod subject;
pub mod suite;

pub use interpreter::Lua;
pub use module::DIST;
pub use subject::{CANDIDATE, REFERENCE, Subject};

/// The root of the repository.
pub fn repository() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("this crate lies in the repository")
}
