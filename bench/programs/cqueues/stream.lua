-- One task sends to another through a channel, in bursts of 100, so that both wait now and then.
-- stream.lua SECONDS

local cqueues = require "cqueues"
local channel = require "channel"

local budget = assert(tonumber(arg[1]))
local burst = 100
local loop = cqueues.new()
local messages, turns = channel.new(), channel.new()
local done = 0
local start = os.clock()

loop:wrap(function()
  while os.clock() - start < budget do
    for message = 1, burst do
      messages:send(message)
    end
    turns:receive()
  end
  messages:send(false)
end)

loop:wrap(function()
  while true do
    local message = messages:receive()
    if not message then
      break
    end
    assert(message == done % burst + 1)
    done = done + 1
    if message == burst then
      turns:send(true)
    end
  end
end)

assert(loop:loop())
print("done", done, os.clock() - start)
