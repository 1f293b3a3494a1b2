-- claim: cosock.timers calls back in time, and cancels
-- chapter: waits
-- source: the rock's behaviour
-- covers: W44 W45 W46 W47 W48 cosock.timers.set cosock.timers.cancel cosock.timers.run
local trace = require "trace"
local cosock = require "cosock"
local timers = require "cosock.timers"
local socket = cosock.socket

trace.call("run.none", timers.run)

local calls = {}
local function note(name)
  return function(...)
    calls[#calls + 1] = name .. " " .. select("#", ...)
  end
end
local function pause(length)
  local stop = socket.gettime() + (length or 0.01)
  while socket.gettime() < stop do end
end
local function flush(claim)
  trace.values(claim, table.concat(calls, "; "))
  calls = {}
end

trace.call("set", timers.set, 0.1, note("later"))
local delay = timers.run()
trace.values("run.before", type(delay), delay and delay > 0, delay and delay <= 0.1)
flush("run.before.calls")
timers.set(0.001, note("earlier"))
pause(0.11)
trace.call("run", timers.run)
flush("run.calls")

trace.call("set.with-reference", timers.set, 0.005, note("referred"), "reference")
trace.call("cancel", timers.cancel, "reference")
trace.call("cancel.again", timers.cancel, "reference")
trace.call("cancel.unknown", timers.cancel, {})
trace.call("cancel.nil", timers.cancel, nil)
pause()
timers.run()
flush("cancel.calls")

timers.set(0, note("zero"))
pause()
timers.run()
flush("zero.calls")
timers.set(-1, note("negative"))
pause()
timers.run()
flush("negative.calls")

timers.set(0.001, function()
  note("outer")()
  timers.set(0, note("inner"))
end)
pause()
timers.run()
flush("set-in-a-timer.first-run")
pause()
timers.run()
flush("set-in-a-timer.second-run")

timers.set(0.001, function() error("in a timer", 0) end)
pause()
trace.call("raises", timers.run)
trace.call("raises.then", timers.run)

-- In a program that runs: a timer fires, and alone keeps nothing alive.
trace.task("beside-a-task", function()
  local fired = 0
  timers.set(0.005, function() fired = fired + 1 end)
  socket.sleep(0.03)
  return fired
end)
trace.task("cancelled-beside-a-task", function()
  local fired = 0
  timers.set(0.005, function() fired = fired + 1 end, "one")
  timers.cancel("one")
  socket.sleep(0.03)
  return fired
end)
trace.task("wakes-a-task", function()
  local sender, receiver = cosock.channel.new()
  timers.set(0.005, function() sender:send("message") end)
  return receiver:receive()
end)

trace.call("set.no-function", timers.set, 1)
trace.call("set.nothing", timers.set)
trace.call("set.text", timers.set, "text", note("text"))
