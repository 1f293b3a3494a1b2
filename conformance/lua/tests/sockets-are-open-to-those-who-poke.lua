-- What programs do to socket objects beside calling them: methods replaced in the module table and on an
-- object, a metatable asked for its methods, objects that stand for a socket by `__index`, objects of
-- one's own around an inner socket, and `_wake` and `setwaker` called by hand.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket
local tcp = require "cosock.socket.tcp"
local udp = require "cosock.socket.udp"

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

local function close(...)
  for _, sock in ipairs { ... } do
    sock:close()
  end
end

-- Methods of the module table serve every object, and may be replaced.
expect.tasks(function()
  local sock, peer = network.pair()
  local methods = getmetatable(sock).__index
  assert(methods == tcp)
  assert(methods.receive == sock.receive)
  check(expect.pack(methods.settimeout(sock, 5)), 1)
  local original, calls = tcp.receive, 0
  tcp.receive = function(self, ...)
    calls = calls + 1
    return original(self, ...)
  end
  peer:send("one\n")
  check(expect.pack(sock:receive()), "one")
  -- Also where it has to wait.
  cosock.spawn(function()
    socket.sleep(0.005)
    peer:send("two\n")
  end, "sender")
  check(expect.pack(sock:receive()), "two")
  expect.equal(calls, 2)
  tcp.receive = original

  -- A method that was not there.
  function tcp:receive_upper()
    return self:receive():upper()
  end
  peer:send("three\n")
  check(expect.pack(sock:receive_upper()), "THREE")
  tcp.receive_upper = nil

  -- On one object only.
  sock.send = function(self, data)
    return tcp.send(self, "<" .. data .. ">\n")
  end
  check(expect.pack(sock:send("x")), 4, nil, nil)
  check(expect.pack(peer:receive()), "<x>")
  close(sock, peer)
end)

-- Fields of one's own stay on the object, and the class is kept up to date.
expect.tasks(function()
  local sock, peer = network.pair()
  sock.user = "data"
  sock.class = "changed"
  sock:settimeout(1)
  expect.equal(sock.user, "data")
  expect.equal(sock.inner_sock.class, "tcp{client}")
  expect.equal(sock.inner_sock.nothing, nil)
  close(sock, peer)
end)

-- A wrapper that finds its socket's methods and fields by `__index`, and can be called.
local function wrapper_around(sock)
  return setmetatable({}, {
    __index = function(_, name)
      return sock[name]
    end,
    __call = function(self)
      return self:receive()
    end,
  })
end
expect.tasks(function()
  local sock, peer = network.pair()
  local wrapper = wrapper_around(sock)
  peer:send("at once\n")
  check(expect.pack(wrapper:receive()), "at once")
  -- It has to wait.
  cosock.spawn(function()
    for _, line in ipairs { "later\n", "called\n", "for select\n" } do
      socket.sleep(0.01)
      peer:send(line)
    end
  end, "sender")
  check(expect.pack(wrapper:receive()), "later")
  check(expect.pack(wrapper()), "called")
  -- In a select, it is the wrapper that comes back.
  local recvr, sendr, err = socket.select({ wrapper }, nil, 10)
  expect.list(recvr, { wrapper })
  expect.equal(recvr[wrapper], 1)
  expect.equal(sendr, nil)
  expect.equal(err, nil)
  check(expect.pack(wrapper:receive(3)), "for")
  -- Bytes in the socket's buffer count for the wrapper, too.
  recvr = socket.select({ wrapper }, nil, 10)
  expect.list(recvr, { wrapper })
  check(expect.pack(wrapper:receive()), " select")
  recvr, sendr, err = socket.select({ wrapper }, { wrapper }, 10)
  expect.equal(recvr, nil)
  expect.list(sendr, { wrapper })
  check(expect.pack(wrapper:settimeout(0.02)), 1)
  check(expect.pack(wrapper:receive()), nil, "timeout", "")
  -- A large send through it, to a slow reader: every byte once.
  wrapper:settimeout(nil)
  local data, got = network.bytes(6 * 1024 * 1024), nil
  cosock.spawn(function() got = peer:receive(#data) end, "reader")
  check(expect.pack(wrapper:send(data)), #data, nil, nil)
  network.wait_until(function() return got end)
  assert(got == data, "a byte was lost or repeated")
  check(expect.pack(wrapper:close()), 1)
  expect.equal(sock:getfd(), -1)
  peer:close()
end)

-- Wrapper and socket in one select: both are told.
expect.tasks(function()
  local sock, peer = network.pair()
  local wrapper = setmetatable({ wakers = {} }, { __index = sock })
  peer:send("x")
  local recvr = socket.select({ wrapper, sock }, nil, 10)
  table.sort(recvr, function(a) return a == sock end)
  expect.list(recvr, { sock, wrapper })
  close(sock, peer)
end)

-- An object of one's own around an inner socket, with its own setwaker and _wake, like a search handle on
-- a UDP socket.
local function handle_on(sock, log)
  local handle = { inner_sock = sock.inner_sock, wakers = {} }
  function handle:setwaker(kind, waker)
    log[#log + 1] = kind .. (waker and " set" or " unset")
    assert(not (waker and self.wakers[kind]))
    self.wakers[kind] = waker
  end
  function handle:_wake(kind)
    log[#log + 1] = kind .. " wake"
    local waker = self.wakers[kind]
    self.wakers[kind] = nil
    if waker then
      waker()
    end
    return waker ~= nil
  end
  return handle
end
expect.tasks(function()
  local sock, port = network.datagram()
  local sender = socket.udp()
  local log = {}
  local handle = handle_on(sock, log)
  cosock.spawn(function()
    socket.sleep(0.01)
    sender:sendto("found", "127.0.0.1", port)
  end, "sender")
  local recvr, sendr, err = socket.select({ handle }, nil, 10)
  expect.list(recvr, { handle })
  expect.equal(sendr, nil)
  expect.equal(err, nil)
  expect.list(log, { "recvr set", "recvr wake", "recvr unset", "recvr unset" })
  check(expect.pack(sock:receive()), "found")
  -- Ready before the select, and by a bare yield.
  log = {}
  handle = handle_on(sock, log)
  sender:sendto("again", "127.0.0.1", port)
  network.wait_until(function() return (socket.select({ sock }, nil, 0)) end)
  recvr = coroutine.yield({ handle }, nil, 10)
  expect.list(recvr, { handle })
  expect.list(log, { "recvr set", "recvr wake", "recvr unset", "recvr unset" })
  check(expect.pack(sock:receive()), "again")
  -- Nothing comes.
  log = {}
  handle = handle_on(sock, log)
  recvr, sendr, err = socket.select({ handle }, nil, 0.02)
  check({ n = 3, recvr, sendr, err }, nil, nil, "timeout")
  expect.list(log, { "recvr set", "recvr unset" })
  -- It filters: it wakes its task at the second datagram only.
  log = {}
  handle = handle_on(sock, log)
  local wake = handle._wake
  function handle:_wake(kind)
    local data = sock.inner_sock:receive()
    log[#log + 1] = tostring(data)
    if data == "wanted" then
      return wake(self, kind)
    end
  end
  cosock.spawn(function()
    sender:sendto("unwanted", "127.0.0.1", port)
    socket.sleep(0.01)
    sender:sendto("wanted", "127.0.0.1", port)
  end, "sender")
  recvr = socket.select({ handle }, nil, 10)
  expect.list(recvr, { handle })
  expect.list(log, { "recvr set", "unwanted", "wanted", "recvr wake", "recvr unset", "recvr unset" })
  -- One that does not read at first is asked again, for the datagram is still there.
  log = {}
  handle = handle_on(sock, log)
  wake = handle._wake
  local asked = 0
  function handle:_wake(kind)
    asked = asked + 1
    if asked == 3 then
      return wake(self, kind)
    end
  end
  sender:sendto("kept", "127.0.0.1", port)
  recvr = socket.select({ handle }, nil, 10)
  expect.list(recvr, { handle })
  expect.equal(asked, 3)
  check(expect.pack(sock:receive()), "kept")
  -- While another task waits for the socket itself: both are told.
  log = {}
  handle = handle_on(sock, log)
  local got
  cosock.spawn(function() got = sock:receive() end, "receiver")
  cosock.spawn(function()
    socket.sleep(0.005)
    sender:sendto("for both", "127.0.0.1", port)
  end, "sender")
  recvr = socket.select({ handle }, nil, 10)
  expect.list(recvr, { handle })
  network.wait_until(function() return got end)
  expect.equal(got, "for both")
  -- Its socket is closed while it waits.
  log = {}
  handle = handle_on(sock, log)
  cosock.spawn(function()
    socket.sleep(0.005)
    sock:close()
  end, "closer")
  recvr = socket.select({ handle }, nil, 10)
  expect.list(recvr, { handle })
  sender:close()
end)

-- One for writing, and without a `_wake`, which is an error of its task alone.
expect.tasks(function()
  local sock, peer = network.pair()
  local log = {}
  local handle = handle_on(sock, log)
  local _, sendr = socket.select(nil, { handle }, 10)
  expect.list(sendr, { handle })
  expect.list(log, { "sendr set", "sendr wake", "sendr unset", "sendr unset" })
  handle = handle_on(sock, {})
  handle._wake = nil
  local message
  cosock.spawn(function() socket.select(nil, { handle }) end, "unwakeable", {
    onerror = function(err) message = err end,
  })
  network.wait_until(function() return message end)
  expect.contains(message, "unwakeable socket")
  expect.nothing_waits { tasks = 1 }
  close(sock, peer)
end)

-- A socket object whose own setwaker was replaced takes the protocol, with every call.
expect.tasks(function()
  local sock, peer = network.pair()
  local log = {}
  function sock:setwaker(kind, waker)
    log[#log + 1] = kind .. (waker and " set" or " unset")
    return tcp.setwaker(self, kind, waker)
  end
  cosock.spawn(function()
    socket.sleep(0.01)
    peer:send("line\n")
  end, "sender")
  check(expect.pack(sock:receive()), "line")
  expect.list(log, { "recvr set", "recvr unset", "recvr unset" })
  sock.setwaker = nil

  -- Replaced for all objects, in the module table.
  log = {}
  local original = tcp.setwaker
  function tcp:setwaker(kind, waker)
    log[#log + 1] = kind .. (waker and " set" or " unset")
    return original(self, kind, waker)
  end
  cosock.spawn(function()
    socket.sleep(0.01)
    peer.inner_sock:send("next\n")
  end, "sender")
  check(expect.pack(sock:receive()), "next")
  tcp.setwaker = original
  expect.list(log, { "recvr set", "recvr unset", "recvr unset" })
  close(sock, peer)
end)

-- setwaker by hand: the waker is stored where programs look for it, and called once.
expect.tasks(function()
  local sock, peer = network.pair()
  local called = 0
  local function waker()
    called = called + 1
  end
  check(expect.pack(sock:setwaker("recvr", waker)))
  expect.equal(sock.wakers.recvr, waker)
  expect.raises("recvr waker already set, sockets can only block one thread per waker kind",
    sock.setwaker, sock, "recvr", waker)
  expect.raises("unsupported wake kind: other", sock.setwaker, sock, "other", waker)
  expect.raises("unsupported wake kind: nil", sock.setwaker, sock, nil, waker)
  -- The other direction is free.
  sock:setwaker("sendr", function() end)
  sock:setwaker("sendr", nil)
  check(expect.pack(sock:_wake("recvr")), true)
  expect.equal(called, 1)
  expect.equal(sock.wakers.recvr, nil)
  -- A task cannot wait while somebody else has his waker there.
  sock:setwaker("recvr", waker)
  local message
  cosock.spawn(function() sock:receive() end, "refused", { onerror = function(err) message = err end })
  network.wait_until(function() return message end)
  expect.contains(message, "recvr waker already set")
  sock:setwaker("recvr", nil)
  -- Nor the other way round.
  local line
  cosock.spawn(function() line = sock:receive() end, "reader")
  socket.sleep(0)
  expect.raises("recvr waker already set", sock.setwaker, sock, "recvr", waker)
  peer:send("line\n")
  network.wait_until(function() return line end)
  close(sock, peer)
end)

-- _wake on a parked operation has it try again: with nothing there it goes on waiting, with its limit.
expect.tasks(function()
  local sock, peer = network.pair()
  local results
  sock:settimeout(5)
  cosock.spawn(function() results = expect.pack(sock:receive()) end, "reader")
  for _ = 1, 5 do
    -- Two turns: in the first of them it is to run, in the second it waits again.
    socket.sleep(0)
    socket.sleep(0)
    check(expect.pack(sock:_wake("recvr")), true)
  end
  socket.sleep(0.005)
  expect.equal(results, nil)
  peer:send("line\n")
  network.wait_until(function() return results end)
  check(results, "line")
  -- A byte at a time, with a wake between.
  results = nil
  cosock.spawn(function() results = expect.pack(sock:receive(5)) end, "reader")
  for byte in ("abcde"):gmatch(".") do
    socket.sleep(0)
    sock:_wake("recvr")
    peer:send(byte)
  end
  network.wait_until(function() return results end)
  check(results, "abcde")
  close(sock, peer)
end)

-- UDP objects have the same.
expect.tasks(function()
  local sock, port = network.datagram()
  local original, calls = udp.receivefrom, 0
  udp.receivefrom = function(self, ...)
    calls = calls + 1
    return original(self, ...)
  end
  local wrapper = wrapper_around(sock)
  cosock.spawn(function()
    socket.sleep(0.005)
    socket.udp():sendto("hello", "127.0.0.1", port)
  end, "sender")
  expect.equal((wrapper:receivefrom()), "hello")
  expect.equal(calls, 1)
  udp.receivefrom = original
  sock:close()
end)

world.finish()
