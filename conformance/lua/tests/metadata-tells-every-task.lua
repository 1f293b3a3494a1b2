-- get_thread_metadata: one entry for each living task, with name, traceback, what it waits for, when it last
-- ran and how it is; right for maps, methods and before the first run; without tasks that are over.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local network = require "network"
local socket, channel = cosock.socket, cosock.channel

local function entries()
  local list = cosock.get_thread_metadata()
  local by_name = {}
  local count = 0
  for key, entry in pairs(list) do
    expect.equal(type(key), "number")
    count = count + 1
    if entry.name ~= nil then
      by_name[entry.name] = entry
    end
  end
  expect.equal(count, #list)
  return by_name, count, list
end

local fields = {
  name = true, traceback = true, recvt = true, sendt = true, timeout = true, last_wake = true,
  last_wake_time = true, status = true,
}

expect.list(cosock.get_thread_metadata(), {})

-- Before run.
do
  local key = {}
  cosock.spawn(function() end, "new")
  cosock.spawn(function() end, key)
  cosock.spawn(function() end)
  cosock.spawn(function() end, false)
  local by_name, count = entries()
  expect.equal(count, 4)
  for _, name in ipairs { "new", key, false } do
    local entry = by_name[name]
    expect.equal(entry.name, name)
    expect.equal(entry.status, "suspended")
    expect.equal(entry.last_wake, "unknown")
    expect.equal(entry.recvt, 0)
    expect.equal(entry.sendt, 0)
    expect.equal(entry.timeout, nil)
    expect.equal(entry.traceback:sub(1, 16), "stack traceback:")
    for field in pairs(entry) do
      expect.equal(fields[field], true, field)
    end
  end
  cosock.run()
  expect.list(cosock.get_thread_metadata(), {})
end

-- While tasks wait for everything that there is.
do
  local tx, rx = channel.new()
  local foreign = { setwaker = function() end }
  local end_all = {}
  local waits = {
    sleeps = { function() socket.sleep(1000) end, 0, 0, 1000 },
    ["sleeps for ever"] = { function() socket.sleep() end, 0, 0, nil },
    ["receives a message"] = { function() rx:receive() end, 1, 0, nil },
    ["selects a list"] = { function() socket.select({ foreign, foreign }, { foreign }, 1000.5) end, 2, 1, 1000.5 },
    ["selects a map"] = {
      function()
        coroutine.yield({ a = foreign, b = foreign, [10] = foreign }, { key = foreign }, 2000)
      end, 3, 1, 2000,
    },
    ["yields nothing"] = { function() coroutine.yield() end, 0, 0, nil },
    accepts = {
      function()
        local listener = network.listener()
        end_all[#end_all + 1] = listener
        listener:settimeout(30)
        listener:accept()
      end, 1, 0, 30,
    },
    receives = {
      function()
        local client, peer = network.pair()
        end_all[#end_all + 1], end_all[#end_all + 2] = client, peer
        client:receive()
      end, 1, 0, nil,
    },
    sends = {
      function()
        local client, peer = network.pair()
        end_all[#end_all + 1], end_all[#end_all + 2] = client, peer
        client:send(("x"):rep(16 * 1024 * 1024))
      end, 0, 1, nil,
    },
    ["receives a datagram"] = {
      function()
        local sock = network.datagram()
        end_all[#end_all + 1] = sock
        sock:receivefrom()
      end, 1, 0, nil,
    },
  }
  local expected = 0
  for name, wait in pairs(waits) do
    expected = expected + 1
    cosock.spawn(function()
      wait[1]()
      return name
    end, name)
  end
  local start = socket.gettime()
  cosock.spawn(function()
    for _ = 1, 50 do
      socket.sleep(0)
    end
    local by_name, count = entries()
    expect.equal(count, expected + 1)
    for name, wait in pairs(waits) do
      local entry = by_name[name]
      expect.equal(entry.status, "suspended", name)
      expect.equal(entry.recvt, wait[2], name .. ": recvt")
      expect.equal(entry.sendt, wait[3], name .. ": sendt")
      expect.equal(entry.timeout, wait[4], name .. ": timeout")
      expect.contains(entry.traceback, "stack traceback:\n")
      expect.contains(entry.traceback, "metadata-tells-every-task.lua:")
      local now = socket.gettime()
      expect.equal(entry.last_wake >= math.floor(start - 0.1), true, name)
      expect.equal(entry.last_wake <= now + 0.1, true, name)
      expect.equal(entry.last_wake % 1, 0)
      -- Whatever the clock that it is taken from, to some milliseconds.
      local wake = entry.last_wake_time
      expect.equal(wake >= start - 0.1 and wake <= now + 0.1, true, name)
      expect.equal(math.abs(entry.last_wake - wake) <= 1, true)
      if math.type then
        expect.equal(math.type(entry.last_wake), "integer")
        expect.equal(math.type(entry.recvt), "integer")
        expect.equal(math.type(entry.sendt), "integer")
        expect.equal(math.type(entry.last_wake_time), "float")
      end
    end
    local own = by_name["looks"]
    expect.equal(own.status, "running")
    expect.contains(own.traceback, "metadata-tells-every-task.lua:")
    -- From a coroutine inside the task.
    coroutine.wrap(function()
      local nested = entries()
      expect.equal(nested["looks"].status, "normal")
      expect.equal(nested["sleeps"].status, "suspended")
    end)()
    cosock.reset()
  end, "looks")
  cosock.run()
  for _, sock in ipairs(end_all) do
    sock:close()
  end
  tx:close()
end

-- The traceback is of where the task waits: its functions are in it, not those of run.
do
  local seen
  local function a_function_that_waits()
    socket.sleep(0.001)
  end
  cosock.spawn(function()
    a_function_that_waits()
  end, "waits")
  cosock.spawn(function()
    seen = entries()["waits"].traceback
  end)
  local function a_function_that_runs()
    cosock.run()
  end
  a_function_that_runs()
  expect.contains(seen, "a_function_that_waits")
  expect.equal(seen:find("a_function_that_runs", 1, true), nil)
end

-- Tasks that are over are not listed: ended, failed, cancelled.
do
  local cancelled = cosock.spawn(function()
    socket.sleep(1000)
  end, "cancelled")
  cosock.spawn(error, "failed", { onerror = function() end })
  cosock.spawn(function() end, "ended")
  local left
  cosock.spawn(function()
    socket.sleep(0)
    cancelled:cancel()
    left = cosock.get_thread_metadata()
  end, "looks")
  cosock.run()
  expect.equal(#left, 1)
  expect.equal(left[1].name, "looks")
end

-- Between two runs, after an error.
do
  cosock.spawn(function()
    socket.sleep(0.001)
  end, "sleeps")
  cosock.spawn(function()
    socket.sleep(0)
    error "on purpose"
  end, "fails")
  expect.raises("on purpose", cosock.run)
  local by_name, count = entries()
  expect.equal(count, 1)
  expect.equal(by_name["sleeps"].status, "suspended")
  cosock.run()
end

-- The lists are anew at each call.
do
  cosock.spawn(function() end, "task")
  local first, second = cosock.get_thread_metadata(), cosock.get_thread_metadata()
  expect.equal(rawequal(first, second), false)
  expect.equal(rawequal(first[1], second[1]), false)
  first[1].name = "changed"
  expect.equal(cosock.get_thread_metadata()[1].name, "task")
  cosock.run()
end

world.finish()
