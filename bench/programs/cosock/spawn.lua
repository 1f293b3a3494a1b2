-- Tasks that end at once, in groups of 50 to 150: of one size, they would keep step with the collector's cycles, which
-- makes a tenth of difference one way or the other. spawn.lua SECONDS

local cosock = require "cosock"

local budget = assert(tonumber(arg[1]))
local done = 0
local start = os.clock()

local function task()
  done = done + 1
end

local spawned, size = 0, 50
repeat
  for _ = 1, size do
    cosock.spawn(task)
  end
  cosock.run()
  spawned = spawned + size
  size = size < 150 and size + 1 or 50
until os.clock() - start >= budget
assert(done == spawned)
print("done", done, os.clock() - start)
