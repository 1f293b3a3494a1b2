-- claim: an element that cannot be waited on is the error of its task alone
-- chapter: waits
-- source: the rock's behaviour
-- covers: W10
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

local finished = {}
cosock.spawn(function()
  socket.sleep(0.02)
  finished[#finished + 1] = "sleeper"
end)
cosock.spawn(function()
  socket.sleep(0.005)
  coroutine.yield({ "not wakeable" }, nil, 1)
end, "bad")
trace.call("first-run", cosock.run)
trace.call("second-run", cosock.run)
trace.values("finished", table.concat(finished, ", "))
