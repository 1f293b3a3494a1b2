-- settimeout: what counts as no limit, what is refused, the limit of each wait and that of a whole call,
-- and who has which.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

local function close(...)
  for _, sock in ipairs { ... } do
    sock:close()
  end
end

-- Runs `call`; it must give `expected` after at least `least` seconds, and long before ten.
local function takes(least, call, ...)
  local started = socket.gettime()
  local results = expect.pack(call())
  local passed = socket.gettime() - started
  check(results, ...)
  assert(passed >= least, "it ended after " .. passed .. " seconds, not " .. least)
  assert(passed < 10, "it lasted for " .. passed .. " seconds")
end

-- What it returns, and the field that programs read.
do
  for _, make in ipairs { socket.tcp, socket.udp } do
    local sock = make()
    for _, timeout in ipairs { 0, 1, 0.5, -1, math.huge, -math.huge, "2", "0x10", false } do
      local results = expect.pack(sock:settimeout(timeout))
      check(results, 1)
      if math.type then
        expect.equal(math.type(results[1]), "float")
      end
      expect.equal(select(2, sock:settimeout(timeout)), nil)
      expect.equal(sock.timeout, timeout)
    end
    check(expect.pack(sock:settimeout(nil)), 1)
    expect.equal(sock.timeout, nil)
    sock:settimeout(3)
    check(expect.pack(sock:settimeout()), 1)
    expect.equal(sock.timeout, nil)
    sock:close()
  end
end

-- What is refused leaves everything as it was.
do
  local sock = socket.tcp()
  sock:settimeout(7)
  for _, bad in ipairs { {}, true, "soon", "", "1s", print, coroutine.create(function() end) } do
    local message = expect.raises("bad argument #2 to 'settimeout'", sock.settimeout, sock, bad)
    expect.contains(message, "number expected, got " .. type(bad))
  end
  expect.raises("bad argument #2 to 'settimeout'", sock.settimeout, sock, 0 / 0)
  expect.raises("bad argument #2 to 'settimeout'", sock.settimeout, sock, -(0 / 0))
  for _, bad in ipairs { "x", "", "B" } do
    expect.raises("bad argument #3 to 'settimeout'", sock.settimeout, sock, 1, bad)
  end
  expect.raises("bad argument #3 to 'settimeout'", sock.settimeout, sock, 1, {})
  check(expect.pack(sock:gettimeout()), 7, -1)
  expect.raises("bad argument #1 to 'settimeout'", sock.settimeout)
  expect.raises("bad argument #1 to 'settimeout'", sock.settimeout, 5, 5)
  sock:close()
end

-- Both limits are kept apart, as in LuaSocket.
do
  local sock = socket.tcp()
  check(expect.pack(sock:gettimeout()), -1, -1)
  sock:settimeout(2)
  check(expect.pack(sock:gettimeout()), 2, -1)
  sock:settimeout(3, "t")
  check(expect.pack(sock:gettimeout()), 2, 3)
  expect.equal(sock.timeout, 2)
  sock:settimeout(4, "b")
  check(expect.pack(sock:gettimeout()), 4, 3)
  sock:settimeout(nil, "b")
  check(expect.pack(sock:gettimeout()), -1, 3)
  sock:settimeout(5, "r")
  check(expect.pack(sock:gettimeout()), -1, 5)
  sock:settimeout(nil, "t")
  check(expect.pack(sock:gettimeout()), -1, -1)
  sock:settimeout(-1)
  check(expect.pack(sock:gettimeout()), -1, -1)
  local datagrams = socket.udp()
  datagrams:settimeout(1)
  datagrams:settimeout(2, "total")
  check(expect.pack(datagrams:gettimeout()), 1, 2)
  close(sock, datagrams)
end

-- Limits of each kind of call.
expect.tasks(function()
  local sock, peer = network.pair()
  local server = network.listener()
  local datagrams = network.datagram()
  for _, each in ipairs { sock, server, datagrams } do
    each:settimeout(0.04)
  end
  takes(0.04, function() return sock:receive() end, nil, "timeout", "")
  takes(0.04, function() return server:accept() end, nil, "timeout")
  takes(0.04, function() return datagrams:receive() end, nil, "timeout")
  takes(0.04, function() return datagrams:receivefrom() end, nil, "timeout")
  sock:settimeout("0.04")
  takes(0.04, function() return sock:receive(3) end, nil, "timeout", "")
  -- Written by the program itself.
  sock.timeout = 0.03
  takes(0.03, function() return sock:receive("*a") end, nil, "timeout", "")
  sock.timeout = "0.03"
  takes(0.03, function() return sock:receive("*a") end, nil, "timeout", "")
  for _, each in ipairs { sock, server, datagrams } do
    each:settimeout(0)
  end
  takes(0, function() return sock:receive() end, nil, "timeout", "")
  takes(0, function() return server:accept() end, nil, "timeout")
  takes(0, function() return datagrams:receive() end, nil, "timeout")
  close(sock, peer, server, datagrams)
end)

-- No limit: the answer comes late and is awaited.
for _, timeout in ipairs { "none", -1, -0.5, -math.huge, math.huge, 1e300, 2 ^ 53, "-1", false } do
  expect.tasks(function()
    local sock, peer = network.pair()
    if timeout == "none" then
      sock:settimeout(nil)
    else
      sock:settimeout(timeout)
    end
    cosock.spawn(function()
      socket.sleep(0.02)
      peer:send("late\n")
    end, "answer")
    check(expect.pack(sock:receive()), "late")
    close(sock, peer)
  end)
end

-- A bad value in the field is an error of the task that waits by it.
for _, case in ipairs {
  { {}, "number expected, got table" },
  { true, "number expected, got boolean" },
  { "soon", "number expected, got string" },
  { 0 / 0, "not a number, NaN" },
} do
  expect.tasks(function()
    local bad, why = case[1], case[2]
    local sock, peer = network.pair()
    sock.timeout = bad
    local message
    cosock.spawn(function() sock:receive() end, "waiter", {
      onerror = function(err) message = err end,
    })
    network.wait_until(function() return message end)
    expect.contains(message, "bad timeout (" .. why .. ")")
    -- What does not wait does not look.
    peer:send("line\n")
    network.wait_until(function() return socket.select({ sock }, nil, 0) end)
    check(expect.pack(sock:receive()), "line")
    close(sock, peer)
  end)
end

-- The limit of a wait starts again with every byte, that of a call does not.
local function trickle(peer, count)
  cosock.spawn(function()
    for _ = 1, count do
      socket.sleep(0.03)
      peer:send("x")
    end
  end, "trickle")
end
-- As a task calls it, and as a coroutine of the task's own does.
local function directly(fn)
  return fn()
end
local function nested(fn)
  local co = coroutine.create(fn)
  local values = expect.pack(coroutine.resume(co))
  while coroutine.status(co) ~= "dead" do
    values = expect.pack(coroutine.resume(co, coroutine.yield(values[2], values[3], values[4])))
  end
  assert(values[1], values[2])
  return (table.unpack or unpack)(values, 2, values.n)
end
for _, through in ipairs { directly, nested } do
  expect.tasks(function()
    network.in_some_try("the limit of a wait starts again with every byte", function()
      local sock, peer = network.pair()
      sock:settimeout(0.15)
      trickle(peer, 6)
      local started = socket.gettime()
      local data, err = through(function() return sock:receive(6) end)
      local passed = socket.gettime() - started
      close(sock, peer)
      assert(data == "xxxxxx" or err == "timeout")
      return data and passed > 0.15
    end)
    network.in_some_try("it does so up to the limit of the call", function()
      local sock, peer = network.pair()
      sock:settimeout(0.15, "t")
      sock:settimeout(0.1)
      trickle(peer, 9)
      local started = socket.gettime()
      local data, err, partial = through(function() return sock:receive(9) end)
      local passed = socket.gettime() - started
      close(sock, peer)
      expect.equal(data, nil)
      expect.equal(err, "timeout")
      assert(#partial < 9 and passed < 5)
      return passed >= 0.15
    end)

    local sock, peer = network.pair()
    sock:settimeout(0.1, "t")
    trickle(peer, 9)
    local started = socket.gettime()
    local _, err, partial = through(function() return sock:receive(9) end)
    local passed = socket.gettime() - started
    expect.equal(err, "timeout")
    assert(passed >= 0.1 and passed < 5, passed)
    assert(#partial >= 1 and #partial < 9, partial)
    -- The next call has the whole limit again.
    sock:settimeout(5, "t")
    local rest = 9 - #partial
    check(expect.pack(through(function() return sock:receive(rest) end)), ("x"):rep(rest))

    -- Both: whichever ends first.
    sock:settimeout(9, "t")
    sock:settimeout(0.02)
    takes(0.02, function()
      return through(function() return sock:receive(1) end)
    end, nil, "timeout", "")
    close(sock, peer)
  end)
end

-- A limit that another task sets meanwhile is not that of a call which is under way. Where waits are relayed by
-- hand, each of them asks anew.
for through, expected in pairs { [directly] = "xyz", [nested] = "timeout" } do
  expect.tasks(function()
    network.in_some_try("the limit is set while a call waits", function()
      local sock, peer = network.pair()
      local is_over
      cosock.spawn(function()
        sock:settimeout(0.02)
        peer:send("x")
        socket.sleep(0.06)
        peer:send("yz")
        is_over = true
      end, "setter")
      local data, err = through(function() return sock:receive(3) end)
      network.wait_until(function() return is_over end)
      close(sock, peer)
      return (data or err) == expected
    end)
  end)
end

-- A whole-call limit of zero, of datagrams, and of a listener.
expect.tasks(function()
  local server = network.listener()
  server:settimeout(0.03, "t")
  takes(0.03, function() return server:accept() end, nil, "timeout")
  server:settimeout(0, "t")
  takes(0, function() return server:accept() end, nil, "timeout")
  local datagrams = network.datagram()
  datagrams:settimeout(0.03, "t")
  takes(0.03, function() return datagrams:receivefrom() end, nil, "timeout")
  close(server, datagrams)
end)

-- Of a send to somebody who does not read.
expect.tasks(function()
  local sock, peer = network.pair()
  sock:settimeout(0.05, "t")
  local started = socket.gettime()
  local sent, err, last = sock:send(("x"):rep(12 * 1024 * 1024))
  expect.equal(sent, nil)
  expect.equal(err, "timeout")
  assert(last > 0)
  assert(socket.gettime() - started >= 0.05)
  close(sock, peer)
end)

-- A change while a task waits concerns its next wait.
expect.tasks(function()
  local sock, peer = network.pair()
  sock:settimeout(0.05)
  local results
  cosock.spawn(function() results = expect.pack(sock:receive()) end, "waiter")
  socket.sleep(0)
  sock:settimeout(nil)
  network.wait_until(function() return results end)
  check(results, nil, "timeout", "")
  close(sock, peer)
end)

-- What is accepted has no limit of its own.
expect.tasks(function()
  local server, port = network.listener()
  server:settimeout(5)
  server:settimeout(5, "t")
  local client = assert(socket.connect("127.0.0.1", port))
  local accepted = assert(server:accept())
  expect.equal(accepted.timeout, nil)
  check(expect.pack(accepted:gettimeout()), -1, -1)
  check(expect.pack(client:gettimeout()), -1, -1)
  close(server, client, accepted)
end)

-- Timeouts of many waits at once end in their order: those of waits that begin in one turn, however slow it is.
expect.tasks(function()
  local order, pairs_ = {}, {}
  local timeouts = { 0.3, 0.1, 0.2 }
  for place in ipairs(timeouts) do
    pairs_[place] = { network.pair() }
  end
  for place, timeout in ipairs(timeouts) do
    local sock = pairs_[place][1]
    sock:settimeout(timeout)
    cosock.spawn(function()
      sock:receive()
      order[#order + 1] = timeout
    end, "waiter")
  end
  network.wait_until(function() return #order == 3 end)
  expect.list(order, { 0.1, 0.2, 0.3 })
  for _, each in ipairs(pairs_) do
    close(each[1], each[2])
  end
end)

world.finish()
