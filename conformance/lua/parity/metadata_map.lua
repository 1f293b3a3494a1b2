-- claim: the metadata counts lists that are maps, and knows who has ended
-- chapter: tasks
-- source: the rock's behaviour
-- covers: T28 G41
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

local function status_of(name)
  for _, entry in ipairs(cosock.get_thread_metadata()) do
    if entry.name == name then
      return entry.status, entry.recvt, entry.sendt, entry.timeout
    end
  end
  return "absent"
end

trace.task("map", function()
  local _, receiver = cosock.channel.new()
  local handle = cosock.spawn(function()
    coroutine.yield({ one = receiver }, nil, 9)
  end, "map")
  trace.settle()
  local status, recvt, sendt, timeout = status_of("map")
  handle:cancel()
  return status, recvt, sendt, timeout
end)

trace.task("finished", function()
  cosock.spawn(function() end, "finished")
  trace.settle()
  return status_of("finished")
end)

cosock.spawn(function() error("on purpose") end, "failed")
trace.call("failed.run", function() cosock.run() end)
trace.values("failed", status_of("failed"))
cosock.reset()

trace.task("name-is-any-value", function()
  local key = { "key" }
  cosock.spawn(function() socket.sleep(0) end, key)
  for _, entry in ipairs(cosock.get_thread_metadata()) do
    if entry.name == key then
      return "found"
    end
  end
end)
