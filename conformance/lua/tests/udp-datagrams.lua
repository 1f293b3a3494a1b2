-- Datagrams: sent and received whole, empty, cut and too large; with and without a peer; what a peer that
-- is gone does; and that a socket without a descriptor is closed, not silent.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket
local udp = require "cosock.socket.udp"

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

local function kind(value)
  return math.type and math.type(value) or type(value)
end
local float, integer = kind(1.5), math.type and "integer" or "number"

local function one(results)
  check(results, 1)
  expect.equal(kind(results[1]), float)
end

local function close(...)
  for _, sock in ipairs { ... } do
    sock:close()
  end
end

-- The shape of the object.
do
  local sock = udp()
  assert(udp == socket.udp)
  assert(getmetatable(sock).__index == udp)
  expect.equal(sock.class, "udp{unconnected}")
  expect.equal(sock.inner_sock.class, "udp{unconnected}")
  expect.contains(tostring(sock.inner_sock), "udp{unconnected}: ")
  expect.equal(sock:getfd(), -1)
  expect.equal(sock:getfamily(), "inet4")
  expect.equal(sock:dirty(), false)
  check(expect.pack(sock:getsockname()), nil, "Bad file descriptor")
  expect.raises("udp{connected} expected", sock.getpeername, sock)
  expect.raises("udp{connected} expected", sock.send, sock, "x")
  one(expect.pack(sock:setsockname("127.0.0.1", 0)))
  local results = expect.pack(sock:getsockname())
  check(results, "127.0.0.1", results[2], "inet")
  expect.equal(type(results[2]), "string")
  check(expect.pack(sock:setsockname("127.0.0.1", 0)), nil, "Invalid argument")
  one(expect.pack(sock:close()))
  check(expect.pack(sock:getsockname()), nil, "Bad file descriptor")
end

-- Without a peer.
for _, host in ipairs { "127.0.0.1", "::1" } do
  expect.tasks(function()
    local a, a_port = network.datagram(host)
    local b, b_port = network.datagram(host)
    local results = expect.pack(a:sendto("hello", host, b_port))
    check(results, 5)
    expect.equal(kind(results[1]), float)
    results = expect.pack(b:receivefrom())
    check(results, "hello", host, a_port)
    expect.equal(kind(results[3]), integer)
    -- The port as a text, as getsockname gives it; a number as data.
    check(expect.pack(b:sendto(12, host, (select(2, a:getsockname())))), 2)
    check(expect.pack(a:receive()), "12")
    -- From a socket without an address of its own, which gets one.
    local c = udp()
    check(expect.pack(c:sendto("from c", host, b_port)), 6)
    results = expect.pack(b:receivefrom())
    check(results, "from c", host, tonumber((select(2, c:getsockname()))))
    close(a, b, c)
  end)
end

-- With a peer.
expect.tasks(function()
  local a, a_port = network.datagram()
  local b, b_port = network.datagram()
  local stranger = network.datagram()
  one(expect.pack(a:setpeername("127.0.0.1", b_port)))
  expect.equal(a.class, "udp{connected}")
  expect.equal(a.inner_sock.class, "udp{connected}")
  local results = expect.pack(a:getpeername())
  check(results, "127.0.0.1", b_port, "inet")
  expect.equal(kind(results[2]), integer)
  expect.raises("udp{unconnected} expected", a.sendto, a, "x", "127.0.0.1", b_port)
  expect.raises("udp{unconnected} expected", a.receivefrom, a)
  expect.raises("udp{unconnected} expected", a.setsockname, a, "127.0.0.1", 0)
  check(expect.pack(a:send("to the peer")), 11)
  check(expect.pack(b:receivefrom()), "to the peer", "127.0.0.1", a_port)
  -- Only the peer is heard.
  stranger:sendto("from a stranger", "127.0.0.1", a_port)
  b:sendto("from the peer", "127.0.0.1", a_port)
  check(expect.pack(a:receive()), "from the peer")
  a:settimeout(0)
  check(expect.pack(a:receive()), nil, "timeout")
  -- Another peer, and none.
  one(expect.pack(a:setpeername("127.0.0.1", (select(2, stranger:getsockname())))))
  a:send("to the stranger")
  check(expect.pack(stranger:receive()), "to the stranger")
  one(expect.pack(a:setpeername("*")))
  expect.equal(a.class, "udp{unconnected}")
  expect.raises("udp{connected} expected", a.send, a, "x")
  -- The system may have taken its address away with the peer; sending gives it one.
  local _, stranger_port = stranger:getsockname()
  a:sendto("a question", "127.0.0.1", stranger_port)
  local _, ip, port = stranger:receivefrom()
  stranger:sendto("an answer", ip, port)
  a:settimeout(5)
  check(expect.pack(a:receivefrom()), "an answer", "127.0.0.1", tonumber(stranger_port))
  close(a, b, stranger)
end)

-- Empty ones, sizes, and cut ones, of which the rest is lost.
expect.tasks(function()
  local a, a_port = network.datagram()
  local b, b_port = network.datagram()
  local function send(data)
    assert(a:sendto(data, "127.0.0.1", b_port) == #data)
  end
  send("")
  check(expect.pack(b:receive()), "")
  send("")
  check(expect.pack(b:receivefrom()), "", "127.0.0.1", a_port)
  for _, size in ipairs { 4, 4.9, "4", "0x4" } do
    send("0123456789")
    send("next")
    check(expect.pack(b:receive(size)), "0123")
    check(expect.pack(b:receive()), "next")
  end
  send("0123456789")
  check(expect.pack(b:receivefrom(3)), "012", "127.0.0.1", a_port)
  -- Size 0 consumes one.
  send("lost")
  send("next")
  check(expect.pack(b:receive(0)), "")
  check(expect.pack(b:receive()), "next")
  -- The default size, larger ones, and the largest datagram there is.
  local large = network.bytes(9000)
  send(large)
  check(expect.pack(b:receive()), large:sub(1, 8192))
  send(large)
  check(expect.pack(b:receive(9000)), large)
  send(large)
  check(expect.pack(b:receive(1e9)), large)
  local largest = network.bytes(65507)
  send(largest)
  check(expect.pack(b:receive(65507)), largest)
  check(expect.pack(a:sendto(largest .. "x", "127.0.0.1", b_port)), nil, "Message too long")
  for _, size in ipairs { -1, -0.5, -math.huge } do
    check(expect.pack(b:receive(size)), nil, "out of memory")
    check(expect.pack(b:receivefrom(size)), nil, "out of memory")
  end
  expect.raises("bad argument #2 to 'receive'", b.receive, b, "many")
  expect.raises("bad argument #2 to 'receivefrom'", b.receivefrom, b, {})
  -- Each by itself, in the order of sending, with nothing lost.
  for number = 1, 50 do
    send("number " .. number)
  end
  for number = 1, 50 do
    check(expect.pack(b:receive()), "number " .. number)
  end
  close(a, b)
end)

-- Where sendto refuses.
expect.tasks(function()
  local a, port = network.datagram()
  local unknown = "Name or service not known"
  check(expect.pack(a:sendto("x", "localhost", port)), nil, unknown)
  check(expect.pack(a:sendto("x", "127.0.0.1", "domain")), nil, unknown)
  check(expect.pack(a:sendto("x", "127.0.0.1", 0)), nil, "Invalid argument")
  check(expect.pack(a:sendto("x", "255.255.255.255", port)), nil, "permission denied")
  check(expect.pack(a:sendto("x", "::1", port)), nil, "Address family for hostname not supported")
  expect.raises("bad argument #2 to 'sendto'", a.sendto, a)
  expect.raises("bad argument #3 to 'sendto'", a.sendto, a, "x")
  expect.raises("bad argument #4 to 'sendto'", a.sendto, a, "x", "127.0.0.1")
  expect.raises("bad argument #2 to 'sendto'", a.sendto, a, {}, "127.0.0.1", port)
  local unresolved = "host or service not provided, or not known"
  check(expect.pack(a:setpeername("host.invalid", port)), nil, unresolved)
  check(expect.pack(a:setpeername("", port)), nil, unresolved)
  expect.equal(a.class, "udp{unconnected}")
  expect.raises("bad argument #3 to 'setpeername'", a.setpeername, a, "127.0.0.1")
  check(expect.pack(udp():setsockname("host.invalid", 0)), nil, unresolved)
  check(expect.pack(udp():setsockname("192.0.2.1", 0)), nil, "Cannot assign requested address")
  local _, taken = a:getsockname()
  check(expect.pack(udp():setsockname("127.0.0.1", taken)), nil, "address already in use")
  a:close()
end)

-- Nobody at the other end: the next call learns it, be it a send or a receive that waits.
expect.tasks(function()
  local gone, gone_port = network.datagram()
  local a = udp()
  a:setpeername("127.0.0.1", gone_port)
  gone:close()
  a:settimeout(10)
  check(expect.pack(a:send("x")), 1)
  check(expect.pack(a:receive()), nil, "connection refused")
  check(expect.pack(a:send("x")), 1)
  local results
  network.wait_until(function()
    results = expect.pack(a:send("x"))
    return results[1] == nil
  end)
  check(results, nil, "connection refused")
  -- While a task waits.
  results = nil
  a:settimeout(0)
  a:receive()
  a:settimeout(nil)
  cosock.spawn(function() results = expect.pack(a:receive()) end, "receiver")
  socket.sleep(0.005)
  a:send("x")
  network.wait_until(function() return results end)
  check(results, nil, "connection refused")
  a:close()
end)

-- Waiting, with a limit and without.
expect.tasks(function()
  local a, port = network.datagram()
  a:settimeout(0.03)
  local started = socket.gettime()
  check(expect.pack(a:receive()), nil, "timeout")
  check(expect.pack(a:receivefrom()), nil, "timeout")
  assert(socket.gettime() - started >= 0.06)
  a:settimeout(0)
  check(expect.pack(a:receive()), nil, "timeout")
  local b = udp()
  for number = 1, 40 do
    b:sendto(tostring(number), "127.0.0.1", port)
    -- It is there already.
    check(expect.pack(a:receive()), tostring(number))
    check(expect.pack(a:receive()), nil, "timeout")
  end
  a:settimeout(nil)
  cosock.spawn(function()
    socket.sleep(0.01)
    b:sendto("late", "127.0.0.1", port)
  end, "sender")
  check(expect.pack(a:receive()), "late")
  close(a, b)
end)

-- A socket that nobody has but the task which waits on it.
for _, receive in ipairs { "receive", "receivefrom" } do
  expect.tasks(function()
    local port, results
    cosock.spawn(function()
      local function open()
        local sock
        sock, port = network.datagram()
        return sock
      end
      results = expect.pack(udp[receive](open()))
    end, "receiver")
    network.wait_until(function() return port end)
    socket.sleep(0)
    collectgarbage()
    collectgarbage()
    local sender = udp()
    assert(sender:sendto("still there", "127.0.0.1", port))
    network.wait_until(function() return results end)
    expect.equal(results[1], "still there")
    sender:close()
    collectgarbage()
    collectgarbage()
  end)
end

-- Two tasks, one socket: the second gets an error, and neither's datagram is lost.
expect.tasks(function()
  local a, port = network.datagram()
  local first, message
  cosock.spawn(function() first = a:receive() end, "first")
  cosock.spawn(function() a:receivefrom() end, "second", { onerror = function(err) message = err end })
  network.wait_until(function() return message end)
  expect.contains(message, "recvr waker already set")
  udp():sendto("for the first", "127.0.0.1", port)
  network.wait_until(function() return first end)
  expect.equal(first, "for the first")
  a:close()
end)

-- Closed, new, and closed while a task waits.
expect.tasks(function()
  local new = udp()
  check(expect.pack(new:receive()), nil, "closed")
  check(expect.pack(new:receivefrom()), nil, "closed")
  local a, port = network.datagram()
  a:close()
  check(expect.pack(a:receive()), nil, "closed")
  check(expect.pack(a:receivefrom()), nil, "closed")
  expect.equal(a:getfd(), -1)
  check(expect.pack(a:sendto("x", "127.0.0.1", port)), nil, "closed")
  expect.equal(a:getfd(), -1)
  -- It keeps its class, and can be opened again.
  expect.equal(a.class, "udp{unconnected}")
  one(expect.pack(a:setsockname("127.0.0.1", 0)))
  check(expect.pack(a:sendto("x", "127.0.0.1", port)), 1)
  one(expect.pack(a:setpeername("127.0.0.1", port)))
  a:close()
  expect.equal(a.class, "udp{connected}")
  check(expect.pack(a:send("x")), nil, "closed")
  check(expect.pack(a:getpeername()), nil, "Bad file descriptor")
  check(expect.pack(a:receive()), nil, "closed")
  for _, receive in ipairs { "receive", "receivefrom" } do
    local b = network.datagram()
    local results
    cosock.spawn(function() results = expect.pack(b[receive](b)) end, "receiver")
    socket.sleep(0.005)
    assert(not results)
    b:close()
    network.wait_until(function() return results end)
    check(results, nil, "closed")
  end
end)

-- Families.
expect.tasks(function()
  local six = assert(socket.udp6())
  assert(six:getfd() >= 0)
  expect.equal(six:getfamily(), "inet6")
  expect.equal(six.class, "udp{unconnected}")
  check(expect.pack(six:setsockname("127.0.0.1", 0)), nil, "Address family for hostname not supported")
  one(expect.pack(six:setsockname("::1", 0)))
  expect.equal(six:getoption("ipv6-v6only"), true)
  local results = expect.pack(six:getsockname())
  check(results, "::1", results[2], "inet6")
  local four = assert(socket.udp4())
  assert(four:getfd() >= 0)
  check(expect.pack(four:getsockname()), "0.0.0.0", "0", "inet")
  check(expect.pack(four:setsockname("::1", 0)), nil, "Address family for hostname not supported")
  one(expect.pack(four:setpeername("127.0.0.1", 9)))
  expect.equal(four:getfamily(), "inet4")
  local any = udp()
  one(expect.pack(any:setpeername("::1", 9)))
  expect.equal(any:getfamily(), "inet6")
  close(six, four, any)
end)

world.finish()
