//! The binding on the Lua that is built in: several states in one process, states that run out of
//! memory, modules in every order; and each area in small programs.

mod areas;
mod c_functions;
mod memory;
mod require;
mod states;
mod support;
