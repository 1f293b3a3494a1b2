-- connect: refused, too slow, taken up again, to names with several addresses, from a chosen address, and
-- with what is no address. The class of the object and that of its inner socket never differ.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

local function class(sock, expected)
  expect.equal(sock.class, expected)
  expect.equal(sock.inner_sock.class, expected)
end

local function close(...)
  for _, sock in ipairs { ... } do
    sock:close()
  end
end

-- Refused; the object can be used for another try.
for _, host in ipairs { "127.0.0.1", "::1" } do
  expect.tasks(function()
    local port, keeper = network.refusing_port(host)
    local sock = socket.tcp()
    check(expect.pack(sock:connect(host, port)), nil, "connection refused")
    class(sock, "tcp{client}")
    check(expect.pack(sock:connect(host, port)), nil, "connection refused")
    check(expect.pack(sock:send("x")), nil, "closed", 0)
    local results = expect.pack(sock:receive())
    expect.equal(results[1], nil)
    local server, open_port = network.listener(host)
    check(expect.pack(sock:connect(host, open_port)), 1)
    class(sock, "tcp{client}")
    local peer = assert(server:accept())
    peer:send("fresh\n")
    check(expect.pack(sock:receive()), "fresh")
    check(expect.pack(socket.connect(host, port)), nil, "connection refused")
    check(expect.pack(socket.connect4("127.0.0.1", port)), nil, "connection refused")
    close(sock, keeper, server, peer)
  end)
end

-- Too slow: the attempt goes on; a later connect takes it up and ends when it does.
expect.tasks(function()
  local server, port, fillers = network.full_listener()
  local sock = socket.tcp()
  sock:settimeout(0.03)
  local started = socket.gettime()
  check(expect.pack(sock:connect("127.0.0.1", port)), nil, "timeout")
  assert(socket.gettime() - started >= 0.03)
  class(sock, "tcp{client}")
  local fd = sock:getfd()
  check(expect.pack(sock:connect("127.0.0.1", port)), nil, "timeout")
  sock:settimeout(0)
  check(expect.pack(sock:connect("127.0.0.1", port)), nil, "timeout")
  expect.equal(sock:getfd(), fd)
  -- Room in the backlog lets it through; the system tries again within some seconds.
  sock:settimeout(20)
  local accepted = {}
  cosock.spawn(function()
    server:settimeout(0.2)
    repeat
      accepted[#accepted + 1] = server:accept()
    until not sock
  end, "acceptor")
  check(expect.pack(sock:connect("127.0.0.1", port)), 1)
  class(sock, "tcp{client}")
  check(expect.pack(sock:connect("127.0.0.1", port)), nil, "already connected")
  check(expect.pack(sock:send("over\n")), 5, nil, nil)
  close(sock, (table.unpack or unpack)(fillers))
  sock = nil
  network.wait_until(function() return #cosock.get_thread_metadata() == 1 end)
  close(server, (table.unpack or unpack)(accepted))
end)

-- The way of non-blocking programs: connect without a limit, select for writing, and then just use it.
expect.tasks(function()
  local server, port = network.listener()
  local sock = socket.tcp()
  sock:settimeout(0)
  local done, err = sock:connect("127.0.0.1", port)
  assert(done == 1 or err == "timeout")
  class(sock, "tcp{client}")
  local _, sendr = socket.select(nil, { sock }, 5)
  expect.list(sendr, { sock })
  check(expect.pack(sock:send("hello\n")), 6, nil, nil)
  local peer = assert(server:accept())
  check(expect.pack(peer:receive()), "hello")
  peer:send("early\n")
  socket.select({ sock }, nil, 5)
  check(expect.pack(sock:receive(2)), "ea")
  -- A connect that confirms it at the end takes nothing away.
  done, err = sock:connect("127.0.0.1", port)
  assert(done == 1 or err == "already connected")
  check(expect.pack(sock:receive()), "rly")
  close(sock, peer, server)
end)

-- A refusal is seen by select, too.
expect.tasks(function()
  local port, keeper = network.refusing_port()
  local sock = socket.tcp()
  sock:settimeout(0)
  local done, err = sock:connect("127.0.0.1", port)
  expect.equal(done, nil)
  if err == "timeout" then
    local _, sendr = socket.select(nil, { sock }, 5)
    expect.list(sendr, { sock })
    expect.equal(sock:getoption("error"), "connection refused")
    expect.equal(sock:getoption("error"), nil)
  else
    expect.equal(err, "connection refused")
  end
  close(sock, keeper)
end)

-- A name with several addresses: each of its families in turn has a server, and is found.
expect.tasks(function()
  local hosts = assert(socket.dns.getaddrinfo("localhost"))
  local seen = {}
  for _, entry in ipairs(hosts) do
    if not seen[entry.addr] then
      seen[entry.addr] = true
      local server, port = network.listener(entry.addr)
      local sock = assert(socket.connect("localhost", port))
      expect.equal((sock:getpeername()), entry.addr)
      local peer = assert(server:accept())
      close(sock, peer, server)
      -- With a limit as well.
      server, port = network.listener(entry.addr)
      sock = socket.tcp()
      sock:settimeout(5)
      check(expect.pack(sock:connect("localhost", port)), 1)
      close(sock, server)
    end
  end
  local port, keeper = network.refusing_port()
  check(expect.pack(socket.connect("localhost", port)), nil, "connection refused")
  close(keeper)
end)

-- From an address of one's own.
expect.tasks(function()
  local server, port = network.listener()
  local sock = assert(socket.connect("127.0.0.1", port, "127.0.0.1", 0))
  expect.equal((sock:getsockname()), "127.0.0.1")
  local reserved = socket.tcp()
  assert(reserved:bind("127.0.0.1", 0))
  local _, own = reserved:getsockname()
  reserved:close()
  local second = assert(socket.connect("127.0.0.1", port, "127.0.0.1", own))
  expect.equal(select(2, second:getsockname()), own)
  check(expect.pack(socket.connect("127.0.0.1", port, "192.0.2.1", 0)), nil,
    "Cannot assign requested address")
  local bound = socket.tcp()
  assert(bound:bind("127.0.0.1", 0))
  check(expect.pack(bound:connect("127.0.0.1", port)), 1)
  class(bound, "tcp{client}")
  close(server, sock, second, bound)
end)

-- One family only.
expect.tasks(function()
  local wrong = "Address family for hostname not supported"
  local server, port = network.listener()
  local server6, port6 = network.listener("::1")
  local sock = assert(socket.connect6("::1", port6))
  expect.equal(sock:getfamily(), "inet6")
  check(expect.pack(socket.connect6("127.0.0.1", port)), nil, wrong)
  local bound = socket.tcp()
  assert(bound:bind("127.0.0.1", 0))
  check(expect.pack(bound:connect("::1", port6)), nil, wrong)
  -- An undecided object takes the family of its first address.
  local any = assert(socket.connect("::1", port6))
  expect.equal(any:getfamily(), "inet6")
  close(server, server6, sock, bound, any)
end)

-- What is no address, and what is no service.
expect.tasks(function()
  local sock = socket.tcp()
  local unknown = "host or service not provided, or not known"
  local server, port = network.listener()
  check(expect.pack(sock:connect("", port)), nil, unknown)
  check(expect.pack(sock:connect("no such host", port)), nil, unknown)
  check(expect.pack(sock:connect("host.invalid", port)), nil, unknown)
  check(expect.pack(socket.connect("host.invalid", port)), nil, unknown)
  for _, bad in ipairs { "nosuchservice", -1, 0.5 } do
    check(expect.pack(sock:connect("127.0.0.1", bad)), nil, "service not supported for socket type")
  end
  expect.equal(sock:getfd(), -1)
  -- Ports beyond the range wrap around.
  check(expect.pack(sock:connect("127.0.0.1", port + 65536)), 1)
  class(sock, "tcp{client}")
  local fresh = socket.tcp()
  expect.raises("bad argument #2 to 'connect'", fresh.connect, fresh)
  expect.raises("bad argument #3 to 'connect'", fresh.connect, fresh, "127.0.0.1")
  expect.raises("bad argument #2 to 'connect'", fresh.connect, fresh, {}, port)
  expect.raises("bad argument #3 to 'connect'", fresh.connect, fresh, "127.0.0.1", {})
  close(sock, fresh, server)
end)

-- Who was given no address counts as a client, too: what follows is told that it is closed, and raises nothing.
expect.tasks(function()
  local function ends(sock)
    class(sock, "tcp{client}")
    expect.equal(sock:getfd(), -1)
    check(expect.pack(sock:send("x")), nil, "closed", 0)
    for _, pattern in ipairs { "*l", "*a", 3 } do
      check(expect.pack(sock:receive(pattern)), nil, "closed", "")
    end
    expect.equal(select("#", sock:getstats()), 3)
    expect.raises("tcp{master} expected", sock.bind, sock, "127.0.0.1", 0)
    close(sock)
  end
  for _, where in ipairs { { "host.invalid", 80 }, { "127.0.0.1", "nosuchservice" }, { "", 80 } } do
    local sock = socket.tcp()
    expect.equal(sock:connect(where[1], where[2]), nil)
    ends(sock)
    -- In a coroutine of its own the name is looked up at once.
    sock = socket.tcp()
    coroutine.wrap(function() expect.equal(sock:connect(where[1], where[2]), nil) end)()
    ends(sock)
    -- The inner socket by itself.
    sock = socket.tcp()
    expect.equal(sock.inner_sock:connect(where[1], where[2]), nil)
    expect.equal(sock.inner_sock.class, "tcp{client}")
    close(sock)
  end
end)

-- setpeername is connect by another name.
expect.tasks(function()
  local server, port = network.listener()
  local sock = socket.tcp()
  check(expect.pack(sock:setpeername("127.0.0.1", port)), 1)
  class(sock, "tcp{client}")
  close(sock, server)
end)

-- A server that has said all before the client knows that it is connected: the end is seen at once, not at the timeout.
for _, words in ipairs { "busy\n", "" } do
  for _, pattern in ipairs { "*l", "*a", 5 } do
    expect.tasks(function()
      local server, port = network.listener()
      local sock = socket.tcp()
      sock:settimeout(10)
      -- It starts while the client waits, and does not wait itself.
      cosock.spawn(function()
        local peer = assert(server:accept())
        peer:send(words)
        peer:close()
      end, "server")
      local started = socket.gettime()
      check(expect.pack(sock:connect("127.0.0.1", port)), 1)
      if words ~= "" or pattern == "*a" then
        check(expect.pack(sock:receive(pattern)), pattern == "*l" and "busy" or words)
      end
      check(expect.pack(sock:receive(pattern)), nil, "closed", "")
      assert(socket.gettime() - started < 5, "the end of the stream was missed")
      close(sock, server)
    end)
  end
end

-- Many connects at once.
expect.tasks(function()
  local server, port = network.listener("127.0.0.1", 128)
  local done, held = 0, {}
  for _ = 1, 50 do
    cosock.spawn(function()
      local sock = assert(socket.connect("127.0.0.1", port))
      sock:send("hello\n")
      assert(sock:receive() == "welcome")
      sock:close()
      done = done + 1
    end, "client")
  end
  for place = 1, 50 do
    local peer = assert(server:accept())
    held[place] = peer
    assert(peer:receive() == "hello")
    peer:send("welcome\n")
  end
  network.wait_until(function() return done == 50 end)
  close(server, (table.unpack or unpack)(held))
end)

world.finish()
