-- COUNT tasks yield to each other, while PARKED others wait for what never comes.
-- sleep.lua SECONDS COUNT PARKED

local uv = require "luv"
local tasks = require "tasks_on_luv"
local sleep = tasks.sleep

local budget, count, parked = assert(tonumber(arg[1])), assert(tonumber(arg[2])), assert(tonumber(arg[3]))
local waiting, running, done, over = 0, count, 0, false
local never = {}
local start

for place = 1, parked do
  never[place] = tasks.channel()
  tasks.spawn(function()
    waiting = waiting + 1
    never[place]:receive()
  end)
end

for _ = 1, count do
  tasks.spawn(function()
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
uv.run()
