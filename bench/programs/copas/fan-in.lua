-- TASKS tasks send to one, each its next message when everybody's last has been taken.
-- fan-in.lua SECONDS TASKS

local copas = require "copas"
local queue = require "copas.queue"

local budget, tasks = assert(tonumber(arg[1])), assert(tonumber(arg[2]))
local messages = queue.new()
local wakers = {}
local done = 0
local start

for task = 1, tasks do
  local wake = queue.new()
  wakers[task] = wake
  copas.addthread(function()
    while wake:pop(math.huge) do
      messages:push(task)
    end
  end)
end

copas.addthread(function()
  start = os.clock()
  repeat
    for task = 1, tasks do
      wakers[task]:push(true)
    end
    local sum = 0
    for _ = 1, tasks do
      sum = sum + messages:pop(math.huge)
    end
    assert(sum == tasks * (tasks + 1) / 2)
    done = done + tasks
  until os.clock() - start >= budget
  print("done", done, os.clock() - start)
  os.exit(0, false)
end)
copas.loop()
