-- cancel ends a task in every state: whatever it waited for, nothing of it stays registered, and another
-- task can wait on the same object at once.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

local function server()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  return listener, tonumber(port)
end

local function pair()
  local listener, port = server()
  local client = assert(socket.connect("127.0.0.1", port))
  local peer = assert(listener:accept())
  listener:close()
  return client, peer
end

local function udp()
  local sock = assert(socket.udp())
  assert(sock:setsockname("127.0.0.1", 0))
  return sock
end

-- What a task can be parked on: makes the objects, waits on them, and makes another task's wait on the same
-- objects end. Each gets the table that `make` returned.
local waits = {}

waits["sleep"] = {
  wait = function()
    socket.sleep(1000)
  end,
}

waits["a wait without end"] = {
  wait = function()
    socket.sleep()
  end,
}

waits["receive of a channel"] = {
  make = function()
    local tx, rx = channel.new()
    return { tx = tx, rx = rx }
  end,
  wait = function(own)
    expect.equal(own.rx:receive(), "message")
  end,
  finish = function(own)
    own.tx:send "message"
  end,
}

waits["receive of a channel with a timeout"] = {
  make = waits["receive of a channel"].make,
  wait = function(own)
    own.rx:settimeout(1000)
    expect.equal(own.rx:receive(), "message")
  end,
  finish = waits["receive of a channel"].finish,
}

waits["accept"] = {
  make = function()
    local listener, port = server()
    return { listener = listener, port = port, close = { listener } }
  end,
  wait = function(own)
    assert(own.listener:accept()):close()
  end,
  finish = function(own)
    assert(socket.connect("127.0.0.1", own.port)):close()
  end,
}

waits["receive"] = {
  make = function()
    local client, peer = pair()
    return { client = client, peer = peer, close = { client, peer } }
  end,
  wait = function(own)
    expect.equal(own.client:receive(), "line")
  end,
  finish = function(own)
    assert(own.peer:send "line\n")
  end,
}

waits["receive with a timeout"] = {
  make = waits["receive"].make,
  wait = function(own)
    own.client:settimeout(1000)
    expect.equal(own.client:receive(), "line")
  end,
  finish = waits["receive"].finish,
}

waits["send"] = {
  make = function()
    local own = waits["receive"].make()
    own.data = ("x"):rep(8 * 1024 * 1024)
    return own
  end,
  wait = function(own)
    own.client:send(own.data)
  end,
  finish = function(own)
    own.peer:close()
  end,
}

waits["receive of a datagram"] = {
  make = function()
    local sock, other = udp(), udp()
    return { sock = sock, other = other, close = { sock, other } }
  end,
  wait = function(own)
    expect.equal(own.sock:receive(), "datagram")
  end,
  finish = function(own)
    local ip, port = own.sock:getsockname()
    assert(own.other:sendto("datagram", ip, tonumber(port)))
  end,
}

waits["receivefrom"] = {
  make = waits["receive of a datagram"].make,
  wait = function(own)
    expect.equal(own.sock:receivefrom(), "datagram")
  end,
  finish = waits["receive of a datagram"].finish,
}

waits["select of sockets and a channel"] = {
  make = function()
    local own = waits["receive"].make()
    own.tx, own.rx = channel.new()
    own.data = ("x"):rep(8 * 1024 * 1024)
    return own
  end,
  wait = function(own)
    local ready = socket.select({ own.client, own.rx, own.peer }, nil, 1000)
    expect.equal(ready[1], own.rx)
  end,
  finish = function(own)
    own.tx:send "message"
  end,
}

waits["a yield by hand"] = {
  make = waits["receive"].make,
  wait = function(own)
    local ready = coroutine.yield({ own.client }, {})
    expect.equal(ready[1], own.client)
  end,
  finish = waits["receive"].finish,
}

-- An object of the user's own, which accepts one waker.
local function foreign()
  local object = { sets = 0 }
  function object:setwaker(kind, waker)
    expect.equal(kind, "recvr")
    assert(not (waker and self.waker), "one waker at a time")
    self.waker = waker
    self.sets = self.sets + (waker and 1 or -1)
  end
  return object
end

waits["a foreign object"] = {
  make = function()
    return { object = foreign() }
  end,
  wait = function(own)
    expect.equal(socket.select({ own.object })[1], own.object)
  end,
  finish = function(own)
    own.object.waker()
  end,
}

waits["select of everything"] = {
  make = function()
    local own = waits["select of sockets and a channel"].make()
    own.object = foreign()
    return own
  end,
  wait = function(own)
    local list = { own.object, own.client, own.rx, own.peer }
    expect.equal(socket.select(list, nil, 1000)[1], own.object)
  end,
  finish = function(own)
    own.object.waker()
  end,
}

-- A socket whose descriptor a foreign object shares.
waits["a foreign object with a descriptor"] = {
  make = function()
    local own = waits["receive of a datagram"].make()
    own.object = foreign()
    own.object.inner_sock = own.sock.inner_sock
    function own.object:_wake()
      self.waker()
      return true
    end
    return own
  end,
  wait = function(own)
    expect.equal(socket.select({ own.object }, nil, 1000)[1], own.object)
  end,
  finish = waits["receive of a datagram"].finish,
}

local function in_task(fn, ...)
  local result
  local arguments = expect.pack(...)
  cosock.spawn(function()
    result = fn((table.unpack or unpack)(arguments, 1, arguments.n))
  end, "helper")
  cosock.run()
  return result
end

for name, wait in pairs(waits) do
  local own = wait.make and in_task(wait.make) or {}
  local reached, waited_again = false, false
  local cancelled = cosock.spawn(function()
    wait.wait(own)
    reached = true
  end, "cancelled in " .. name)
  cosock.spawn(function()
    socket.sleep(0)
    socket.sleep(0)
    -- This task and the parked one.
    expect.equal(cosock._debug().tasks, 2, name)
    expect.equal(select("#", cancelled:cancel()), 0, name)
    expect.nothing_waits { tasks = 1 }
    expect.equal(cancelled:is_alive(), false, name)
    cancelled:cancel()
    if wait.finish then
      cosock.spawn(function()
        wait.wait(own)
        waited_again = true
      end, "second in " .. name)
      socket.sleep(0)
      socket.sleep(0)
      wait.finish(own)
    else
      waited_again = true
    end
  end, "canceller in " .. name)
  cosock.run()
  expect.equal(reached, false, name)
  expect.equal(waited_again, true, name)
  for _, sock in ipairs(own.close or {}) do
    sock:close()
  end
  expect.nothing_waits()
end

-- A connection attempt that nobody answers, for the listener's queue is full.
do
  local listener = assert(socket.bind("127.0.0.1", 0, 0))
  local _, port = listener:getsockname()
  local clients, stuck = {}, nil
  cosock.spawn(function()
    repeat
      local client, connected = assert(socket.tcp()), nil
      clients[#clients + 1] = client
      stuck = cosock.spawn(function()
        connected = client:connect("127.0.0.1", port)
      end, "connects")
      socket.sleep(0.01)
    until not connected
    expect.equal(stuck:is_alive(), true)
    stuck:cancel()
    expect.nothing_waits { tasks = 1 }
  end, "canceller")
  cosock.run()
  for _, client in ipairs(clients) do
    client:close()
  end
  listener:close()
end

-- A name look-up that has just begun.
do
  local reached = false
  local cancelled = cosock.spawn(function()
    socket.dns.toip "localhost"
    reached = true
  end, "looks up")
  cosock.spawn(function()
    expect.equal(cosock._debug().lookups, 1)
    cancelled:cancel()
    expect.nothing_waits { tasks = 1 }
  end, "canceller")
  cosock.run()
  expect.equal(reached, false)
end

world.finish()
