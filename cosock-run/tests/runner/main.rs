//! The runner against the stock interpreter of the same Lua version, which is the judge: each case
//! runs in both, and standard output, standard error and the exit status have to be the same.
//!
//! `support` says which differences are let through, and why.

mod arguments;
mod doctor;
mod environment;
mod errors;
mod extensions;
#[cfg(feature = "lua55")]
mod lua55;
mod modules;
mod output;
mod repl;
mod scripts;
mod signals;
mod support;
