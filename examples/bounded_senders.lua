-- Two quick senders and one slow receiver on a channel for two messages (bounded_channel.lua). Once
-- the channel is full, each send waits until the receiver has made room.
--
--   lua bounded_senders.lua [messages|forever]
local here = arg[0]:match("^(.*[/\\])") or "./"
package.path = here .. "?.lua;" .. package.path

local cosock = require "cosock"
local bounded_channel = require "bounded_channel"
local socket = cosock.socket

local messages = arg[1] == "forever" and math.huge or tonumber(arg[1]) or 5
local sender, receiver = bounded_channel.new(2)
local busy = 2

local function send(name)
  return function()
    for number = 1, messages do
      local message = name .. number
      local start = socket.gettime()
      assert(sender:send(message))
      print(string.format("sent %s after %.2f seconds", message, socket.gettime() - start))
      socket.sleep(0.02)
    end
    busy = busy - 1
    if busy == 0 then
      sender:close()
    end
  end
end

cosock.spawn(send("a"), "sender a")
cosock.spawn(send("b"), "sender b")

cosock.spawn(function()
  local message, problem = receiver:receive()
  while message do
    print("received " .. message)
    socket.sleep(0.1)
    message, problem = receiver:receive()
  end
  print("receiver stops: " .. problem)
end, "receiver")

cosock.run()
