-- reset forgets every task, with what it waits for, and every timer; within a task, that task runs up to its
-- next wait. Objects can be waited on again at once.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel, timers = cosock.socket, cosock.channel, require "cosock.timers"

-- Outside run: without tasks, with new ones, twice.
expect.equal(select("#", cosock.reset()), 0)
do
  local ran = false
  local handle = cosock.spawn(function()
    ran = true
  end)
  cosock.reset()
  cosock.reset()
  expect.equal(handle:is_alive(), false)
  expect.equal(tostring(handle), "dead-thread")
  expect.equal(#cosock.get_thread_metadata(), 0)
  expect.nothing_waits()
  cosock.run()
  expect.equal(ran, false)
end

-- In a task, with tasks parked on everything: run returns after the turn, and the code after the caller's
-- next wait never runs.
do
  local tx, rx = channel.new()
  local udp = assert(socket.udp())
  assert(udp:setsockname("127.0.0.1", 0))
  local listener = assert(socket.bind("127.0.0.1", 0))
  local calls, log = {}, {}
  local object = {
    setwaker = function(_, kind, waker)
      calls[#calls + 1] = kind .. (waker and " set" or " unset")
    end,
  }
  local handles = {}
  for index, wait in ipairs {
    function() socket.sleep(0.001) end,
    function() socket.sleep(1000) end,
    function() rx:receive() end,
    function() udp:receive() end,
    function() listener:accept() end,
    function() socket.select({ object }, { object }) end,
  } do
    handles[index] = cosock.spawn(function()
      wait()
      log[#log + 1] = "resumed " .. index
    end)
  end
  timers.set(0.001, function()
    log[#log + 1] = "timer fired"
  end, "reference")
  cosock.spawn(function()
    log[#log + 1] = "before"
    expect.equal(select("#", cosock.reset()), 0)
    log[#log + 1] = "after"
    for index, handle in ipairs(handles) do
      expect.equal(handle:is_alive(), false, index)
    end
    expect.equal(#cosock.get_thread_metadata(), 0)
    expect.nothing_waits()
    socket.sleep(0)
    log[#log + 1] = "after a wait"
  end)
  cosock.run()
  expect.list(log, { "before", "after" })
  expect.equal(calls[3]:match "unset", "unset")
  expect.equal(#calls, 4)

  -- Nothing of before the reset comes back.
  local got = {}
  cosock.spawn(function()
    socket.sleep(0.02)
    local message = rx:receive()
    got[#got + 1] = message
  end)
  cosock.spawn(function()
    local datagram = udp:receive()
    got[#got + 1] = datagram
  end)
  cosock.spawn(function()
    tx:send "message"
    local ip, port = udp:getsockname()
    local sender = assert(socket.udp())
    assert(sender:sendto("datagram", ip, tonumber(port)))
    sender:close()
  end)
  cosock.run()
  table.sort(got)
  expect.list(got, { "datagram", "message" })
  expect.list(log, { "before", "after" })
  udp:close()
  listener:close()
end

-- Tasks that are ready in the same turn never start or go on.
do
  local log = {}
  for number = 1, 3 do
    cosock.spawn(function()
      log[#log + 1] = "start " .. number
      socket.sleep(0)
      log[#log + 1] = "go on " .. number
      if number == 1 then
        cosock.reset()
      end
    end)
  end
  cosock.run()
  expect.list(log, { "start 1", "start 2", "start 3", "go on 1" })
end

-- What is spawned after the reset, in the same task, runs.
do
  local log = {}
  cosock.spawn(function()
    cosock.spawn(function()
      log[#log + 1] = "before the reset"
    end)
    cosock.reset()
    cosock.spawn(function()
      socket.sleep(0)
      log[#log + 1] = "after the reset"
    end)
  end)
  cosock.run()
  expect.list(log, { "after the reset" })
end

-- A task that resets and ends, or fails, is simply over.
do
  cosock.spawn(function()
    cosock.reset()
  end)
  cosock.run()
  cosock.spawn(function()
    cosock.reset()
    error "after a reset"
  end)
  expect.raises("after a reset", cosock.run)
  expect.nothing_waits()
end

-- A reset keeps the handler of all tasks' errors.
do
  local seen
  cosock.seterrorhandler(function(err)
    seen = err
  end)
  cosock.reset()
  cosock.spawn(function()
    error("told", 0)
  end)
  cosock.run()
  expect.equal(seen, "told")
  cosock.seterrorhandler(nil)
end

world.finish()
