//! The module in the stock Lua 5.1 interpreter: every example, every test script.

conformance::stock_suite!(Lua51);
