-- Two tasks and two channels: a message there and a message back. pingpong.lua SECONDS

local uv = require "luv"
local tasks = require "tasks_on_luv"

local budget = assert(tonumber(arg[1]))
local ping, pong = tasks.channel(), tasks.channel()
local done = 0
local start = os.clock()

tasks.spawn(function()
  while true do
    local message = ping:receive()
    if not message then
      break
    end
    pong:send(message)
  end
end)

tasks.spawn(function()
  repeat
    for message = 1, 100 do
      ping:send(message)
      assert(pong:receive() == message)
    end
    done = done + 100
  until os.clock() - start >= budget
  ping:send(false)
end)

uv.run()
print("done", done, os.clock() - start)
