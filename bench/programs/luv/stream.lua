-- One task sends to another through a channel, in bursts of 100, so that both wait now and then.
-- stream.lua SECONDS

local uv = require "luv"
local tasks = require "tasks_on_luv"

local budget = assert(tonumber(arg[1]))
local burst = 100
local messages, turns = tasks.channel(), tasks.channel()
local done = 0
local start = os.clock()

tasks.spawn(function()
  while os.clock() - start < budget do
    for message = 1, burst do
      messages:send(message)
    end
    turns:receive()
  end
  messages:send(false)
end)

tasks.spawn(function()
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

uv.run()
print("done", done, os.clock() - start)
