-- The shape of tcp objects: their class, what getsockname, getpeername, getfamily, getfd, getstats and
-- accept return, with value counts and number subtypes, and which class each method asks for.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket
local tcp = require "cosock.socket.tcp"

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

-- "float", "integer", or "number" where there is one kind only.
local function kind(value)
  return math.type and math.type(value) or type(value)
end
local float, integer = kind(1.5), math.type and "integer" or "number"

local function one(results)
  check(results, 1)
  expect.equal(kind(results[1]), float)
end

-- A master.
do
  local sock = tcp()
  expect.equal(type(sock), "table")
  expect.equal(sock.class, "tcp{master}")
  expect.equal(sock.inner_sock.class, "tcp{master}")
  assert(getmetatable(sock).__index == tcp)
  assert(tcp == socket.tcp)
  expect.contains(tostring(sock.inner_sock), "tcp{master}: ")
  expect.equal(sock.timeout, nil)
  expect.equal(sock.wakers, nil)
  expect.equal(sock:getfd(), -1)
  expect.equal(kind(sock:getfd()), float)
  expect.equal(sock:getfamily(), "inet4")
  expect.equal(sock:dirty(), false)
  check(expect.pack(sock:getsockname()), nil, "Bad file descriptor")
  check(expect.pack(sock:getpeername()), nil, "Bad file descriptor")
  check(expect.pack(sock:listen()), nil, "Bad file descriptor")
  expect.raises("tcp{client} expected", sock.send, sock, "x")
  expect.raises("tcp{client} expected", sock.receive, sock)
  expect.raises("tcp{client} expected", sock.getstats, sock)
  expect.raises("tcp{client} expected", sock.setstats, sock, 1)
  expect.raises("tcp{client} expected", sock.shutdown, sock)
  expect.raises("tcp{server} expected", sock.accept, sock)
  one(expect.pack(sock:bind("127.0.0.1", 0)))
  expect.equal(sock.class, "tcp{master}")
  assert(sock:getfd() >= 0)
  check(expect.pack(sock:bind("127.0.0.1", 0)), nil, "Invalid argument")
  one(expect.pack(sock:listen()))
  expect.equal(sock.class, "tcp{server}")
  expect.raises("tcp{master} expected", sock.listen, sock)
  expect.raises("tcp{master} expected", sock.bind, sock, "127.0.0.1", 0)
  expect.raises("tcp{client} expected", sock.send, sock, "x")
  expect.raises("tcp{client} expected", sock.receive, sock)
  one(expect.pack(sock:close()))
  expect.equal(sock:getfd(), -1)
  expect.equal(kind(sock:close()), float)
end

-- Ways to bind.
do
  for _, case in ipairs {
    { "127.0.0.1", 0, "127.0.0.1", "inet" }, { "*", 0, "0.0.0.0", "inet" },
    { "127.0.0.1", "0", "127.0.0.1", "inet" }, { "::1", 0, "::1", "inet6" },
  } do
    local sock = tcp()
    one(expect.pack(sock:bind(case[1], case[2])))
    local results = expect.pack(sock:getsockname())
    expect.equal(results.n, 3)
    expect.equal(results[1], case[3])
    expect.equal(type(results[2]), "string")
    assert(tonumber(results[2]) > 0)
    expect.equal(results[3], case[4])
    sock:close()
  end
  local sock = tcp()
  one(expect.pack(sock:setsockname("127.0.0.1", 0)))
  local _, port = sock:getsockname()
  sock:listen()
  local second = tcp()
  check(expect.pack(second:bind("127.0.0.1", port)), nil, "address already in use")
  check(expect.pack(second:bind("192.0.2.1", 0)), nil, "Cannot assign requested address")
  local unknown = "host or service not provided, or not known"
  check(expect.pack(second:bind("", 0)), nil, unknown)
  for _, bad in ipairs { "nosuchservice", -1, 0.5, "1x" } do
    check(expect.pack(second:bind("127.0.0.1", bad)), nil, "service not supported for socket type")
  end
  check(expect.pack(socket.bind("127.0.0.1", port)), nil, "address already in use")
  check(expect.pack(socket.bind("192.0.2.1", 0)), nil, "Cannot assign requested address")
  check(expect.pack(socket.bind("", 0)), nil, unknown)
  expect.raises("string expected", socket.bind)
  expect.raises("number expected, got string", socket.bind, "127.0.0.1", 0, "many")
  expect.raises("bad argument #2 to 'bind'", second.bind, second)
  expect.raises("bad argument #3 to 'bind'", second.bind, second, "127.0.0.1")
  expect.raises("bad argument #2 to 'bind'", second.bind, second, {}, 0)
  expect.raises("bad argument #2 to 'listen'", second.listen, second, "many")
  second:close()
  sock:close()
end

-- Ports above 65535 wrap around, as the C library has it.
do
  local sock = tcp()
  local done = sock:bind("127.0.0.1", 70000)
  if done then
    expect.equal(select(2, sock:getsockname()), "4464")
  end
  sock:close()
end

-- Both ends of a connection.
for _, host in ipairs { "127.0.0.1", "::1" } do
  expect.tasks(function()
    local family = host == "::1" and "inet6" or "inet"
    local server, port = network.listener(host)
    local client = tcp()
    local _, text = server:getsockname()
    -- The port is accepted in both forms.
    one(expect.pack(client:connect(host, text)))
    expect.equal(client.class, "tcp{client}")
    local results = expect.pack(server:accept())
    expect.equal(results.n, 1)
    local accepted = results[1]
    assert(getmetatable(accepted) == getmetatable(client))
    local fields = {}
    for name in pairs(accepted) do
      fields[#fields + 1] = name
    end
    table.sort(fields)
    expect.list(fields, { "class", "inner_sock" })
    expect.equal(accepted.class, "tcp{client}")
    expect.equal(accepted.inner_sock.class, "tcp{client}")
    expect.equal(server.class, "tcp{server}")

    results = expect.pack(client:getpeername())
    check(results, host, port, family)
    expect.equal(kind(results[2]), integer)
    local own = expect.pack(client:getsockname())
    check(own, host, own[2], family)
    expect.equal(type(own[2]), "string")
    check(expect.pack(accepted:getpeername()), host, tonumber(own[2]), family)
    check(expect.pack(accepted:getsockname()), host, tostring(port), family)
    expect.equal(client:getfamily(), host == "::1" and "inet6" or "inet4")
    expect.equal(accepted:getfamily(), host == "::1" and "inet6" or "inet4")
    check(expect.pack(server:getpeername()), nil, "Transport endpoint is not connected")

    -- Statistics.
    client:send("12345")
    accepted:receive(5)
    local sent = expect.pack(client:getstats())
    check(sent, 0, 5, sent[3])
    assert(sent[3] >= 0 and sent[3] < 100)
    local received = expect.pack(accepted:getstats())
    check(received, 5, 0, received[3])
    for _, value in ipairs(received) do
      expect.equal(kind(value), float)
    end
    -- A byte counts when it is handed over, however many come with it: so one line is measured among many.
    client:send(("line\n"):rep(40))
    for line = 1, 30 do
      accepted:receive()
      expect.equal((accepted:getstats()), 5 + 5 * line)
    end
    one(expect.pack(accepted:setstats(1)))
    accepted:receive(3)
    expect.equal((accepted:getstats()), 4)
    accepted:receive(47)
    expect.equal((accepted:getstats()), 51)
    client:setstats(0, 5)

    one(expect.pack(client:setstats(10, 20, 30)))
    sent = expect.pack(client:getstats())
    check(sent, 10, 20, sent[3])
    assert(sent[3] >= 30 and sent[3] < 130)
    one(expect.pack(client:setstats()))
    one(expect.pack(client:setstats(nil, 7)))
    local first, second = client:getstats()
    check({ n = 2, first, second }, 10, 7)
    expect.raises("bad argument #2 to 'setstats'", client.setstats, client, "many")

    expect.raises("tcp{master} expected", client.bind, client, host, 0)
    expect.raises("tcp{master} expected", client.listen, client)
    expect.raises("tcp{server} expected", client.accept, client)
    check(expect.pack(client:connect(host, port)), nil, "already connected")
    expect.equal(client.class, "tcp{client}")
    check(expect.pack(server:connect(host, port)), nil, "already connected")
    expect.equal(server.class, "tcp{server}")

    for _, sock in ipairs { client, accepted, server } do
      sock:close()
    end
    sent = expect.pack(client:getstats())
    expect.equal(sent.n, 3)
    -- What is closed can be connected anew.
    server, port = network.listener(host)
    one(expect.pack(client:connect(host, port)))
    expect.equal(client.class, "tcp{client}")
    client:close()
    -- A closed server, too.
    local other = network.listener(host)
    other:close()
    expect.equal(other.class, "tcp{server}")
    one(expect.pack(other:connect(host, port)))
    expect.equal(other.class, "tcp{client}")
    other:close()
    server:close()
  end)
end

-- Several clients wait in the queue and are accepted in turn, without a wait.
expect.tasks(function()
  local server, port = network.listener()
  local clients, seen = {}, {}
  for place = 1, 5 do
    clients[place] = assert(socket.connect("127.0.0.1", port))
  end
  server:settimeout(0)
  for _ = 1, 5 do
    local accepted = assert(server:accept())
    local _, other = accepted:getpeername()
    seen[other] = true
    clients[#clients + 1] = accepted
  end
  check(expect.pack(server:accept()), nil, "timeout")
  for place = 1, 5 do
    local _, own = clients[place]:getsockname()
    assert(seen[tonumber(own)], "every client is accepted once")
  end
  for _, sock in ipairs(clients) do
    sock:close()
  end
  server:close()
end)

-- A method called on what is no socket.
for _, name in ipairs { "accept", "bind", "close", "connect", "receive", "send", "getfd", "settimeout" } do
  for _, wrong in ipairs { "nil", 5, "text", true, print } do
    local value = wrong ~= "nil" and wrong or nil
    expect.raises("bad argument #1 to '" .. name .. "'", tcp[name], value, "x", "y")
  end
end

world.finish()
