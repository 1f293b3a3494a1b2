-- close() from another task ends every wait on the socket with "closed": of a reader, a writer, an
-- acceptor, a connect, a select, and of calls in coroutines of the task's own.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

-- Lets `wait(sock)` begin in a task of its own, closes `sock`, and returns what it gave.
local function closed_under(sock, wait)
  local results
  cosock.spawn(function()
    results = expect.pack(wait(sock))
  end, "waiter")
  socket.sleep(0.01)
  assert(not results, "it must wait")
  check(expect.pack(sock:close()), 1)
  network.wait_until(function() return results end, "close woke nobody")
  return results
end

-- Readers, with what came before.
expect.tasks(function()
  for _, pattern in ipairs { "*l", "*a", 10 } do
    local sock, peer = network.pair()
    local results = closed_under(sock, function() return sock:receive(pattern) end)
    check(results, nil, "closed", "")
    peer:close()

    sock, peer = network.pair()
    peer:send("some")
    results = closed_under(sock, function() return sock:receive(pattern, "> ") end)
    check(results, nil, "closed", "> some")
    peer:close()
  end
end)

-- With a limit, too, long before it.
expect.tasks(function()
  local sock, peer = network.pair()
  sock:settimeout(60)
  local started = socket.gettime()
  check(closed_under(sock, function() return sock:receive() end), nil, "closed", "")
  assert(socket.gettime() - started < 30, "it waited for its limit")
  peer:close()
end)

-- A writer.
expect.tasks(function()
  local sock, peer = network.pair()
  local data = ("x"):rep(12 * 1024 * 1024)
  local results = closed_under(sock, function() return sock:send(data) end)
  check(results, nil, "closed", results[3])
  assert(results[3] > 0 and results[3] < #data, "the index that it reached")
  peer:close()
end)

-- A reader and a writer of one socket at once.
expect.tasks(function()
  local sock, peer = network.pair()
  local sent
  cosock.spawn(function()
    sent = expect.pack(sock:send(("x"):rep(12 * 1024 * 1024)))
  end, "writer")
  check(closed_under(sock, function() return sock:receive() end), nil, "closed", "")
  network.wait_until(function() return sent end)
  check(sent, nil, "closed", sent[3])
  peer:close()
end)

-- An acceptor.
expect.tasks(function()
  local server = network.listener()
  check(closed_under(server, function() return server:accept() end), nil, "closed")
  check(expect.pack(server:accept()), nil, "closed")
end)

-- A connect that hangs on a full backlog does not begin anew.
expect.tasks(function()
  local server, port, fillers = network.full_listener()
  local sock = assert(socket.tcp())
  check(closed_under(sock, function() return sock:connect("127.0.0.1", port) end), nil, "closed")
  expect.equal(sock:getfd(), -1)
  for _, filler in ipairs(fillers) do
    filler:close()
  end
  server:close()
end)

-- A select: the closed socket is listed as ready, whatever it was listed for, and nothing else is.
expect.tasks(function()
  local sock, peer = network.pair()
  local other, other_peer = network.pair()
  local results = closed_under(sock, function() return socket.select({ other, sock }, {}) end)
  expect.list(results[1], { sock })
  expect.equal(results[2], nil)
  expect.equal(results[3], nil)
  check(expect.pack(sock:receive()), nil, "closed", "")

  local server = network.listener()
  results = closed_under(server, function() return socket.select({ other, server }, nil, 60) end)
  expect.list(results[1], { server })
  for _, each in ipairs { peer, other, other_peer } do
    each:close()
  end
end)

-- A select for writing.
expect.tasks(function()
  local sock, peer = network.pair()
  sock:settimeout(0)
  sock:send(("x"):rep(12 * 1024 * 1024))
  local results = closed_under(sock, function() return socket.select({}, { sock }) end)
  expect.equal(results[1], nil)
  expect.list(results[2], { sock })
  peer:close()
end)

-- A bare yield by the protocol.
expect.tasks(function()
  local sock, peer = network.pair()
  local results = closed_under(sock, function() return coroutine.yield({ sock }, nil, 60) end)
  expect.list(results[1], { sock })
  expect.equal(results[3], nil)
  peer:close()
end)

-- A call in a coroutine of the task's own, whose yields it passes on.
expect.tasks(function()
  local sock, peer = network.pair()
  local results = closed_under(sock, function()
    local inner = coroutine.create(function() return sock:receive(5) end)
    local values = expect.pack(coroutine.resume(inner))
    while coroutine.status(inner) ~= "dead" do
      values = expect.pack(coroutine.resume(inner, coroutine.yield(values[2], values[3], values[4])))
    end
    return values[2], values[3], values[4]
  end)
  check(results, nil, "closed", "")
  peer:close()
end)

-- Closed and connected anew in the same breath: the old reader gets nothing of the new connection.
expect.tasks(function()
  local server, port = network.listener()
  local sock = assert(socket.connect("127.0.0.1", port))
  local first = assert(server:accept())
  local old
  cosock.spawn(function()
    old = expect.pack(sock:receive("*l"))
  end, "reader of the old connection")
  first:send("half a ")
  socket.sleep(0.01)
  sock:close()
  assert(sock:connect("127.0.0.1", port))
  local second = assert(server:accept())
  second:send("new line\n")
  check(expect.pack(sock:receive("*l")), "new line")
  network.wait_until(function() return old end)
  expect.equal(old[1], nil)
  expect.equal(old[2], "closed")
  for _, each in ipairs { server, sock, first, second } do
    each:close()
  end
end)

-- A waiter that has data and a socket that is closed in the same turn: it gets one of the two, whole.
expect.tasks(function()
  for _ = 1, 20 do
    local sock, peer = network.pair()
    local results
    cosock.spawn(function()
      results = expect.pack(sock:receive("*l"))
    end, "reader")
    cosock.spawn(function()
      socket.sleep(0)
      peer:send("line\n")
      sock:close()
    end, "closer")
    network.wait_until(function() return results end)
    if results[1] then
      check(results, "line")
    else
      check(results, nil, "closed", "")
    end
    peer:close()
  end
end)

-- Closed by its reader's own helper: closing twice, and while nobody waits, does nothing.
expect.tasks(function()
  local sock, peer = network.pair()
  check(expect.pack(sock:close()), 1)
  check(expect.pack(sock:close()), 1)
  peer:close()
end)

-- The collector closes what nobody holds any more, and its peer is told.
expect.tasks(function()
  local sock, peer = network.pair()
  sock = nil
  collectgarbage()
  collectgarbage()
  peer:settimeout(10)
  check(expect.pack(peer:receive()), nil, "closed", "")
  peer:close()
end)

world.finish()
