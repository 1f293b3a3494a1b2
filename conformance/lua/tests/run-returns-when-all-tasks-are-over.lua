-- run returns nothing when every task is over, may be called again, and refuses to be called within itself.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

-- Without tasks at once; arguments do not matter.
expect.equal(select("#", cosock.run()), 0)
expect.equal(select("#", cosock.run("ignored", 1)), 0)

-- Again and again, with tasks made before, between and within.
do
  local count = 0
  for _ = 1, 5 do
    cosock.spawn(function()
      socket.sleep(0.001)
      cosock.spawn(function()
        count = count + 1
      end)
    end)
    cosock.run()
  end
  expect.equal(count, 5)
end

-- A channel and its messages outlive a run.
do
  local tx, rx = channel.new()
  cosock.spawn(function()
    tx:send "first"
    tx:send "second"
  end)
  cosock.run()
  expect.equal(rx:receive(), "first", "outside a task")
  local got
  cosock.spawn(function()
    got = rx:receive()
  end)
  cosock.run()
  expect.equal(got, "second")
end

-- Nested, it raises at once, in the task, in a coroutine of it, in callbacks; everything else goes on.
do
  local raised = {}
  local function nested(from)
    raised[from] = expect.raises("cosock.run is already running", function()
      cosock.run()
    end)
  end
  local other = false
  cosock.spawn(function()
    nested "task"
    coroutine.wrap(nested) "coroutine"
    socket.sleep(0)
    nested "later"
    socket.select({ {
      setwaker = function(_, _, waker)
        if waker then
          nested "setwaker"
          waker()
        end
      end,
    } })
  end)
  cosock.spawn(function()
    socket.sleep(0)
    other = true
  end)
  require("cosock.timers").set(0, function()
    nested "timer"
  end)
  cosock.run()
  for _, from in ipairs { "task", "coroutine", "later", "setwaker", "timer" } do
    expect.equal(type(raised[from]), "string", from)
  end
  expect.contains(raised.task, "run-returns-when-all-tasks-are-over.lua:")
  expect.equal(other, true)
end

-- Uncaught, that is an error of the task; run can then be called again.
do
  cosock.spawn(function()
    cosock.run()
  end, "nests")
  expect.raises("cosock.run is already running", cosock.run)
  cosock.run()
end

-- In a coroutine of the user's own run works as in the main program, and its tasks go on in another.
do
  local count = 0
  local function count_up()
    socket.sleep(0)
    count = count + 1
  end
  cosock.spawn(count_up)
  -- Lua 5.1 makes no coroutines of C functions.
  local function run()
    cosock.run()
  end
  expect.list(expect.pack(coroutine.resume(coroutine.create(run))), { true })
  expect.equal(count, 1)
  cosock.spawn(count_up)
  coroutine.wrap(run)()
  cosock.spawn(count_up)
  cosock.run()
  expect.equal(count, 3)
end

-- A task that was parked in a run of one coroutine is resumed by a run of another.
do
  local tx, rx = channel.new()
  local got
  cosock.spawn(function()
    got = rx:receive()
  end)
  cosock.spawn(function()
    socket.sleep(0)
    error "ends the first run"
  end)
  local first = coroutine.create(function()
    cosock.run()
  end)
  local fine, raised = coroutine.resume(first)
  expect.equal(fine, false)
  expect.contains(raised, "ends the first run")
  first = nil
  collectgarbage()
  tx:send "message"
  coroutine.wrap(function()
    cosock.run()
  end)()
  expect.equal(got, "message")
end

-- Many tasks at once, many one after the other.
do
  local count = 0
  for _ = 1, 1000 do
    cosock.spawn(function()
      socket.sleep(0)
      count = count + 1
    end)
  end
  cosock.run()
  local function next_one()
    count = count + 1
    if count < 2000 then
      cosock.spawn(next_one)
    end
  end
  cosock.spawn(next_one)
  cosock.run()
  expect.equal(count, 2000)
end

world.finish()
