-- claim: spawn, run, reset and the handle of a task do what they should
-- chapter: tasks
-- source: the book: spawn
-- covers: T1 T3 T4 T5 T6 T7 T8 T9 T11 T12 T13 T21 T29 G18 cosock.spawn cosock.run cosock.reset
-- covers: task:cancel task:is_alive task:name
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

trace.call("run-without-tasks", cosock.run)
trace.call("reset-without-tasks", cosock.reset)

-- What a task is given, and when it starts.
local order = {}
local handle = cosock.spawn(function(...)
  trace.values("task-arguments", ...)
  order[#order + 1] = "task"
  return 1, 2, 3
end, "named", "extra", "arguments")
order[#order + 1] = "main"
trace.values("spawn-returns", type(handle), handle.name)
trace.call("run-returns", cosock.run)
trace.values("what-a-task-returns-is-nowhere", handle[1], handle.results, #handle)
trace.values("spawn-does-not-start", order[1], order[2])
trace.call("run-again", cosock.run)

-- Names are kept as they are.
for claim, name in pairs { empty = "", number = 42, no = false, yes = true } do
  local named = cosock.spawn(function() end, name)
  trace.values("name." .. claim, named.name, (tostring(named):gsub("0x%x+", "0x?")))
  trace.call("name." .. claim .. ".run", cosock.run)
end
local key = setmetatable({}, { __tostring = function() return "a table's text" end })
trace.values("name.table", tostring(cosock.spawn(function() end, key)))
trace.values("name.none", (tostring(cosock.spawn(function() end)):gsub("0x%x+", "0x?")))
trace.call("name.run", cosock.run)

-- The life of a handle.
local life = cosock.spawn(function() socket.sleep(0) end)
trace.values("is_alive.before-run", life:is_alive())
trace.call("is_alive.run", cosock.run)
trace.values("is_alive.finished", life:is_alive())
trace.method("cancel.finished", life, "cancel")
collectgarbage()
collectgarbage()
trace.values("tostring.finished-and-collected", tostring(life))

collectgarbage("stop")
local over = cosock.spawn(function() end)
cosock.run()
trace.values("tostring.finished", tostring(over))
collectgarbage("restart")

local failed = cosock.spawn(function() error("on purpose", 0) end, "failed")
trace.call("failing-task", cosock.run)
trace.values("is_alive.failed", failed:is_alive())
cosock.reset()

local never = cosock.spawn(function() trace.values("cancelled-before-start-runs") end)
trace.method("cancel.never-started", never, "cancel")
trace.values("is_alive.cancelled", never:is_alive())
trace.method("cancel.twice", never, "cancel")
trace.values("tostring.cancelled", (tostring(never):gsub("0x%x+", "0x?")))
trace.call("cancel.run", cosock.run)

local self
self = cosock.spawn(function()
  trace.method("cancel.itself", self, "cancel")
end)
cosock.run()

local sleeper = cosock.spawn(function()
  socket.sleep(30)
  trace.values("cancelled-sleeper-wakes")
end)
cosock.spawn(function()
  socket.sleep(0)
  trace.values("is_alive.asleep", sleeper:is_alive())
  trace.method("cancel.asleep", sleeper, "cancel")
  trace.values("is_alive.cancelled-asleep", sleeper:is_alive())
end)
trace.values("cancel.asleep.run-takes", trace.takes(0, 5, cosock.run))

-- A task that is spawned in a task.
local steps = {}
cosock.spawn(function()
  cosock.spawn(function()
    steps[#steps + 1] = "child"
  end)
  steps[#steps + 1] = "parent"
  socket.sleep(0)
end)
cosock.run()
trace.values("child-starts-after-its-parent-yields", steps[1], steps[2])

-- reset forgets tasks, in a task too.
local forgotten = cosock.spawn(function() trace.values("forgotten-task-runs") end)
trace.call("reset", cosock.reset)
trace.call("reset.run", cosock.run)
trace.values("reset.metadata", #cosock.get_thread_metadata())
trace.values("reset.is_alive", forgotten:is_alive())
cosock.spawn(function()
  cosock.reset()
  trace.values("reset-in-a-task.goes-on")
  socket.sleep(0)
  trace.values("reset-in-a-task.wakes")
end)
trace.call("reset-in-a-task.run", cosock.run)

-- A task asleep before the reset.
local slept = false
cosock.spawn(function() socket.sleep(0.02) slept = true end)
cosock.spawn(function() cosock.reset() end)
cosock.run()
trace.task("reset.sleeper", function()
  socket.sleep(0.1)
  return slept
end)
