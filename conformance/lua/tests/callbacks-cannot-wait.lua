-- What cosock calls between turns is no part of a task: setwaker, _wake, timers, handlers and wakers can
-- neither wait nor yield, wherever run was called. They can catch that; if they do not, it is an error of the
-- task or of run, as any other would be.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local network = require "network"
local socket, channel, timers = cosock.socket, cosock.channel, require "cosock.timers"

local _, idle = channel.new()

local tries = {
  sleep = function() socket.sleep(0) end,
  select = function() socket.select({ idle }, nil, 0) end,
  receive = function() idle:receive() end,
  yield = function() coroutine.yield() end,
  ["yield of lists"] = function() coroutine.yield({ idle }, {}, 0) end,
}

-- Each place is given a function to call where it is; it makes run call it.
local places = {}

function places.setwaker(call)
  cosock.spawn(function()
    socket.select({ {
      setwaker = function(_, _, waker)
        if waker then
          call()
          waker()
        end
      end,
    } })
  end, "task")
end

places["setwaker at the end"] = function(call)
  cosock.spawn(function()
    socket.select({ {
      setwaker = function(_, _, waker)
        if not waker then
          call()
        end
      end,
    } }, nil, 0)
  end, "task")
end

function places._wake(call)
  local sock, port = network.datagram()
  local object = { inner_sock = sock.inner_sock }
  function object:setwaker(_, waker)
    self.waker = waker
  end
  function object:_wake()
    self.waker()
    call()
    return true
  end
  cosock.spawn(function()
    assert(sock:sendto("datagram", "127.0.0.1", port))
    socket.select { object }
  end, "task")
  return function()
    sock:close()
  end
end

function places.timer(call)
  timers.set(0, call)
  cosock.spawn(function()
    socket.sleep(0.001)
  end)
end

places["error handler"] = function(call)
  cosock.spawn(error, "fails", {
    onerror = function()
      call()
    end,
  })
end

local function run_in(where)
  if where == "the main program" then
    return pcall(cosock.run)
  end
  local results = expect.pack(coroutine.resume(coroutine.create(function()
    cosock.run()
    return "over"
  end)))
  expect.equal(results[1] == false or results[2] == "over", true, "run itself did not yield")
  return results[1], results[2]
end

for _, where in ipairs { "the main program", "a coroutine" } do
  for place_name, place in pairs(places) do
    for try_name, try in pairs(tries) do
      local what = try_name .. " in " .. place_name .. ", run in " .. where
      -- Caught by the callback: everything goes on.
      local raised
      local close = place(function()
        local fine, err = pcall(try)
        raised = raised or not fine and err
      end)
      local fine, err = run_in(where)
      expect.equal(fine, true, what .. ": " .. tostring(err))
      expect.contains(raised, "yield", what)
      expect.nothing_waits()
      if close then
        close()
      end
      -- Not caught: an error like any other.
      close = place(try)
      fine, err = run_in(where)
      expect.equal(fine, false, what)
      expect.contains(err, "yield", what)
      cosock.reset()
      expect.nothing_waits()
      if close then
        close()
      end
    end
  end
end

-- A new coroutine in a callback waits for whom resumes it, and for nobody else.
do
  local yielded
  timers.set(0, function()
    yielded = expect.pack(coroutine.resume(coroutine.create(function()
      socket.sleep(5)
    end)))
  end)
  cosock.spawn(function()
    socket.sleep(0.001)
  end)
  cosock.run()
  expect.equal(yielded[1], true)
  expect.equal(yielded[4], 5)
end

world.finish()
