//! The module in the stock Lua 5.2 interpreter: every example, every test script.

conformance::stock_suite!(Lua52);
