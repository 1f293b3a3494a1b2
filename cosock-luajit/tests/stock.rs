//! The module in the stock LuaJIT interpreter: every example, every test script.

conformance::stock_suite!(LuaJit);
