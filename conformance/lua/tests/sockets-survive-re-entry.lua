-- Socket calls made from within socket calls: by the `__index` of a wrapper, a `_wake`, a `setwaker`, a
-- finalizer or an error handler; objects of unusual make; and tasks cancelled in the middle of a call.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket
local tcp = require "cosock.socket.tcp"

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

local function close(...)
  for _, sock in ipairs { ... } do
    sock:close()
  end
end

-- A wrapper that calls other sockets whenever one of its fields is looked up.
expect.tasks(function()
  local sock, peer = network.pair()
  local other, other_peer = network.pair()
  local datagrams = network.datagram()
  local looked_up = {}
  other:settimeout(0)
  datagrams:settimeout(0)
  local wrapper = setmetatable({}, {
    __index = function(_, name)
      looked_up[name] = true
      pcall(other.receive, other)
      pcall(other.send, other, "x")
      pcall(datagrams.receivefrom, datagrams)
      pcall(socket.sleep, 0)
      pcall(socket.select, { other }, nil, 0)
      return sock[name]
    end,
  })
  wrapper.timeout = 10
  local got, message
  cosock.spawn(function()
    got = expect.pack(wrapper:receive())
  end, "reader", { onerror = function(err) message = err end })
  network.wait_until(function() return looked_up.setwaker end)
  peer:send("through all of it\n")
  network.wait_until(function() return got or message end)
  expect.equal(message, nil)
  check(got, "through all of it")
  assert(looked_up.inner_sock)
  local data = network.bytes(3000000)
  local received
  cosock.spawn(function() received = peer:receive(#data) end, "peer")
  check(expect.pack(wrapper:send(data)), #data, nil, nil)
  network.wait_until(function() return received end)
  assert(received == data, "a byte was lost or repeated")
  close(sock, peer, other, other_peer, datagrams)
end)

-- One that closes its socket while it is asked about it.
expect.tasks(function()
  for _, field in ipairs { "setwaker", "_wake", "timeout", "wakers", "class" } do
    local sock, peer = network.pair()
    local wrapper = setmetatable({}, {
      __index = function(_, name)
        if name == field then
          sock:close()
        end
        return sock[name]
      end,
    })
    local results, message
    cosock.spawn(function()
      results = expect.pack(wrapper:receive())
    end, "reader", { onerror = function(err) message = err end })
    socket.sleep(0.01)
    peer:close()
    network.wait_until(function() return results or message end, field)
    assert(message or results[2] == "closed", field)
  end
end)

-- One that raises.
expect.tasks(function()
  local sock, peer = network.pair()
  for _, field in ipairs { "inner_sock", "setwaker", "_wake" } do
    local wrapper = setmetatable({}, {
      __index = function(_, name)
        if name == field then
          error("no " .. name .. " today")
        end
        return sock[name]
      end,
    })
    local message
    cosock.spawn(function() tcp.receive(wrapper) end, "reader", {
      onerror = function(err) message = err end,
    })
    network.wait_until(function() return message end)
    expect.contains(message, "no " .. field .. " today")
  end
  -- Nobody else is hurt by it.
  peer:send("fine\n")
  check(expect.pack(sock:receive()), "fine")
  expect.nothing_waits { tasks = 1 }
  close(sock, peer)
end)

-- A setwaker and a _wake that use sockets themselves.
expect.tasks(function()
  local sock, peer = network.pair()
  local object = { inner_sock = sock.inner_sock }
  local stored
  function object:setwaker(kind, waker)
    expect.equal(kind, "recvr")
    stored = waker
    peer:send("from setwaker\n")
    sock:settimeout(1)
  end
  function object:_wake()
    check(expect.pack(sock.inner_sock:receive()), "from setwaker")
    sock:close()
    stored()
  end
  local recvr = socket.select({ object }, nil, 10)
  expect.list(recvr, { object })
  expect.equal(sock:getfd(), -1)
  peer:close()
end)

-- A finalizer that closes what another task waits on, while the collector runs in the middle of a call.
expect.tasks(function()
  local sock, peer = network.pair()
  local results
  cosock.spawn(function() results = expect.pack(sock:receive()) end, "reader")
  socket.sleep(0)
  -- A userdata's finalizer runs on every version: that of an inner socket closes its descriptor.
  do
    local lost, lost_peer = network.pair()
    lost.friend, lost = lost_peer, nil
  end
  for _ = 1, 50 do
    collectgarbage()
    peer:send("x")
  end
  peer:send("\n")
  network.wait_until(function() return results end)
  check(results, ("x"):rep(50))
  close(sock, peer)
end)

-- An error handler that uses the failing task's socket.
expect.tasks(function()
  local sock, peer = network.pair()
  local said
  cosock.spawn(function()
    sock:receive()
    error("after the line")
  end, "failing", {
    onerror = function()
      said = { sock:send("sorry\n") }
      sock:close()
    end,
  })
  peer:send("line\n")
  network.wait_until(function() return said end)
  expect.equal(said[1], 6)
  check(expect.pack(peer:receive()), "sorry")
  check(expect.pack(peer:receive()), nil, "closed", "")
  peer:close()
end)

-- Objects that a program made itself, around an inner socket of ours and by our methods.
expect.tasks(function()
  local sock, peer = network.pair()
  local class = setmetatable({}, { __index = tcp })
  local object = setmetatable({ inner_sock = sock.inner_sock }, { __index = class })
  function class:receive_twice()
    return self:receive() .. self:receive()
  end
  cosock.spawn(function()
    for _, line in ipairs { "one\n", "two\n" } do
      socket.sleep(0.005)
      peer:send(line)
    end
  end, "sender")
  check(expect.pack(object:receive_twice()), "onetwo")
  object:settimeout(0.01)
  check(expect.pack(object:receive()), nil, "timeout", "")
  local _, sendr = socket.select(nil, { object }, 5)
  expect.list(sendr, { object })
  close(object, peer)
end)

-- An object with an inner socket of another library, known by its getfd alone.
expect.tasks(function()
  local sock, peer = network.pair()
  local fd = sock:getfd()
  for _, inner in ipairs {
    { getfd = function() return fd end },
    setmetatable({}, { __index = { getfd = function() return fd end } }),
  } do
    local object = { inner_sock = inner }
    tcp.setwaker(object, "recvr", nil)
    object.setwaker, object._wake = tcp.setwaker, tcp._wake
    cosock.spawn(function()
      socket.sleep(0.01)
      peer:send("x")
    end, "sender")
    local recvr = socket.select({ object }, nil, 10)
    expect.list(recvr, { object })
    expect.equal(sock:receive(1), "x")
  end
  -- One without a descriptor is never ready by itself.
  local object = { inner_sock = {}, setwaker = tcp.setwaker, _wake = tcp._wake }
  local recvr, _, err = socket.select({ object }, nil, 0.01)
  check({ n = 2, recvr, err }, nil, "timeout")
  close(sock, peer)
end)

-- Cancelled in the middle of a receive: the bytes that came stay with the socket, whatever was asked for.
for _, pattern in ipairs { 100, "*l", "*a", 200000 } do
  expect.tasks(function()
    local sock, peer = network.pair()
    local reader = cosock.spawn(function()
      sock:receive(pattern)
      error("it was cancelled")
    end, "reader")
    socket.sleep(0)
    peer:send("first\nsecond\nrest")
    if pattern == "*l" then
      -- Cancelled before it could take its line.
      reader:cancel()
    else
      network.wait_until(function() return sock:dirty() end)
      reader:cancel()
    end
    check(expect.pack(sock:receive()), "first")
    check(expect.pack(sock:receive("*l")), "second")
    check(expect.pack(sock:receive(4)), "rest")
    expect.nothing_waits { tasks = 1 }
    close(sock, peer)
  end)
end

-- In the middle of a send, an accept, a connect: the socket can be used by others.
expect.tasks(function()
  local sock, peer = network.pair()
  local server, port = network.listener()
  local writer = cosock.spawn(function() sock:send(("x"):rep(12 * 1024 * 1024)) end, "writer")
  local acceptor = cosock.spawn(function() server:accept() end, "acceptor")
  socket.sleep(0)
  writer:cancel()
  acceptor:cancel()
  expect.nothing_waits { tasks = 1 }
  local client = assert(socket.connect("127.0.0.1", port))
  local accepted = assert(server:accept())
  cosock.spawn(function()
    sock:send("\nafter the x\n")
    sock:close()
  end, "next writer")
  assert(#peer:receive() > 0)
  check(expect.pack(peer:receive()), "after the x")
  close(peer, server, client, accepted)
end)

world.finish()
