-- Where the language has them (5.4 and later), to-be-closed variables of a cancelled task run, in order,
-- whatever they do; elsewhere the coroutine is left to the collector.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"

if not coroutine.close then
  -- What only the task knew is collected after its cancel.
  local witness = setmetatable({}, { __mode = "v" })
  local handle = cosock.spawn(function()
    local kept = {}
    witness.kept = kept
    cosock.socket.sleep(1000)
    return kept
  end)
  cosock.spawn(function()
    handle:cancel()
  end)
  cosock.run()
  collectgarbage()
  collectgarbage()
  expect.equal(witness.kept, nil)
  return world.finish()
end

-- Older versions cannot read this syntax.
local tests = assert(load([==[
local expect, cosock = ...
local socket, channel = cosock.socket, cosock.channel
local log

local function closing(name, action)
  return setmetatable({}, {
    __close = function(_, err)
      log[#log + 1] = name .. (err == nil and "" or " with an error")
      if action then
        action()
      end
    end,
  })
end

-- Cancels a task that holds the variables a (outer) and b (inner) while it sleeps.
local function cancel_with(outer, inner)
  log = {}
  local handle = cosock.spawn(function()
    local a <close> = closing("a", outer)
    local b <close> = closing("b", inner)
    socket.sleep(1000)
  end, "closes")
  cosock.spawn(function()
    expect.equal(select("#", handle:cancel()), 0)
    log[#log + 1] = "cancelled"
  end)
  cosock.run()
  expect.equal(handle:is_alive(), false)
  expect.nothing_waits()
  return table.concat(log, ", ")
end

expect.equal(cancel_with(), "b, a, cancelled")

-- An error in one is handed to the next; the last is lost.
expect.equal(cancel_with(nil, function()
  error "on purpose"
end), "b, a with an error, cancelled")
expect.equal(cancel_with(function()
  error "on purpose"
end), "b, a, cancelled")

-- They may use cosock: send, close, spawn, cancel, look at metadata.
local tx, rx = channel.new()
local spawned, others = false, nil
expect.equal(cancel_with(function()
  tx:send "from a"
  cosock.spawn(function()
    spawned = true
  end)
  others = #cosock.get_thread_metadata()
end), "b, a, cancelled")
expect.equal(spawned, true)
expect.equal(rx:receive(), "from a")
expect.equal(others, 2, "the canceller and the new one")

-- A wait is impossible there: the task is gone. The error is the variable's.
local problem
expect.equal(cancel_with(nil, function()
  local fine, raised = pcall(socket.sleep, 0)
  problem = not fine and raised
end), "b, a, cancelled")
expect.equal(type(problem), "string")
expect.contains(problem, "yield")

-- cancel of itself within: it is over already.
do
  log = {}
  local handle
  handle = cosock.spawn(function()
    local a <close> = closing("a", function()
      handle:cancel()
      log[#log + 1] = tostring(handle:is_alive())
    end)
    socket.sleep(1000)
  end)
  cosock.spawn(function()
    handle:cancel()
  end)
  cosock.run()
  expect.list(log, { "a", "false" })
end

-- A task that never started has none; one that ended or failed ran them itself.
do
  log = {}
  local function body()
    local a <close> = closing("a")
    socket.sleep(0)
  end
  local handle = cosock.spawn(body)
  handle:cancel()
  cosock.run()
  expect.list(log, {})
  handle = cosock.spawn(body)
  cosock.run()
  handle:cancel()
  expect.list(log, { "a" })
end

-- A failed task's variables run, with the error.
do
  log = {}
  cosock.spawn(function()
    local a <close> = closing("a")
    socket.sleep(0)
    error "on purpose"
  end)
  expect.raises("on purpose", cosock.run)
  expect.list(log, { "a with an error" })
end

-- A wait inside __close while the task ends by itself.
do
  log = {}
  cosock.spawn(function()
    do
      local a <close> = closing("a", function()
        socket.sleep(0.01)
      end)
    end
    log[#log + 1] = "after"
  end)
  cosock.run()
  expect.list(log, { "a", "after" })
end

-- The canceller can be an object's setwaker, and the variables of the one cancelled may wake others.
do
  log = {}
  local tx, rx = channel.new()
  local victim = cosock.spawn(function()
    local a <close> = closing("a", function()
      tx:send "woken"
    end)
    socket.sleep(1000)
  end)
  local got
  cosock.spawn(function()
    got = rx:receive()
  end)
  cosock.spawn(function()
    socket.select({ {
      setwaker = function(_, _, waker)
        if waker then
          victim:cancel()
          waker()
        end
      end,
    } })
  end)
  cosock.run()
  expect.equal(got, "woken")
end
]==], "=closing"))
tests(expect, cosock)

world.finish()
