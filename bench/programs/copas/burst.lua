-- A channel that is filled DEPTH messages deep before they are taken. burst.lua SECONDS DEPTH

local copas = require "copas"
local queue = require "copas.queue"

local budget, depth = assert(tonumber(arg[1])), assert(tonumber(arg[2]))
local messages = queue.new()
local done = 0
local start = os.clock()

copas.addthread(function()
  repeat
    for message = 1, depth do
      messages:push(message)
    end
    for message = 1, depth do
      assert(messages:pop(math.huge) == message)
    end
    done = done + depth
  until os.clock() - start >= budget
end)
copas.loop()
print("done", done, os.clock() - start)
