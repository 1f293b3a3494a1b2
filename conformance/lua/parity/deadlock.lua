-- claim: run raises an error when nothing can happen any more
-- chapter: tasks
-- source: the rock's behaviour
-- covers: T22 T24 G22f G33 G43
local trace = require "trace"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

local sender, receiver = channel.new()
cosock.spawn(function() trace.values("woken-afterwards", receiver:receive()) end, "waits")
local ok, err = pcall(cosock.run)
trace.values("raises", ok, type(err))
trace.values("text.asks-for-a-report", err:find("please report", 1, true) ~= nil)
trace.values("text.keeps-the-words", err:find("cosock tried to call socket.select with no sockets and no timeout", 1, true) ~= nil)
trace.values("text.names-the-task", err:find("waits", 1, true) ~= nil)
sender:send("message")
trace.call("run-again", cosock.run)
cosock.reset()

trace.alone("sleep-without-a-number", function() return socket.sleep() end)
trace.alone("empty-lists", function() return socket.select({}, {}) end)
trace.alone("bare-yield", function() return coroutine.yield() end)

-- No message can come from a half that nobody has.
trace.alone("other-half-is-gone", function()
  local other = select(2, channel.new())
  return other:receive()
end)
