-- When nothing can wake any task, run raises a text that names each and what it waits for. Run may be called
-- again: it goes on when something was woken meanwhile, and reports again when not.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

local function foreign()
  return {
    setwaker = function(self, _, waker)
      self.waker = waker
    end,
  }
end

-- The sender must not be collected, or its receiver would not wait in vain.
local kept = {}
local tx, rx = channel.new()
kept[1] = tx
local _, other = channel.new()
kept[2] = _
local object, writable = foreign(), foreign()
local log = {}

local function parks_in_a_function()
  local message = rx:receive()
  log[#log + 1] = message
end

cosock.spawn(parks_in_a_function, "receives")
cosock.spawn(function()
  socket.sleep()
  log[#log + 1] = "slept"
end, "sleeps without end")
cosock.spawn(function()
  socket.select({ object, other }, { writable })
  log[#log + 1] = "selected"
end, "selects")
cosock.spawn(function()
  coroutine.yield()
  log[#log + 1] = "yielded"
end)
cosock.spawn(function()
  coroutine.yield({}, {})
  log[#log + 1] = "yielded"
end, 17)

local report = expect.raises("cosock tried to call socket.select with no sockets and no timeout", cosock.run)
for _, part in ipairs {
  "'receives' waits in receive of a channel (recvt: 1, sendt: 0)",
  "'sleeps without end' waits in sleep (recvt: 0, sendt: 0)",
  "'selects' waits in select (recvt: 2, sendt: 1)",
  "task thread: 0x",
  "'17' waits in select (recvt: 0, sendt: 0)",
  "deadlock-names-every-task-and-its-wait.lua:",
} do
  expect.contains(report, part)
end
expect.equal(report:find("please report", 1, true), nil, "it is nobody's bug")
expect.equal(#log, 0)

-- Nothing changed: the same again, and all tasks are still there.
expect.equal(expect.raises("deadlock", cosock.run), report)
expect.equal(cosock._debug().tasks, 5)

-- Something woken meanwhile goes on; then the rest is reported.
tx:send "message"
report = expect.raises("deadlock", cosock.run)
expect.list(log, { "message" })
expect.equal(report:find("'receives'", 1, true), nil)
object.waker()
expect.raises("deadlock", cosock.run)
expect.list(log, { "message", "selected" })

-- A new task that only sleeps holds the report back until it is over.
local over = false
cosock.spawn(function()
  socket.sleep(0.01)
  over = true
end)
expect.raises("deadlock", cosock.run)
expect.equal(over, true)

-- In an error handler's eyes a deadlock is no task's error.
cosock.seterrorhandler(function(err)
  error("the handler was called: " .. tostring(err))
end)
expect.raises("deadlock", cosock.run)
cosock.seterrorhandler(nil)

cosock.reset()
expect.nothing_waits()
cosock.run()

-- A deadline, a descriptor, a look-up or a callback is none.
do
  local sender, receiver = channel.new()
  require("cosock.timers").set(0.02, function()
    sender:send "by a timer"
  end)
  cosock.spawn(function()
    local message = receiver:receive()
    log[#log + 1] = message
  end)
  cosock.run()
  expect.equal(log[#log], "by a timer")
end
do
  local sender, receiver = channel.new()
  cosock.spawn(function()
    receiver:settimeout(0.02)
    local _, problem = receiver:receive()
    log[#log + 1] = problem
  end)
  cosock.run()
  expect.equal(log[#log], "timeout")
  sender:close()
end
cosock.spawn(function()
  assert(socket.dns.toip "localhost")
  log[#log + 1] = "looked up"
end)
cosock.run()
expect.equal(log[#log], "looked up")

-- A cancelled timer does not delay the report.
do
  local sleeper = cosock.spawn(function()
    socket.sleep(1000)
  end)
  cosock.spawn(function()
    sleeper:cancel()
    socket.sleep()
  end, "waits in vain")
  local start = socket.gettime()
  expect.raises("waits in vain", cosock.run)
  expect.equal(socket.gettime() - start < 100, true)
  cosock.reset()
end

-- The report of thousands of tasks is made in time, and has them all.
do
  expect.usual_collector()
  for number = 1, 2000 do
    cosock.spawn(function()
      socket.sleep()
    end, "sleeper " .. number)
  end
  report = expect.raises("deadlock", cosock.run)
  expect.contains(report, "'sleeper 1'")
  expect.contains(report, "'sleeper 2000'")
  expect.equal(select(2, report:gsub("'sleeper %d+'", "")), 2000)
  cosock.reset()
end

-- Waiting on an object without a descriptor is no deadlock: it is answered at once.
do
  local got
  cosock.spawn(function()
    local sock = assert(socket.tcp())
    got = socket.select { sock }
    sock:close()
  end)
  cosock.run()
  expect.equal(#got, 1)
end

world.finish()
