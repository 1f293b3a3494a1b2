-- Tasks that end at once, in groups of 100. spawn.lua SECONDS

local uv = require "luv"
local tasks = require "tasks_on_luv"

local budget = assert(tonumber(arg[1]))
local done = 0
local start = os.clock()

local function task()
  done = done + 1
end

local spawned = 0
repeat
  for _ = 1, 100 do
    tasks.spawn(task)
  end
  uv.run()
  spawned = spawned + 100
until os.clock() - start >= budget
assert(done == spawned)
print("done", done, os.clock() - start)
