-- Tasks that end at once, in groups of 100. spawn.lua SECONDS

local copas = require "copas"

local budget = assert(tonumber(arg[1]))
local done = 0
local start = os.clock()

local function task()
  done = done + 1
end

-- From a task: a loop that has ended takes its time to begin again.
copas.addthread(function()
  local spawned = 0
  repeat
    for _ = 1, 100 do
      copas.addthread(task)
    end
    spawned = spawned + 100
    while done < spawned do
      copas.pause(0)
    end
  until os.clock() - start >= budget
end)
copas.loop()
print("done", done, os.clock() - start)
