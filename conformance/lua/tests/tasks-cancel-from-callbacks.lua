-- cancel called by an object's own setwaker and _wake: while it is armed, disarmed or told; by timers; and
-- setwakers that raise. Nobody else is harmed.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel, timers = cosock.socket, cosock.channel, require "cosock.timers"

-- While a task is armed it is not over yet: to cancel it then is to cancel it from itself. The error is the
-- task's, and the objects armed before are told.
do
  local handle
  local first, second = { calls = {} }, {}
  function first:setwaker(_, waker)
    self.calls[#self.calls + 1] = waker and "set" or "unset"
  end
  function second:setwaker(_, waker)
    if waker then
      handle:cancel()
    end
  end
  handle = cosock.spawn(function()
    coroutine.yield({ first, second }, nil)
  end, "arms")
  expect.raises("Attempt to cancel a spawned task from itself", cosock.run)
  expect.equal(handle:is_alive(), false)
  expect.list(first.calls, { "set", "unset" })
  expect.nothing_waits()
end

-- Another task's setwaker cancels: one parked, one that is ready in this turn.
for _, moment in ipairs { "set", "unset" } do
  local tx, rx = channel.new()
  local victim, resumed
  local object = {}
  function object:setwaker(_, waker)
    if (waker and "set" or "unset") == moment then
      victim:cancel()
    end
    self.waker = waker
  end
  victim = cosock.spawn(function()
    rx:receive()
    resumed = true
  end, "victim")
  local woken
  cosock.spawn(function()
    woken = socket.select({ object }, nil, 5)
  end, "selects")
  cosock.spawn(function()
    tx:send "makes the victim ready"
    object.waker()
  end)
  cosock.run()
  expect.equal(resumed, nil, moment)
  expect.equal(woken[1], object, moment)
  expect.equal(rx:receive(), "makes the victim ready")
end

-- A task that is being cancelled: its object's setwaker cancels it again, spawns and sends.
do
  local tx, rx = channel.new()
  local handle, child
  local object = {}
  function object:setwaker(_, waker)
    if not waker then
      handle:cancel()
      expect.equal(handle:is_alive(), false)
      tx:send "told"
      child = cosock.spawn(function()
        expect.equal(rx:receive(), "told")
      end)
    end
  end
  handle = cosock.spawn(function()
    socket.select { object }
    error "must not run on"
  end)
  cosock.spawn(function()
    handle:cancel()
  end)
  cosock.run()
  expect.equal(child:is_alive(), false)
end

-- A foreign _wake that cancels the task that waits, or another one, instead of waking.
for _, whom in ipairs { "own", "other" } do
  local receiver, sender = assert(socket.udp()), assert(socket.udp())
  assert(receiver:setsockname("127.0.0.1", 0))
  local ip, port = receiver:getsockname()
  local own, other, finished
  local object = { inner_sock = receiver.inner_sock }
  function object:setwaker(_, waker)
    self.waker = waker
  end
  function object:_wake()
    if whom == "own" then
      own:cancel()
      other:cancel()
    else
      other:cancel()
      self.waker()
    end
    return true
  end
  own = cosock.spawn(function()
    finished = socket.select({ object }, nil, 5)
  end, "own")
  other = cosock.spawn(function()
    socket.sleep(1000)
  end, "other")
  cosock.spawn(function()
    assert(sender:sendto("datagram", ip, tonumber(port)))
  end)
  cosock.run()
  expect.equal(finished ~= nil, whom == "other", whom)
  receiver:close()
  sender:close()
end

-- A callback of cosock.timers cancels.
do
  local handle = cosock.spawn(function()
    socket.sleep(1000)
  end)
  timers.set(0.01, function()
    handle:cancel()
  end)
  cosock.run()
  expect.equal(handle:is_alive(), false)
end

-- An object that raises when it is told of a cancel: the task is over all the same, and the other objects
-- of its list were told.
do
  local calls = {}
  local function object(name, raises)
    return {
      setwaker = function(_, _, waker)
        calls[#calls + 1] = name .. (waker and " set" or " unset")
        if raises and not waker then
          error("raised by " .. name, 0)
        end
      end,
    }
  end
  local handle = cosock.spawn(function()
    socket.select { object("a"), object("b", true), object("c") }
  end)
  cosock.spawn(function()
    pcall(handle.cancel, handle)
    expect.equal(handle:is_alive(), false)
    expect.nothing_waits { tasks = 1 }
  end)
  cosock.run()
  expect.list(calls, { "a set", "b set", "c set", "a unset", "b unset", "c unset" })
end

world.finish()
