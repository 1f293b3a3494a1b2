-- An element, a list or a timeout that cannot be waited on: yielded by hand it is an error of that task;
-- through select it raises in the task, at the caller. Nobody else is hurt, and nothing stays registered.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

local told
local good = {
  setwaker = function(_, _, waker)
    told = waker ~= nil
  end,
}

-- Runs a task that yields the arguments, beside one that must go on; returns the error.
local function yield_error(...)
  local arguments = expect.pack(...)
  local raised, resumed
  local went_on = false
  cosock.spawn(function()
    coroutine.yield((table.unpack or unpack)(arguments, 1, arguments.n))
    resumed = true
  end, "bad", {
    onerror = function(err)
      raised = err
    end,
  })
  cosock.spawn(function()
    socket.sleep(0)
    socket.sleep(0)
    went_on = true
  end)
  told = false
  cosock.run()
  expect.equal(went_on, true)
  expect.equal(resumed, nil)
  expect.equal(told, false, "the good object was told of the end")
  expect.nothing_waits()
  return raised
end

-- What select raises in the task, for the same arguments; the task goes on.
local function select_error(...)
  local arguments = expect.pack(...)
  local raised
  cosock.spawn(function()
    local function call()
      local results = { socket.select((table.unpack or unpack)(arguments, 1, arguments.n)) }
      return results
    end
    local fine, err = pcall(call)
    -- On 5.1 a select that waits cannot cross pcall; none of these may get so far.
    expect.equal(fine, false)
    raised = err
    socket.sleep(0)
  end)
  told = false
  cosock.run()
  expect.equal(told, false)
  expect.nothing_waits()
  return raised
end

local tx = channel.new()
local raw = assert(socket.tcp())

-- Elements.
for _, case in ipairs {
  { {}, "non-wakeable socket" },
  { setmetatable({}, { __index = {} }), "non-wakeable socket" },
  { "text", "non-wakeable socket" },
  { io.stdout, "non-wakeable socket" },
  { raw.inner_sock, "non-wakeable socket" },
  { tx, "non-wakeable socket" },
  { 5, "attempt to index a number value" },
  { true, "attempt to index a boolean value" },
  { print, "attempt to index a function value" },
  { coroutine.create(function() end), "attempt to index a thread value" },
} do
  local bad, text = case[1], case[2]
  for _, list in ipairs { { bad }, { good, bad }, { bad, good }, { good, key = bad } } do
    expect.contains(yield_error(list), text)
    expect.contains(yield_error(nil, list), text)
    expect.contains(yield_error({ good }, list), text)
    expect.contains(select_error(list), "non-wakeable socket")
    expect.contains(select_error(nil, list), "non-wakeable socket")
  end
  expect.contains(select_error { bad }, "bad argument #1 to 'select'")
  expect.contains(select_error(nil, { bad }), "bad argument #2 to 'select'")
  expect.contains(select_error { bad }, "protocol-bad-waits-fail-their-task-alone.lua:")
end

-- Lists.
for _, bad in ipairs { 5, "text", true, print, io.stdout, raw.inner_sock } do
  expect.contains(yield_error(bad), "bad argument #1 to 'yield' (table expected, got " .. type(bad) .. ")")
  expect.contains(yield_error({ good }, bad), "bad argument #2 to 'yield' (table expected, got ")
  expect.contains(select_error(bad), "bad argument #1 to 'select' (table expected, got " .. type(bad) .. ")")
  expect.contains(select_error({ good }, bad), "bad argument #2 to 'select' (table expected, got ")
end
expect.contains(yield_error(false), "(table expected, got boolean)")

-- Timeouts.
for _, bad in ipairs { "text", {}, true, print, 0 / 0 } do
  expect.contains(yield_error({ good }, nil, bad), "bad timeout")
  expect.contains(select_error({ good }, nil, bad), "bad argument #3 to 'select'")
end
expect.contains(yield_error(nil, nil, 0 / 0), "NaN")
expect.contains(select_error(nil, nil, 0 / 0), "NaN")

-- A setwaker that raises: the objects before it were told of the end.
for _, value in ipairs { "by setwaker", {} } do
  local bad = {
    setwaker = function(_, _, waker)
      if waker then
        error(value, 0)
      end
    end,
  }
  expect.equal(yield_error { good, bad }, value)
  expect.equal(yield_error({ good }, { bad }), value)
end

-- One that raises when it is told of the end: its task fails instead of going on.
do
  local waker
  local bad = {
    setwaker = function(_, _, given)
      if not given then
        error("at the end", 0)
      end
      waker = given
    end,
  }
  expect.equal(yield_error({ good, bad }, nil, 0.001), "at the end")
  local raised
  cosock.spawn(function()
    socket.select { bad }
  end, nil, {
    onerror = function(err)
      raised = err
    end,
  })
  cosock.spawn(function()
    -- The waker tells the object first, which raises here too; its task is woken all the same.
    expect.raises("at the end", waker)
  end)
  cosock.run()
  expect.equal(raised, "at the end")
end

-- An object that loses its setwaker while it is waited on is told nothing more.
do
  local object = {}
  local waker
  function object:setwaker(_, given)
    waker = given or waker
  end
  local ready
  cosock.spawn(function()
    ready = socket.select { object }
  end)
  cosock.spawn(function()
    object.setwaker = nil
    waker()
  end)
  cosock.run()
  expect.list(ready, { object })
end

-- A second waiter of a socket fails alone, in select and by hand; the first is served.
do
  local udp = assert(socket.udp())
  assert(udp:setsockname("127.0.0.1", 0))
  local ip, port = udp:getsockname()
  for _, first in ipairs { "receive", "select" } do
    for _, second in ipairs { "receive", "select", "yield", "twice in one list" } do
      local served, raised
      cosock.spawn(function()
        if first == "receive" then
          served = udp:receive()
        else
          served = socket.select { udp } and udp:receive()
        end
      end)
      cosock.spawn(function()
        if second == "receive" then
          udp:receive()
        elseif second == "select" then
          socket.select({ udp }, nil, 5)
        elseif second == "yield" then
          coroutine.yield({ good, udp })
        else
          local other = assert(socket.udp())
          assert(other:setsockname("127.0.0.1", 0))
          cosock.spawn(function()
            other:close()
          end)
          coroutine.yield({ other, good, other })
        end
      end, "second", {
        onerror = function(err)
          raised = err
        end,
      })
      cosock.spawn(function()
        assert(udp:sendto("datagram", ip, tonumber(port)))
      end)
      cosock.run()
      expect.equal(served, "datagram", first .. " before " .. second)
      expect.contains(raised, "recvr waker already set, sockets can only block one thread per waker kind")
      expect.nothing_waits()
    end
  end
  udp:close()
end

-- One reader and one writer are no conflict.
do
  local udp = assert(socket.udp())
  assert(udp:setsockname("127.0.0.1", 0))
  local ip, port = udp:getsockname()
  local read
  cosock.spawn(function()
    read = udp:receive()
  end)
  cosock.spawn(function()
    local _, sendr = socket.select(nil, { udp }, 5)
    expect.list(sendr, { udp })
    assert(udp:sendto("datagram", ip, tonumber(port)))
  end)
  cosock.run()
  expect.equal(read, "datagram")
  udp:close()
end

raw:close()
world.finish()
