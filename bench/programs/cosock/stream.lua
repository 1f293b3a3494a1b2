-- One task sends to another through a channel, in bursts of 100, so that both wait now and then.
-- stream.lua SECONDS

local cosock = require "cosock"

local budget = assert(tonumber(arg[1]))
local burst = 100
local sender, receiver = cosock.channel.new()
local turn_over, turn = cosock.channel.new()
local done = 0
local start = os.clock()

cosock.spawn(function()
  while os.clock() - start < budget do
    for message = 1, burst do
      sender:send(message)
    end
    turn:receive()
  end
  sender:close()
end, "sends")

cosock.spawn(function()
  while true do
    local message = receiver:receive()
    if not message then
      break
    end
    assert(message == done % burst + 1)
    done = done + 1
    if message == burst then
      turn_over:send(true)
    end
  end
end, "receives")

cosock.run()
print("done", done, os.clock() - start)
