-- Loaded before a script, which then runs with a whole collection at nearly every allocation. No count hook is
-- needed for that, and none would do: a hook set from Lua does not reach coroutines that C creates.
if jit then
  -- A compiled loop in which a collection is always due may go round for ever in LuaJIT itself. The compiler stays
  -- on, for what we do only then, and finds nothing hot.
  jit.opt.start("hotloop=1000000000")
end
require("collector").eager()
