-- claim: spawn, run and handles wrongly used say what is wrong
-- chapter: tasks
-- source: the rock's behaviour
-- covers: T2 S22
local trace = require "trace"
local cosock = require "cosock"

trace.call("spawn.nothing", cosock.spawn)
trace.call("spawn.nil", cosock.spawn, nil)
trace.call("spawn.table", cosock.spawn, {})
trace.call("spawn.number", cosock.spawn, 5)
trace.call("spawn.string", cosock.spawn, "text")
trace.call("spawn.boolean", cosock.spawn, true)
trace.call("spawn.callable-table", cosock.spawn, setmetatable({}, { __call = function() end }))
trace.call("spawn.C-function", function()
  return type(cosock.spawn(string.len))
end)
trace.call("spawn.C-function.run", cosock.run)
cosock.reset()
trace.call("spawn.C-function-that-takes-three-nils", function()
  cosock.spawn(print)
  return cosock.run()
end)
cosock.reset()

trace.call("spawn.through-a-level", function()
  local handle = cosock.spawn({})
  return handle
end)
trace.call("run.with-arguments", cosock.run, 1, "two", {})
trace.call("reset.with-arguments", cosock.reset, 1, "two", {})
trace.call("metadata.with-arguments", cosock.get_thread_metadata, 1)

local handle = cosock.spawn(function() end)
trace.values("handle.cancel-without-self", (pcall(handle.cancel)))
trace.values("handle.is_alive-without-self", (pcall(handle.is_alive)))
trace.values("handle.cancel-of-a-table", (pcall(handle.cancel, {})))
trace.values("handle.is_alive-of-a-table", (pcall(handle.is_alive, {})))
trace.call("run", cosock.run)
