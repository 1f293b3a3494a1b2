-- TASKS tasks yield to each other by sleep(0), while PARKED others wait for what never comes.
-- sleep.lua SECONDS TASKS PARKED

local cqueues = require "cqueues"
local channel = require "channel"
local sleep = cqueues.sleep

local budget, tasks, parked = assert(tonumber(arg[1])), assert(tonumber(arg[2])), assert(tonumber(arg[3]))
local loop = cqueues.new()
local waiting, running, done, over = 0, tasks, 0, false
local start

for _ = 1, parked do
  local never = channel.new()
  loop:wrap(function()
    waiting = waiting + 1
    never:receive()
  end)
end

for _ = 1, tasks do
  loop:wrap(function()
    while waiting < parked do
      sleep(0)
    end
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
assert(loop:loop())
