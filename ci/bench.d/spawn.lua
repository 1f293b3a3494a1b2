-- title: spawn and finish
-- operations: 8000
-- limit: 3580
-- wanted: 6000
--
-- Tasks that end at once, in groups of 100 so that the number alive does not grow with the count. What they
-- leave is collected between groups: where else a collection began, by chance, tells how many living tasks it
-- marks, which is up to a twentieth of the count.

local cosock = require "cosock"

local operations = assert(tonumber(arg[1]))
local group = 100
local finished = 0

local function task()
  finished = finished + 1
end

assert(operations % group == 0)
collectgarbage("stop")
for number = 1, operations / group do
  for _ = 1, group do
    cosock.spawn(task)
  end
  cosock.run()
  if number % 10 == 0 then
    collectgarbage()
  end
end
assert(finished == operations)
