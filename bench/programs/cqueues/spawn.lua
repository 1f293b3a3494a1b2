-- Tasks that end at once, in groups of 100. spawn.lua SECONDS

local cqueues = require "cqueues"

local budget = assert(tonumber(arg[1]))
local loop = cqueues.new()
local done = 0
local start = os.clock()

local function task()
  done = done + 1
end

local spawned = 0
repeat
  for _ = 1, 100 do
    loop:wrap(task)
  end
  assert(loop:loop())
  spawned = spawned + 100
until os.clock() - start >= budget
assert(done == spawned)
print("done", done, os.clock() - start)
