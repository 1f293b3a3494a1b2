-- reset called where cosock calls user code: by timers, error handlers, setwaker at each of its moments, _wake,
-- __pairs, __tostring, __index. Nothing crashes, nothing is left, and a new run works as ever.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local network = require "network"
local socket, channel, timers = cosock.socket, cosock.channel, require "cosock.timers"

local resets

-- Collects too, so that what nobody holds any more is gone.
local function reset()
  resets = resets + 1
  cosock.reset()
  collectgarbage()
  expect.equal(#cosock.get_thread_metadata(), 0)
end

-- Tasks that must be forgotten.
local function spawn_bystanders()
  local _, rx = channel.new()
  for _, wait in ipairs {
    function() socket.sleep(0) end,
    function() socket.sleep(1000) end,
    function() rx:receive() end,
    function() socket.select({ { setwaker = function() end } }, nil, 1000) end,
  } do
    cosock.spawn(function()
      wait()
      error "a task outlived the reset"
    end, "bystander")
  end
end

local function check(what, prepare)
  resets = 0
  local close = prepare()
  local fine, raised = pcall(cosock.run)
  expect.equal(resets >= 1, true, what .. ": reset was called; " .. tostring(raised))
  if not fine then
    expect.contains(raised, "raised on purpose", what)
    cosock.run()
  end
  expect.nothing_waits()
  if close then
    close()
  end
  -- A new run, with a wait of every kind.
  local tx, rx = channel.new()
  local got
  cosock.spawn(function()
    socket.sleep(0)
    got = rx:receive()
  end)
  cosock.spawn(function()
    tx:send(what)
  end)
  cosock.run()
  expect.equal(got, what)
end

local function foreign(on_set, on_unset)
  return {
    setwaker = function(self, _, waker)
      self.waker = waker or self.waker
      local action = waker and on_set or not waker and on_unset
      if action then
        action(waker)
      end
    end,
  }
end

check("a callback of timers", function()
  timers.set(0, reset)
  timers.set(0, function()
    error "a timer outlived the reset"
  end)
  timers.set(1000, print)
  spawn_bystanders()
end)

check("a handler of one task", function()
  cosock.spawn(error, nil, { onerror = reset })
  spawn_bystanders()
end)

check("the handler of all tasks", function()
  cosock.seterrorhandler(reset)
  cosock.spawn(error)
  spawn_bystanders()
  return function()
    cosock.seterrorhandler(nil)
  end
end)

check("setwaker when it is set", function()
  cosock.spawn(function()
    socket.select { foreign(), foreign(reset), foreign() }
    error "it went on"
  end)
  spawn_bystanders()
end)

check("setwaker when it is set, which then raises", function()
  cosock.spawn(function()
    socket.select {
      foreign(),
      foreign(function()
        reset()
        error "raised on purpose"
      end),
    }
    error "it went on"
  end)
  spawn_bystanders()
end)

check("setwaker when it is set, which then wakes", function()
  cosock.spawn(function()
    socket.select {
      foreign(function(waker)
        reset()
        waker()
      end),
    }
    error "it went on"
  end)
  spawn_bystanders()
end)

check("setwaker before its task goes on", function()
  for _ = 1, 3 do
    cosock.spawn(function()
      socket.select({ foreign(), foreign(nil, reset), foreign() }, nil, 0)
      error "it went on"
    end)
  end
  spawn_bystanders()
end)

check("setwaker within its waker", function()
  local object = foreign()
  cosock.spawn(function()
    socket.select { object }
    error "it went on"
  end)
  cosock.spawn(function()
    object.setwaker = function()
      object.setwaker = nil
      reset()
    end
    object.waker()
  end)
  spawn_bystanders()
end)

check("setwaker of a task that is cancelled", function()
  local handle = cosock.spawn(function()
    socket.select { foreign(nil, reset) }
  end)
  cosock.spawn(function()
    handle:cancel()
    expect.equal(handle:is_alive(), false)
  end)
  spawn_bystanders()
end)

check("_wake", function()
  local sock, port = network.datagram()
  local object = foreign()
  object.inner_sock = sock.inner_sock
  function object._wake()
    reset()
    return true
  end
  cosock.spawn(function()
    assert(sock:sendto("datagram", "127.0.0.1", port))
    socket.select { object }
    error "it went on"
  end)
  spawn_bystanders()
  return function()
    sock:close()
  end
end)

check("getfd of a foreign inner socket", function()
  local object = foreign()
  object.inner_sock = {
    getfd = function()
      reset()
      return -1
    end,
  }
  cosock.spawn(function()
    socket.select { object, foreign() }
    error "it went on"
  end)
  spawn_bystanders()
end)

check("__index where setwaker is looked up", function()
  local count = 0
  cosock.spawn(function()
    coroutine.yield { setmetatable({}, {
      __index = function(_, key)
        count = count + 1
        if key == "setwaker" and count == 1 then
          reset()
        end
        return function() end
      end,
    }) }
    error "it went on"
  end)
  spawn_bystanders()
end)

if expect.version ~= "5.1" and expect.version ~= "jit" then
  check("__pairs", function()
    cosock.spawn(function()
      coroutine.yield(setmetatable({}, {
        __pairs = function()
          reset()
          return next, { foreign() }
        end,
      }))
      error "it went on"
    end)
    spawn_bystanders()
  end)
end

check("a channel's waker", function()
  local tx, rx = channel.new()
  rx:setwaker("recvr", reset)
  cosock.spawn(function()
    tx:send "message"
    socket.sleep(0)
    error "it went on"
  end)
  spawn_bystanders()
end)

check("the text of a handle's name", function()
  local handle
  handle = cosock.spawn(function()
    tostring(handle)
    socket.sleep(0)
    error "it went on"
  end, setmetatable({}, {
    __tostring = function()
      reset()
      return "name"
    end,
  }))
  spawn_bystanders()
end)

check("a coroutine of a task", function()
  cosock.spawn(function()
    coroutine.wrap(function()
      reset()
      coroutine.wrap(reset)()
    end)()
    socket.sleep(0)
    error "it went on"
  end)
  spawn_bystanders()
end)

check("several tasks of one turn, each for itself", function()
  for _ = 1, 3 do
    cosock.spawn(function()
      reset()
      cosock.spawn(function()
        reset()
        local garbage = {}
        for number = 1, 100 do
          garbage[number] = coroutine.create(function() end)
        end
        collectgarbage()
        socket.sleep(0)
        error "it went on"
      end)
      socket.sleep(0)
      error "it went on"
    end)
  end
end)

world.finish()
