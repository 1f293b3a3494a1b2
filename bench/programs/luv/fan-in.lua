-- TASKS tasks send to one, each its next message when everybody's last has been taken.
-- fan-in.lua SECONDS TASKS

local uv = require "luv"
local tasks = require "tasks_on_luv"

local budget, senders = assert(tonumber(arg[1])), assert(tonumber(arg[2]))
local messages = tasks.channel()
local wakers = {}
local done = 0
local start

for task = 1, senders do
  local wake = tasks.channel()
  wakers[task] = wake
  tasks.spawn(function()
    while wake:receive() do
      messages:send(task)
    end
  end)
end

tasks.spawn(function()
  start = os.clock()
  repeat
    for task = 1, senders do
      wakers[task]:send(true)
    end
    local sum = 0
    for _ = 1, senders do
      sum = sum + messages:receive()
    end
    assert(sum == senders * (senders + 1) / 2)
    done = done + senders
  until os.clock() - start >= budget
  print("done", done, os.clock() - start)
  os.exit(0, false)
end)
uv.run()
