-- TASKS tasks yield to each other by sleep(0), while PARKED others wait for what never comes.
-- sleep.lua SECONDS TASKS PARKED

local cosock = require "cosock"
local sleep = cosock.socket.sleep

local budget, tasks, parked = assert(tonumber(arg[1])), assert(tonumber(arg[2])), assert(tonumber(arg[3]))
local waiting, running, done, over = 0, tasks, 0, false
local senders = {}
local start

for task = 1, parked do
  local sender, receiver = cosock.channel.new()
  senders[task] = sender
  cosock.spawn(function()
    waiting = waiting + 1
    receiver:receive()
  end)
end

for _ = 1, tasks do
  cosock.spawn(function()
    sleep(0)
    assert(waiting == parked)
    start = start or os.clock()
    while not over do
      sleep(0)
      done = done + 1
      -- The clock costs more than a sleep.
      if done % 100 == 0 then
        over = os.clock() - start >= budget
      end
    end
    running = running - 1
    if running == 0 then
      print("done", done, os.clock() - start)
      os.exit(0, false)
    end
  end)
end
cosock.run()
