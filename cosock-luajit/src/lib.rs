//! The cosock module for a stock luajit interpreter: the entry points and nothing else.

cosock_binding::entry_points!();
