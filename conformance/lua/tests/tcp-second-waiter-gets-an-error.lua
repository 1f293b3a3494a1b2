-- A second task that waits for the same direction of one socket gets an error of its own; the first goes
-- on unharmed, whatever the second has taken from the system meanwhile. One reader and one writer are fine.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local function refusal(kind)
  return kind .. " waker already set, sockets can only block one thread per waker kind"
end

-- Runs `second` while `first` waits; its error must name the kind. Then `finish` lets `first` end.
local function check(kind, first, second, finish)
  local results, message
  cosock.spawn(function()
    results = expect.pack(first())
  end, "first")
  cosock.spawn(second, "second", {
    onerror = function(err, traceback, handle)
      message = err
      expect.contains(traceback, "stack traceback")
      expect.equal(handle.name, "second")
    end,
  })
  network.wait_until(function() return message end, "the second waiter got no error")
  expect.contains(message, refusal(kind))
  assert(not results, "the first one must still wait")
  finish()
  network.wait_until(function() return results end, "the first waiter was hurt")
  return results
end

local function close(...)
  for _, sock in ipairs { ... } do
    sock:close()
  end
end

-- Readers.
for _, second in ipairs {
  function(sock) sock:receive() end,
  function(sock) sock:receive(100) end,
  function(sock) sock:receive("*a") end,
  function(sock) socket.select({ sock }) end,
  function(sock) socket.select({ sock }, nil, 0) end,
  function(sock) coroutine.yield({ sock }) end,
  function(sock)
    sock:settimeout(0)
    sock:receive()
  end,
} do
  expect.tasks(function()
    local sock, peer = network.pair()
    local results = check("recvr", function() return sock:receive("*l") end, function()
      socket.sleep(0.005)
      second(sock)
    end, function()
      peer:send("for the first\n")
    end)
    expect.list(results, { "for the first" })
    close(sock, peer)
  end)
end

-- A reader while a select waits.
expect.tasks(function()
  local sock, peer = network.pair()
  local results = check("recvr", function() return socket.select({ sock }) end, function()
    socket.sleep(0.005)
    sock:receive()
  end, function()
    peer:send("x")
  end)
  expect.list(results[1], { sock })
  close(sock, peer)
end)

-- Writers, an acceptor, a connect.
expect.tasks(function()
  local sock, peer = network.pair()
  local data = network.bytes(8 * 1024 * 1024)
  local got
  local results = check("sendr", function() return sock:send(data) end, function()
    socket.sleep(0.005)
    sock:send("unsendable")
  end, function()
    cosock.spawn(function() got = network.drain(peer, 100000) end, "reader")
  end)
  expect.list(results, { n = 3, #data, nil, nil })
  sock:close()
  network.wait_until(function() return got end)
  assert(got == data, "the first writer's bytes were hurt")
  peer:close()
end)
expect.tasks(function()
  local server, port = network.listener()
  local client
  local results = check("recvr", function() return server:accept() end, function()
    socket.sleep(0.005)
    server:accept()
  end, function()
    client = assert(socket.connect("127.0.0.1", port))
  end)
  expect.equal(results[1].class, "tcp{client}")
  close(server, client, results[1])
end)
expect.tasks(function()
  local server, port, fillers = network.full_listener()
  local sock = assert(socket.tcp())
  local results = check("sendr", function() return sock:connect("127.0.0.1", port) end, function()
    socket.sleep(0.005)
    sock:connect("127.0.0.1", port)
  end, function()
    sock:close()
  end)
  expect.list(results, { n = 2, nil, "closed" })
  close(server)
  close((table.unpack or unpack)(fillers))
end)

-- What is there already is served to whoever asks; the one that waits gets what follows.
expect.tasks(function()
  local sock, peer = network.pair()
  local line
  cosock.spawn(function() line = sock:receive("*l") end, "first")
  socket.sleep(0.005)
  peer:send("abc\n")
  -- In this very turn, before the first could run again.
  local ready = socket.select({ peer }, { peer }, 0)
  expect.equal(ready, nil)
  socket.sleep(0.01)
  expect.equal(line, "abc")
  close(sock, peer)
end)

-- The second takes bytes out of the system that complete the first one's line: the first is told, though
-- no event comes for them.
for _, case in ipairs { { 2, "first\n", "rst" }, { 6, "tenletters\nrest", "ters" } } do
  local count, sent, rest = case[1], case[2], case[3]
  expect.tasks(function()
    local sock, peer = network.pair()
    local line, taken
    cosock.spawn(function() line = sock:receive("*l") end, "first")
    cosock.spawn(function()
      socket.sleep(0.005)
      peer:send(sent)
      taken = sock:receive(count)
    end, "second")
    network.wait_until(function() return line end, "the first waiter was forgotten")
    expect.equal(taken, sent:sub(1, count))
    expect.equal(line, rest)
    close(sock, peer)
  end)
end
-- As it is when the second asks for more than there is, and is refused.
expect.tasks(function()
  local sock, peer = network.pair()
  local line
  cosock.spawn(function() line = sock:receive("*l") end, "first")
  cosock.spawn(function()
    socket.sleep(0.005)
    peer:send("a line\n")
    sock:receive(100)
  end, "second", { onerror = function(err) expect.contains(err, refusal "recvr") end })
  network.wait_until(function() return line end, "the first waiter was forgotten")
  expect.equal(line, "a line")
  close(sock, peer)
end)
-- And when the first one selects.
expect.tasks(function()
  local sock, peer = network.pair()
  local ready, taken
  cosock.spawn(function() ready = socket.select({ sock }) end, "first")
  cosock.spawn(function()
    socket.sleep(0.005)
    peer:send("ab")
    taken = sock:receive(1)
  end, "second")
  network.wait_until(function() return ready end, "the select was forgotten")
  expect.equal(taken, "a")
  expect.list(ready, { sock })
  expect.equal(sock:receive(1), "b")
  close(sock, peer)
end)

-- The same socket twice in one list.
expect.tasks(function()
  local sock, peer = network.pair()
  local failed
  cosock.spawn(function() socket.select({ sock, sock }) end, "twice", {
    onerror = function(err) failed = err end,
  })
  network.wait_until(function() return failed end)
  expect.contains(failed, refusal "recvr")
  -- Nothing of it stays: the socket can be waited on.
  peer:send("fine\n")
  expect.equal(sock:receive(), "fine")
  expect.nothing_waits { tasks = 1 }
  close(sock, peer)
end)

-- One reader and one writer at a time, and both lists of one select.
expect.tasks(function()
  local sock, peer = network.pair()
  local data = network.bytes(6 * 1024 * 1024)
  local got, sent, back
  cosock.spawn(function() got = sock:receive("*l") end, "reader")
  cosock.spawn(function() sent = sock:send(data) end, "writer")
  cosock.spawn(function()
    socket.sleep(0.01)
    peer:send("for the reader\n")
    back = peer:receive(#data)
  end, "peer")
  network.wait_until(function() return got and sent and back end)
  expect.equal(got, "for the reader")
  expect.equal(sent, #data)
  assert(back == data)
  peer:send("x")
  network.wait_until(function() return socket.select({ sock }, nil, 0) end)
  local recvr, sendr, err = socket.select({ sock }, { sock }, 5)
  expect.list(recvr, { sock })
  expect.list(sendr, { sock })
  expect.equal(err, nil)
  close(sock, peer)
end)

-- After the first one's time is up, others may wait.
expect.tasks(function()
  local sock, peer = network.pair()
  sock:settimeout(0.01)
  expect.list(expect.pack(sock:receive()), { n = 3, nil, "timeout", "" })
  sock:settimeout(nil)
  local line
  cosock.spawn(function() line = sock:receive() end, "next")
  socket.sleep(0)
  peer:send("next\n")
  network.wait_until(function() return line end)
  expect.equal(line, "next")
  close(sock, peer)
end)

world.finish()
