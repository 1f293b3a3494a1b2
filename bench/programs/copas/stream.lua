-- One task sends to another through a channel, in bursts of 100, so that both wait now and then.
-- stream.lua SECONDS

local copas = require "copas"
local queue = require "copas.queue"

local budget = assert(tonumber(arg[1]))
local burst = 100
local messages, turns = queue.new(), queue.new()
local done = 0
local start = os.clock()

copas.addthread(function()
  while os.clock() - start < budget do
    for message = 1, burst do
      messages:push(message)
    end
    turns:pop(math.huge)
  end
  messages:push(false)
end)

copas.addthread(function()
  while true do
    local message = messages:pop(math.huge)
    if not message then
      break
    end
    assert(message == done % burst + 1)
    done = done + 1
    if message == burst then
      turns:push(true)
    end
  end
end)

copas.loop()
print("done", done, os.clock() - start)
