-- Loaded before a script: from here on Lua runs a whole collection wherever it may run a step of one,
-- which is at nearly every allocation. No count hook is needed for that, and none would do: a hook set
-- from Lua does not reach coroutines that C creates.
--
-- The pause of 0 starts a collection as soon as one has ended. How a step becomes a whole collection:

if _VERSION == "Lua 5.5" then
  collectgarbage("incremental")
  collectgarbage("param", "pause", 0)
  collectgarbage("param", "stepmul", 0) -- no limit
  return
end
if jit then
  -- A compiled loop in which a collection is always due may go round for ever in LuaJIT itself. The compiler stays
  -- on, for what we do only then, and finds nothing hot.
  jit.opt.start("hotloop=1000000000")
end
collectgarbage("setpause", 0)
if _VERSION == "Lua 5.1" then
  collectgarbage("setstepmul", 0) -- also LuaJIT: no limit
elseif _VERSION == "Lua 5.2" or _VERSION == "Lua 5.3" then
  collectgarbage("setstepmul", 1000000) -- so much work for each byte
else
  collectgarbage("incremental", 0, 1000, 255) -- steps without limit; 0 keeps the pause
end
