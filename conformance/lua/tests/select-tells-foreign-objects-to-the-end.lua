-- Of several foreign objects whose descriptors are ready at once each is told, when the `_wake` of one raises or
-- lets its task sleep, too; and what a task waited on besides is not waited on any more when it runs.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

-- Around a socket of ours; `answer` is what its `_wake` does with the waker.
local function foreign(inner, answer)
  return {
    inner_sock = inner.inner_sock,
    setwaker = function(self, _, waker)
      self.waker = waker
    end,
    _wake = function(self)
      return answer(self.waker)
    end,
  }
end

local function wakes(waker)
  waker()
  return true
end

local function send_to(...)
  local from = network.datagram()
  for _, to in ipairs { ... } do
    expect.equal(from:sendto("x", "127.0.0.1", (select(2, to:getsockname()))), 1)
  end
  from:close()
end

-- One raises, and that leaves `run`; the other is told when that is called again.
do
  local fails, works = network.datagram(), network.datagram()
  local woken
  cosock.spawn(function()
    socket.select { foreign(fails, function()
      error "on purpose"
    end) }
  end)
  cosock.spawn(function()
    woken = #socket.select { foreign(works, wakes) }
  end)
  cosock.spawn(function()
    send_to(fails, works)
  end)
  expect.raises("on purpose", cosock.run)
  cosock.run()
  expect.equal(woken, 1)
  fails:close()
  works:close()
  expect.nothing_waits()
end

-- A socket of ours is ready as well, so the task runs although the object lets it sleep.
do
  local own, other = network.datagram(), network.datagram()
  local told = 0
  local sleeper = foreign(other, function()
    told = told + 1
  end)
  cosock.spawn(function()
    local ready = socket.select { own, sleeper }
    expect.list(ready, { own })
    expect.equal(cosock._debug().waiters, 0)
  end)
  cosock.spawn(function()
    send_to(own, other)
  end)
  cosock.run()
  assert(told <= 1)
  expect.nothing_waits()
  -- Nothing can wake this one, and that is found out.
  local kept, rx = cosock.channel.new()
  cosock.spawn(function()
    rx:receive()
  end, "waits")
  expect.raises("deadlock", cosock.run)
  kept:close()
  cosock.run()
  own:close()
  other:close()
end

world.finish()
