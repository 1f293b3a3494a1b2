-- User code that resumes or closes the coroutine of a parked task ends that task; run, the others and what it
-- waited on are unharmed. What somebody resumed goes on under him.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local network = require "network"
local socket, channel = cosock.socket, cosock.channel

local function foreign()
  return {
    setwaker = function(self, _, waker)
      self.waker = waker
    end,
  }
end

-- A task parked on each kind of wait, and what would wake it.
local waits = {
  sleep = {
    wait = function() socket.sleep(0.01) end,
  },
  ["sleep(0)"] = {
    wait = function() socket.sleep(0) end,
  },
  message = {
    make = function()
      local tx, rx = channel.new()
      return { tx = tx, rx = rx }
    end,
    wait = function(own) own.rx:receive() end,
    wake = function(own) own.tx:send "message" end,
  },
  datagram = {
    make = function()
      local sock, port = network.datagram()
      return { sock = sock, port = port }
    end,
    wait = function(own) own.sock:receive() end,
    wake = function(own) own.sock:sendto("datagram", "127.0.0.1", own.port) end,
  },
  select = {
    make = function() return { object = foreign() } end,
    wait = function(own) socket.select({ own.object }, nil, 0.02) end,
    wake = function(own)
      if own.object.waker then
        own.object.waker()
      end
    end,
  },
  yield = {
    wait = function() coroutine.yield(nil, nil, 0.01) end,
  },
}

local actions = {
  ["resumed to its end"] = function(co)
    local fine, raised = coroutine.resume(co)
    expect.equal(fine, true, raised)
    expect.equal(coroutine.status(co), "dead")
  end,
  ["resumed with values"] = function(co)
    coroutine.resume(co, 1, "two", {}, nil, 5)
  end,
  ["resumed until it yields by hand"] = function(co)
    local fine, value = coroutine.resume(co, "yield")
    expect.equal(fine, true, value)
  end,
}
if coroutine.close then
  actions["closed"] = function(co)
    expect.equal(coroutine.close(co), true)
  end
end

for wait_name, wait in pairs(waits) do
  for action_name, action in pairs(actions) do
    for _, moment in ipairs { "parked", "ready" } do
      local what = wait_name .. ", " .. action_name .. " while " .. moment
      local own = wait.make and wait.make() or {}
      local co, handle
      local resumed_by_run = 0
      local other = 0
      handle = cosock.spawn(function()
        co = coroutine.running()
        wait.wait(own)
        local running = coroutine.running()
        expect.equal(running, co)
        if own.yields then
          coroutine.yield "to whom resumed it"
        end
      end, "harmed", {
        onerror = function(err)
          error(what .. ": " .. tostring(err), 0)
        end,
      })
      cosock.spawn(function()
        if moment == "ready" and wait.wake then
          wait.wake(own)
        end
        own.yields = action_name:find "by hand" ~= nil
        action(co)
        if moment == "parked" and wait.wake then
          wait.wake(own)
        end
      end, "acts")
      cosock.spawn(function()
        for _ = 1, 3 do
          socket.sleep(0.01)
          other = other + 1
        end
      end, "other")
      cosock.run()
      expect.equal(other, 3, what)
      expect.equal(handle:is_alive(), false, what)
      expect.equal(resumed_by_run, 0)
      expect.nothing_waits()
      if own.sock then
        own.sock:close()
      end
    end
  end
end

-- One that nobody would ever have woken: it is over, not a deadlock that is reported for ever. The run after
-- the report goes on without it.
do
  local co
  local _, rx = channel.new()
  cosock.spawn(function()
    co = coroutine.running()
    rx:receive()
  end, "waits in vain")
  expect.raises("waits in vain", cosock.run)
  coroutine.resume(co)
  expect.raises("deadlock", cosock.run)
  cosock.reset()
end

-- A task's coroutine that is resumed while it runs, or from within itself, is the language's error.
do
  local went_on = false
  cosock.spawn(function()
    local own = coroutine.running()
    local fine, raised = coroutine.resume(own)
    expect.equal(fine, false)
    expect.contains(raised, "cannot resume")
    coroutine.wrap(function()
      fine, raised = coroutine.resume(own)
      expect.equal(fine, false)
      expect.contains(raised, "cannot resume")
    end)()
    socket.sleep(0)
    went_on = true
  end)
  cosock.run()
  expect.equal(went_on, true)
end

-- One that never started, started by hand.
do
  local count = 0
  local co
  local handle = cosock.spawn(function()
    count = count + 1
    co = coroutine.running()
    socket.sleep(0.001)
    count = count + 1
  end)
  cosock.run()
  expect.equal(count, 2)
  expect.equal(handle:is_alive(), false)
  local fine, raised = coroutine.resume(co)
  expect.equal(fine, false)
  expect.contains(raised, "dead")
end

-- Two tasks that resume each other's coroutine.
do
  local coroutines, log = {}, {}
  for number = 1, 2 do
    cosock.spawn(function()
      coroutines[number] = coroutine.running()
      socket.sleep(0)
      log[#log + 1] = "goes on " .. number
      coroutine.resume(coroutines[3 - number])
      log[#log + 1] = "back in " .. number
    end)
  end
  cosock.run()
  expect.list(log, { "goes on 1", "goes on 2", "back in 2", "back in 1" })
  expect.nothing_waits()
end

world.finish()
