-- Deadlines come in their order, equal ones in the order in which they were set, moved ones at their new
-- place; ended waits leave no deadline behind, however many there were.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel
expect.usual_collector()

-- A thousand sleeps of mixed lengths.
do
  local order, seed = {}, 1
  for number = 1, 1000 do
    seed = seed * 16807 % 2147483647
    local milliseconds = seed % 40
    cosock.spawn(function()
      socket.sleep(milliseconds / 1000)
      order[#order + 1] = { milliseconds, number }
    end)
  end
  local start = socket.gettime()
  cosock.run()
  expect.equal(socket.gettime() - start >= 0.038, true)
  expect.equal(#order, 1000)
  local last = {}
  for _, entry in ipairs(order) do
    local milliseconds, number = entry[1], entry[2]
    expect.equal(number > (last[milliseconds] or 0), true, "equal lengths in the order of their setting")
    last[milliseconds] = number
  end
  expect.equal(order[1][1], 0)
  expect.nothing_waits()
end

-- Equal deadlines that pass while nobody looks.
do
  local order = {}
  for number = 1, 100 do
    cosock.spawn(function()
      socket.sleep(0.002)
      order[#order + 1] = number
    end)
  end
  cosock.spawn(function()
    local start = socket.gettime()
    repeat
    until socket.gettime() - start > 0.005
  end)
  cosock.run()
  for number = 1, 100 do
    expect.equal(order[number], number)
  end
end

-- 10,000 waits with a limit, each ended in time: none leaves a deadline, and a task that goes on waiting
-- with a limit has one.
do
  local tx, rx = channel.new()
  rx:settimeout(1000)
  cosock.spawn(function()
    for _ = 1, 10000 do
      expect.equal(rx:receive(), "message")
    end
    expect.equal(cosock._debug().timers, 0)
  end, "receives")
  cosock.spawn(function()
    for _ = 1, 10000 do
      tx:send "message"
      socket.sleep(0)
    end
  end, "sends")
  cosock.run()
  expect.nothing_waits()
end

-- 10,000 tasks that sleep with deadlines near and far, cancelled in another order.
do
  local handles = {}
  for number = 1, 10000 do
    handles[number] = cosock.spawn(function()
      socket.sleep(1000 + number * 7919 % 10000)
    end)
  end
  local late = false
  cosock.spawn(function()
    expect.equal(cosock._debug().timers, 10000)
    for step = 1, 10000 do
      handles[step * 7 % 10000 + 1]:cancel()
    end
    expect.nothing_waits { tasks = 1 }
    socket.sleep(0.01)
    late = true
  end)
  cosock.run()
  expect.equal(late, true)
end

-- Waits in select with limits that others end, of which one in ten runs out.
do
  local object = {
    setwaker = function(self, _, waker)
      self.waker = waker
    end,
  }
  local ended, timed_out = 0, 0
  local waiting = cosock.spawn(function()
    for number = 1, 500 do
      local ready = socket.select({ object }, nil, number % 10 == 0 and 0.0001 or 1000)
      ended = ended + (ready and 1 or 0)
      timed_out = timed_out + (ready and 0 or 1)
    end
  end)
  cosock.spawn(function()
    local number = 0
    while waiting:is_alive() do
      number = ended + timed_out + 1
      if number % 10 ~= 0 and object.waker then
        object.waker()
      end
      expect.equal(cosock._debug().timers <= 2, true)
      socket.sleep(0)
    end
  end)
  cosock.run()
  expect.equal(ended, 450)
  expect.equal(timed_out, 50)
  expect.nothing_waits()
end

-- A task's deadline moved to an earlier and to a later time.
do
  local object = {
    setwaker = function(self, _, waker)
      self.waker = waker
    end,
  }
  cosock.spawn(function()
    socket.select({ object }, nil, 1000)
    local start = socket.gettime()
    socket.sleep(0.005)
    socket.sleep(0.02)
    local took = socket.gettime() - start
    expect.equal(took >= 0.024 and took < 100, true, "seconds: " .. took)
  end)
  cosock.spawn(function()
    object.waker()
  end)
  cosock.run()
end

world.finish()
