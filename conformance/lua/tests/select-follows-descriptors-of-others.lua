-- Descriptors that others have opened, and close without a word: the next that is opened has the same number, and whoever
-- waits for that number then is told of the new one.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket = cosock.socket

-- The lowest number that is free: the next pipe to be read has it.
local function free_number()
  local probe = assert(socket.udp4())
  local fd = probe:getfd()
  probe:close()
  return fd
end

-- What LuaSocket's select takes.
local function telling(fd)
  return { getfd = function() return fd end }
end

-- What the protocol asks for, over a socket that is not ours.
local function speaking(fd)
  local object = { inner_sock = telling(fd) }
  function object:setwaker(_, waker)
    self.waker = waker
  end
  function object:_wake()
    self.waker()
    return true
  end
  return object
end

for _, make in ipairs { telling, speaking } do
  expect.tasks(function()
    local fd = free_number()
    for round = 1, 4 do
      local pipe = assert(io.popen("sleep 0.02; echo line"))
      local object = make(fd)
      local ready, _, err = socket.select({ object }, nil, 20)
      expect.equal(err, nil, "round " .. round)
      expect.list(ready, { object })
      expect.equal(pipe:read "*l", "line")
      pipe:close()
    end
    -- As long as nobody closes it, it is the same, and told again.
    local pipe = assert(io.popen("echo one; sleep 0.02; echo two"))
    for _, line in ipairs { "one", "two" } do
      for _ = 1, 3 do
        local object = make(fd)
        expect.list(socket.select({ object }, nil, 20), { object })
      end
      if line == "one" then
        pipe:setvbuf "no"
      end
      expect.equal(pipe:read "*l", line)
    end
    pipe:close()
    -- Nothing has the number now: whoever waits is told at once, for the operation will say why.
    local object = make(fd)
    expect.list(socket.select({ object }, nil, 20), { object })
    -- Nor is anything left of it when a socket of ours has it.
    expect.equal(free_number(), fd)
  end)
  expect.nothing_waits()
end

world.finish()
