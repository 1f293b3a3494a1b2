-- In a coroutine that cosock's own resume or wrap runs for a task, names are looked up while other tasks run, and
-- sockets wait as in the task itself; also several coroutines deep, and through pcall.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket
cosock.install_coroutine()
cosock.install_pcall()

local shapes = {
  wrap = function(fn) return coroutine.wrap(fn)() end,
  resume = function(fn) return select(2, coroutine.resume(coroutine.create(fn))) end,
  deep = function(fn)
    return coroutine.wrap(function()
      return coroutine.wrap(function()
        return coroutine.wrap(fn)()
      end)()
    end)()
  end,
  in_pcall = function(fn)
    return select(2, pcall(function()
      return coroutine.wrap(function()
        return select(2, pcall(fn))
      end)()
    end))
  end,
}

-- Whether `look_up` lets another task run.
local function others_run(look_up)
  local turns, over = 0, false
  cosock.spawn(function()
    while not over do
      turns = turns + 1
      socket.sleep(0)
    end
  end, "ticker")
  socket.sleep(0)
  local before = turns
  look_up()
  over = true
  return turns > before
end

for name, shape in pairs(shapes) do
  expect.tasks(function()
    expect.equal(others_run(function()
      expect.equal(shape(function() return (socket.dns.toip("localhost")) end), "127.0.0.1")
    end), true, name .. ", dns")
    local server, port = network.listener()
    expect.equal(others_run(function()
      local sock = shape(function()
        local sock = socket.tcp()
        assert(sock:connect("localhost", port))
        return sock
      end)
      local peer = server:accept()
      peer:send("line\n")
      expect.equal(shape(function() return (sock:receive()) end), "line")
      sock:close()
      peer:close()
    end), true, name .. ", connect")
    server:close()
  end)
end

-- A failed look-up, a cancelled one, and one whose coroutine nobody resumes any more.
expect.tasks(function()
  local address, err = coroutine.wrap(function()
    return socket.dns.toip("there-is-no-such-name.invalid")
  end)()
  expect.equal(address, nil)
  expect.equal(type(err), "string")
  local task = cosock.spawn(function()
    coroutine.wrap(function()
      socket.dns.toip("localhost")
    end)()
    error("it was cancelled")
  end, "to be cancelled")
  socket.sleep(0)
  task:cancel()
end)
expect.nothing_waits()

-- Below a C function nothing can wait: a name is looked up at once, and a wait raises.
expect.tasks(function()
  local address, raised
  table.sort({ 2, 1 }, function(a, b)
    address = coroutine.wrap(function()
      return (socket.dns.toip("localhost"))
    end)()
    raised = raised or expect.raises(expect.no_yield, coroutine.wrap(function()
      socket.sleep(0)
    end))
    return a < b
  end)
  expect.equal(address, "127.0.0.1")
  expect.contains(raised, expect.no_yield)
end)

-- A coroutine that waits for one task cannot be resumed by another, nor when that task was cancelled.
expect.tasks(function()
  local tx, rx = cosock.channel.new()
  local co = coroutine.create(function()
    while true do
      local message = rx:receive()
      coroutine.yield(message)
    end
  end)
  local got = {}
  local first = cosock.spawn(function()
    while true do
      got[#got + 1] = expect.pack(coroutine.resume(co))
    end
  end, "first")
  socket.sleep(0)
  expect.equal(coroutine.status(co), "suspended")
  local fine, err = coroutine.resume(co)
  expect.equal(fine, false)
  expect.equal(err, "cannot resume a coroutine that waits")
  tx:send("one")
  tx:send("two")
  network.wait_until(function() return #got == 2 end)
  first:cancel()
  expect.list(got[1], { true, "one", n = 2 })
  expect.list(got[2], { true, "two", n = 2 })
  fine, err = coroutine.resume(co)
  expect.equal(fine, false)
  expect.equal(err, "cannot resume a coroutine that waits")
  -- A wrapped one raises it.
  local generate = coroutine.wrap(function()
    socket.sleep(100)
  end)
  local holder = cosock.spawn(function() generate() end, "holder")
  socket.sleep(0)
  expect.raises("cannot resume a coroutine that waits", generate)
  holder:cancel()
end)

-- How deep coroutines may be is the language's own limit. Where it is reached no finalizer can be called either, and Lua
-- lets go of what it has not finalized: so no garbage may come to its end there.
expect.tasks(function()
  local depth = 0
  local function descend()
    depth = depth + 1
    if depth < 20000 then
      coroutine.wrap(descend)()
    end
  end
  collectgarbage()
  collectgarbage("stop")
  local fine, err = pcall(descend)
  collectgarbage("restart")
  expect.equal(fine or err:find("overflow", 1, true) ~= nil, true)
  expect.equal(depth > 50, true)
end)

world.finish()
