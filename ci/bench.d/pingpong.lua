-- title: channel, there and back
-- operations: 4000
-- limit: 4600
-- wanted: 3000
--
-- Two tasks and two channels: a message there and a message back, each of them waited for.

local cosock = require "cosock"

local operations = assert(tonumber(arg[1]))
local ping_out, ping_in = cosock.channel.new()
local pong_out, pong_in = cosock.channel.new()

cosock.spawn(function()
  for _ = 1, operations do
    pong_out:send(ping_in:receive())
  end
end, "answers")

cosock.spawn(function()
  local last
  for message = 1, operations do
    ping_out:send(message)
    last = pong_in:receive()
  end
  assert(last == operations)
end, "asks")

cosock.run()
