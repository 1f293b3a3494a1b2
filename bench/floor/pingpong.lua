-- Two tasks and two channels: a message there and a message back, as in ci/bench.d/pingpong.lua.

local channel = require "channel"

local operations = assert(tonumber(arg[1]))
local ping_out, ping_in = channel.new()
local pong_out, pong_in = channel.new()

channel.spawn(function()
  for _ = 1, operations do
    pong_out:send(ping_in:receive())
  end
end)

channel.spawn(function()
  local last
  for message = 1, operations do
    ping_out:send(message)
    last = pong_in:receive()
  end
  assert(last == operations)
  print "all came back"
end)

channel.run()
