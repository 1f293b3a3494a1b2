-- claim: run raises what a task raised, with the task's traceback
-- chapter: tasks
-- source: the book: spawn
-- covers: T17 T18 T19 T20 G14 V2
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

local object = trace.hide(setmetatable({}, { __tostring = function() return "its text" end }), "object")
local errors = {
  { "text", function() error("message") end },
  { "text-without-position", function() error("message", 0) end },
  { "number", function() error(42) end },
  { "number-without-position", function() error(42, 0) end },
  { "table", function() error(object) end },
  { "nil", function() error(nil) end },
  { "boolean", function() error(false) end },
  { "index", function() local nothing; return nothing.field end },
  { "several-lines", function() error("one\ntwo", 0) end },
  { "empty", function() error("", 0) end },
}
for _, entry in ipairs(errors) do
  cosock.spawn(entry[2], entry[1])
  trace.call(entry[1], cosock.run)
  cosock.reset()
  cosock.spawn(function()
    socket.sleep(0.001)
    entry[2]()
  end, entry[1])
  trace.call(entry[1] .. ".after-a-wait", cosock.run)
  cosock.reset()
end

-- The traceback is the task's.
local function fails_deep_inside() error("message") end
cosock.spawn(function() fails_deep_inside() end)
local _, err = pcall(cosock.run)
trace.values("traceback.names-the-function", err:find("fails_deep_inside", 1, true) ~= nil
  or select(2, err:gsub("task_errors.lua:", "")) >= 3)
trace.values("traceback.once", select(2, err:gsub("stack traceback:", "")))
cosock.reset()

-- Other tasks when run is called again.
local resumed = {}
local function bystander(name, length)
  cosock.spawn(function()
    socket.sleep(length)
    resumed[#resumed + 1] = name
  end, name)
end
bystander("waiting", 0.02)
cosock.spawn(function() error("message", 0) end, "fails")
trace.call("others.first-run", cosock.run)
trace.call("others.second-run", cosock.run)
trace.values("others.waiting-task-goes-on", table.concat(resumed, " "))
cosock.reset()

-- Ready in the same pass: all of these start together, some fail, and run is called until it returns.
local started = 0
for index = 1, 65 do
  cosock.spawn(index % 13 == 0 and function() error("message", 0) end or function() started = started + 1 end)
end
local runs = 0
repeat
  runs = runs + 1
until pcall(cosock.run) or runs == 10
trace.values("same-pass.all-start", started == 60, runs == 6)
cosock.reset()

-- A third argument of spawn, which the rock ignores.
local handled
cosock.spawn(function() error("message", 0) end, "fails", {
  onerror = function(value, traceback, handle)
    handled = value .. ", " .. type(traceback) .. ", " .. tostring(handle)
  end,
})
trace.call("onerror", cosock.run)
trace.values("onerror.handled", handled)
