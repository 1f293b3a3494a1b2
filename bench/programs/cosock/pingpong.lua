-- Two tasks and two channels: a message there and a message back. pingpong.lua SECONDS

local cosock = require "cosock"

local budget = assert(tonumber(arg[1]))
local ping_out, ping_in = cosock.channel.new()
local pong_out, pong_in = cosock.channel.new()
local done = 0
local start = os.clock()

cosock.spawn(function()
  while true do
    local message = ping_in:receive()
    if not message then
      break
    end
    pong_out:send(message)
  end
end, "answers")

cosock.spawn(function()
  repeat
    for message = 1, 100 do
      ping_out:send(message)
      assert(pong_in:receive() == message)
    end
    done = done + 100
  until os.clock() - start >= budget
  ping_out:close()
end, "asks")

cosock.run()
print("done", done, os.clock() - start)
