-- A receiver whose sender was collected is told "closed" where a deadlock would be reported, and not before;
-- one whose sender is still there is a deadlock.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

local function receiver_alone()
  local _, receiver = channel.new()
  return receiver
end

-- Parked in receive, with and without other tasks waiting for what it does then.
do
  local message, problem
  cosock.spawn(function()
    message, problem = receiver_alone():receive()
  end)
  cosock.run()
  expect.equal(message, nil)
  expect.equal(problem, "closed")
end

-- The messages in it come first.
do
  local tx, rx = channel.new()
  tx:send(1)
  tx = nil
  local got = {}
  cosock.spawn(function()
    local message, problem = rx:receive()
    got[1] = message
    message, problem = rx:receive()
    got[2], got[3] = message or "nothing", problem
  end)
  cosock.run()
  expect.list(got, { 1, "nothing", "closed" })
  expect.equal(rx.link.closed, true)
end

-- A chain: each task that is told ends, and with it goes the sender that the next one waits for.
do
  local order = {}
  local function link(number, rx)
    local next_tx, next_rx = channel.new()
    if number < 5 then
      link(number + 1, next_rx)
    end
    cosock.spawn(function()
      local _, problem = rx:receive()
      order[#order + 1] = number .. " " .. problem
      return next_tx
    end)
  end
  link(1, receiver_alone())
  cosock.run()
  expect.list(order, { "1 closed", "2 closed", "3 closed", "4 closed", "5 closed" })
end

-- Not before: a task that makes a new sender of the old half's link in time is no deadlock, and a sleeping
-- task holds the collection back.
do
  local rx = receiver_alone()
  local problem, when_woken
  local slept = false
  cosock.spawn(function()
    local _
    _, problem = rx:receive()
    when_woken = slept
  end)
  cosock.spawn(function()
    socket.sleep(0.02)
    slept = true
  end)
  cosock.run()
  expect.equal(problem, "closed")
  expect.equal(when_woken, true)
end

-- One whose sender is anchored somewhere is reported, beside one that is told.
do
  local tx, rx = channel.new()
  local told
  cosock.spawn(function()
    rx:receive()
  end, "waits for a living sender")
  cosock.spawn(function()
    local _
    _, told = receiver_alone():receive()
  end, "waits for nobody")
  local report = expect.raises("deadlock", cosock.run)
  expect.equal(told, "closed")
  expect.contains(report, "waits for a living sender")
  expect.equal(report:find("waits for nobody", 1, true), nil)
  tx:close()
  cosock.run()
end

-- In a select too.
do
  local first, second = receiver_alone(), receiver_alone()
  local ready, problem
  cosock.spawn(function()
    ready = socket.select { first, second }
    local _
    _, problem = ready[1]:receive()
  end)
  cosock.run()
  expect.equal(ready[1] == first or ready[1] == second, true)
  expect.equal(problem, "closed")
end

world.finish()
