-- A queue over a condition, the usual channel of cqueues programs.

local condition = require "cqueues.condition"

local channel = {}
channel.__index = channel

function channel.new()
  return setmetatable({ first = 1, last = 0, filled = condition.new() }, channel)
end

function channel:send(value)
  local last = self.last + 1
  self.last = last
  self[last] = value
  self.filled:signal(1)
end

function channel:receive()
  while self.first > self.last do
    self.filled:wait()
  end
  local first = self.first
  local value = self[first]
  self[first] = nil
  self.first = first + 1
  return value
end

return channel
