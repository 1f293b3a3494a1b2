//! The cosock module for a stock lua55 interpreter: the entry points and nothing else.

cosock_binding::entry_points!();
