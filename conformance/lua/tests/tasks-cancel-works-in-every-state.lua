-- cancel of a task that never started, is ready, is over or was cancelled; from itself and from coroutines
-- inside it, where it raises; and what a cancelled task is told: nothing.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

-- Never started: it never runs, and a run without tasks ends at once.
do
  local ran = false
  local handle = cosock.spawn(function()
    ran = true
  end)
  expect.equal(select("#", handle:cancel()), 0)
  expect.equal(handle:is_alive(), false)
  expect.nothing_waits()
  cosock.run()
  expect.equal(ran, false)
  -- Neither over nor cancelled is an error, outside run or in it.
  handle:cancel()
  local over = cosock.spawn(function() end)
  cosock.run()
  over:cancel()
  cosock.spawn(function()
    over:cancel()
    handle:cancel()
  end)
  cosock.run()
end

-- Never started, cancelled by a task of the same turn.
do
  local ran, handle = false, nil
  cosock.spawn(function()
    handle:cancel()
  end)
  handle = cosock.spawn(function()
    ran = true
  end)
  cosock.run()
  expect.equal(ran, false)
end

-- Ready: woken, but cancelled before its turn comes. A message that it would have got is not lost.
do
  local tx, rx = channel.new()
  local got, second
  local handle = cosock.spawn(function()
    got = rx:receive()
  end)
  cosock.spawn(function()
    tx:send "message"
    handle:cancel()
    socket.sleep(0)
    cosock.spawn(function()
      second = rx:receive()
    end)
  end)
  cosock.run()
  expect.equal(got, nil)
  expect.equal(second, "message")
end

-- Ready in the same turn as its canceller: every task of a turn is disarmed before any of them runs.
do
  local order, handles = {}, {}
  for number = 1, 3 do
    handles[number] = cosock.spawn(function()
      socket.sleep(0)
      order[#order + 1] = number
      if number == 1 then
        handles[2]:cancel()
      end
    end)
  end
  cosock.run()
  expect.equal(table.concat(order, " "), "1 3")
end

-- Ready by a socket.
do
  local receiver, sender = assert(socket.udp()), assert(socket.udp())
  assert(receiver:setsockname("127.0.0.1", 0))
  local ip, port = receiver:getsockname()
  local got
  local handle = cosock.spawn(function()
    got = receiver:receive()
  end)
  cosock.spawn(function()
    assert(sender:sendto("datagram", ip, tonumber(port)))
    handle:cancel()
    expect.equal(receiver:receive(), "datagram", "for the next who asks")
  end)
  cosock.run()
  expect.equal(got, nil)
  receiver:close()
  sender:close()
end

-- A waker that was called before the cancel, or is called after it, revives nothing.
do
  local tx, rx = channel.new()
  local object, resumed = {}, 0
  function object:setwaker(_, waker)
    self.saved = waker or self.saved
  end
  local handle = cosock.spawn(function()
    socket.select { object, rx }
    resumed = resumed + 1
  end)
  cosock.spawn(function()
    object.saved()
    handle:cancel()
    object.saved()
    tx:send "message"
    socket.sleep(0)
    object.saved()
  end)
  cosock.run()
  object.saved()
  cosock.run()
  expect.equal(resumed, 0)
  expect.equal(#rx.link.queue, 1)
end

-- From itself it raises, before anything is changed.
do
  local handle
  handle = cosock.spawn(function()
    local raised = expect.raises("Attempt to cancel a spawned task from itself", handle.cancel, handle)
    expect.contains(raised, "itself")
    expect.equal(handle:is_alive(), true)
    socket.sleep(0)
    expect.equal(handle:is_alive(), true)
  end)
  cosock.run()
end

-- Through a coroutine in the task, however deep, too; on every version alike.
do
  local handle
  local function nested(depth)
    if depth == 0 then
      expect.raises("Attempt to cancel a spawned task from itself", handle.cancel, handle)
      return "raised"
    end
    return select(2, assert(coroutine.resume(coroutine.create(nested), depth - 1)))
  end
  local after = false
  handle = cosock.spawn(function()
    for depth = 0, 4 do
      expect.equal(nested(depth), "raised")
    end
    expect.equal(coroutine.wrap(nested)(2), "raised")
    socket.sleep(0)
    after = true
  end)
  cosock.run()
  expect.equal(after, true)
end

-- Uncaught, it is an error of the task, with the caller's position.
do
  local handle
  handle = cosock.spawn(function()
    handle:cancel()
  end, "suicidal")
  expect.contains(expect.raises("Attempt to cancel", cosock.run), "cancel-works-in-every-state.lua:")
  expect.equal(handle:is_alive(), false)
end

-- Two tasks that cancel each other: the first wins.
do
  local handles, survivors = {}, {}
  for number = 1, 2 do
    handles[number] = cosock.spawn(function()
      socket.sleep(0)
      handles[3 - number]:cancel()
      survivors[#survivors + 1] = number
    end)
  end
  cosock.run()
  expect.list(survivors, { 1 })
end

-- Outside run, between two runs.
do
  local tx, rx = channel.new()
  local got
  local handle = cosock.spawn(function()
    got = rx:receive()
  end)
  local other = cosock.spawn(function()
    socket.sleep(0)
    error "on purpose"
  end)
  expect.raises("on purpose", cosock.run)
  expect.equal(other:is_alive(), false)
  handle:cancel()
  expect.nothing_waits()
  tx:send "message"
  cosock.run()
  expect.equal(got, nil)
  expect.equal(rx:receive(), "message")
end

-- Cancelling thousands leaves nothing, and their places are used again.
do
  for _ = 1, 3 do
    local handles = {}
    for number = 1, 2000 do
      handles[number] = cosock.spawn(function()
        socket.sleep(1000)
      end)
    end
    cosock.spawn(function()
      expect.nothing_waits { tasks = 2001, timers = 2000 }
      for _, handle in ipairs(handles) do
        handle:cancel()
      end
      expect.nothing_waits { tasks = 1 }
    end)
    cosock.run()
  end
end

world.finish()
