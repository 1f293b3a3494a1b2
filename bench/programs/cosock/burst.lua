-- A channel that is filled DEPTH messages deep before they are taken. burst.lua SECONDS DEPTH

local cosock = require "cosock"

local budget, depth = assert(tonumber(arg[1])), assert(tonumber(arg[2]))
local sender, receiver = cosock.channel.new()
local done = 0
local start = os.clock()

cosock.spawn(function()
  repeat
    for message = 1, depth do
      sender:send(message)
    end
    for message = 1, depth do
      assert(receiver:receive() == message)
    end
    done = done + depth
  until os.clock() - start >= budget
end)
cosock.run()
print("done", done, os.clock() - start)
