-- Two tasks and two channels: a message there and a message back. pingpong.lua SECONDS

local copas = require "copas"
local queue = require "copas.queue"

local budget = assert(tonumber(arg[1]))
local ping, pong = queue.new(), queue.new()
local done = 0
local start = os.clock()

copas.addthread(function()
  while true do
    local message = ping:pop(math.huge)
    if not message then
      break
    end
    pong:push(message)
  end
end)

copas.addthread(function()
  repeat
    for message = 1, 100 do
      ping:push(message)
      assert(pong:pop(math.huge) == message)
    end
    done = done + 100
  until os.clock() - start >= budget
  ping:push(false)
end)

copas.loop()
print("done", done, os.clock() - start)
