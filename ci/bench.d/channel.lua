-- title: channel, sent and received by one task
-- operations: 4000
-- limit: 1400
-- wanted: 1400
--
-- Bursts of a hundred messages that are there when they are asked for: nothing waits.

local cosock = require "cosock"

local operations = assert(tonumber(arg[1]))
local burst = 100
local sender, receiver = cosock.channel.new()
assert(operations % burst == 0)

cosock.spawn(function()
  local sum = 0
  for _ = 1, operations / burst do
    for message = 1, burst do
      sender:send(message)
    end
    for _ = 1, burst do
      sum = sum + receiver:receive()
    end
  end
  assert(sum == operations * (burst + 1) / 2)
end, "sends and receives")

cosock.run()
