-- Tasks that end at once, in groups of 50 to 150: of one size, they would keep step with the collector's cycles, which
-- makes a tenth of difference one way or the other. spawn.lua SECONDS

local copas = require "copas"

local budget = assert(tonumber(arg[1]))
local done = 0
local start = os.clock()

local function task()
  done = done + 1
end

-- From a task: a loop that has ended takes its time to begin again.
copas.addthread(function()
  local spawned, size = 0, 50
  repeat
    for _ = 1, size do
      copas.addthread(task)
    end
    spawned = spawned + size
    size = size < 150 and size + 1 or 50
    while done < spawned do
      copas.pause(0)
    end
  until os.clock() - start >= budget
end)
copas.loop()
print("done", done, os.clock() - start)
