-- Two tasks and two channels: a message there and a message back. pingpong.lua SECONDS

local cqueues = require "cqueues"
local channel = require "channel"

local budget = assert(tonumber(arg[1]))
local loop = cqueues.new()
local ping, pong = channel.new(), channel.new()
local done = 0
local start = os.clock()

loop:wrap(function()
  while true do
    local message = ping:receive()
    if not message then
      break
    end
    pong:send(message)
  end
end)

loop:wrap(function()
  repeat
    for message = 1, 100 do
      ping:send(message)
      assert(pong:receive() == message)
    end
    done = done + 100
  until os.clock() - start >= budget
  ping:send(false)
end)

assert(loop:loop())
print("done", done, os.clock() - start)
