//! The cosock module for a stock lua54 interpreter: the entry points and nothing else.

cosock_binding::entry_points!();
