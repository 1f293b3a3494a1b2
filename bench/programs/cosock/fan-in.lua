-- TASKS tasks send to one, each its next message when everybody's last has been taken.
-- fan-in.lua SECONDS TASKS

local cosock = require "cosock"

local budget, tasks = assert(tonumber(arg[1])), assert(tonumber(arg[2]))
local sender, receiver = cosock.channel.new()
local wakers = {}
local done = 0
local start

for task = 1, tasks do
  local wake, woken = cosock.channel.new()
  wakers[task] = wake
  cosock.spawn(function()
    while woken:receive() do
      sender:send(task)
    end
  end)
end

cosock.spawn(function()
  start = os.clock()
  repeat
    for task = 1, tasks do
      wakers[task]:send(true)
    end
    local sum = 0
    for _ = 1, tasks do
      sum = sum + receiver:receive()
    end
    assert(sum == tasks * (tasks + 1) / 2)
    done = done + tasks
  until os.clock() - start >= budget
  print("done", done, os.clock() - start)
  os.exit(0, false)
end)
cosock.run()
