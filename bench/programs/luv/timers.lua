-- COUNT tasks sleep at once, each between 1 and 100 ms, until all have slept; and again for SECONDS, or until
-- 100,000 have slept: a round of so many takes about as long, and all subjects are to have the same number
-- of rounds. timers.lua SECONDS COUNT

local uv = require "luv"
local tasks = require "tasks_on_luv"

local budget, count = assert(tonumber(arg[1])), assert(tonumber(arg[2]))
local done = 0
local start = os.clock()

repeat
  local slept = 0
  for task = 1, count do
    tasks.spawn(function()
      tasks.sleep((task * 7919 % 100 + 1) / 1000)
      slept = slept + 1
    end)
  end
  uv.run()
  assert(slept == count)
  done = done + count
until done >= 100000 or os.clock() - start >= budget
print("done", done, os.clock() - start)
