//! The runner: `cosock script.lua args...` behaves as `lua script.lua args...`, with cosock built in.

fn main() {}
