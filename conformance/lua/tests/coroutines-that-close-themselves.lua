-- Since 5.5 a coroutine may close itself, which ends it past every protected call. Of a task that is its
-- end, without an error unless a to-be-closed variable raises one; under `run` it is the end of the run.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket = cosock.socket

local can = pcall(coroutine.wrap(function()
  coroutine.close(coroutine.running())
end))
expect.equal(can, expect.version == "5.5")
if not can then
  return world.finish()
end

-- Older versions cannot read this syntax.
local closing = assert(load [[
  local action = ...
  local _ <close> = setmetatable({}, { __close = action })
  coroutine.close()
]])

-- A task, after a wait and within a protected call, and one that closes another coroutine of its own.
local log = {}
local first = cosock.spawn(function()
  socket.sleep(0)
  pcall(closing, function()
    log[#log + 1] = "first"
  end)
  log[#log + 1] = "never"
end)
cosock.spawn(function()
  coroutine.wrap(coroutine.close)()
  socket.sleep(0)
  log[#log + 1] = "second"
end)
cosock.run()
table.sort(log)
expect.list(log, { "first", "second" })
expect.equal(tostring(first), "dead-thread")

-- The error of its variable is the task's.
local value
cosock.spawn(function()
  closing(function()
    error("of the variable", 0)
  end)
end, "raises", {
  onerror = function(err)
    value = err
  end,
})
cosock.run()
expect.equal(value, "of the variable")

-- The coroutine that runs the others: they stay, and another run takes them up.
local went_on = false
local runner = coroutine.create(function()
  cosock.spawn(error, "fails", { onerror = function() coroutine.close() end })
  cosock.spawn(function()
    socket.sleep(0.01)
    went_on = true
  end)
  cosock.run()
end)
expect.list(expect.pack(coroutine.resume(runner)), { n = 1, true })
expect.equal(coroutine.status(runner), "dead")
expect.equal(went_on, false)
cosock.run()
expect.equal(went_on, true)

world.finish()
