-- claim: run within a task fails
-- chapter: tasks
-- source: the rock's behaviour
-- covers: T14 G17
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

local other = false
cosock.spawn(function()
  local ok, err = pcall(cosock.run)
  if ok then
    trace.values("nested")
  else
    trace.failure("nested", "raises", err)
  end
  socket.sleep(0)
  trace.values("nested.goes-on")
end, "nested")
cosock.spawn(function()
  socket.sleep(0.01)
  other = true
end, "other")
trace.call("outer", cosock.run)
trace.values("other-task-finishes", other)
