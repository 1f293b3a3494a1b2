-- A channel that is filled DEPTH messages deep before they are taken. burst.lua SECONDS DEPTH

local cqueues = require "cqueues"
local channel = require "channel"

local budget, depth = assert(tonumber(arg[1])), assert(tonumber(arg[2]))
local loop = cqueues.new()
local messages = channel.new()
local done = 0
local start = os.clock()

loop:wrap(function()
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
assert(loop:loop())
print("done", done, os.clock() - start)
