//! The scheduler without a language above it: tasks are numbers, and this file's `Driver` plays the
//! part of whoever owns the coroutines.

mod datagrams;
mod lines;
mod lookups;
mod messages;
mod operations;
mod selects;
mod support;
mod tasks;
mod timers;
