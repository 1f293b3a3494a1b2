-- A channel that is filled DEPTH messages deep before they are taken. burst.lua SECONDS DEPTH

local uv = require "luv"
local tasks = require "tasks_on_luv"

local budget, depth = assert(tonumber(arg[1])), assert(tonumber(arg[2]))
local messages = tasks.channel()
local done = 0
local start = os.clock()

tasks.spawn(function()
  repeat
    for message = 1, depth do
      messages:send(message)
    end
    for message = 1, depth do
      assert(messages:receive() == message)
    end
    done = done + depth
  until os.clock() - start >= budget
end)
uv.run()
print("done", done, os.clock() - start)
