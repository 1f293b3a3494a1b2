-- The dns functions, and names in connect, bind and the udp functions: what they return, that they leave
-- other tasks running inside a task, and that they work outside of tasks and where nothing can yield.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket
local dns = socket.dns

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

local unknown = "host or service not provided, or not known"

local function check_entry(entry)
  expect.equal(type(entry), "table")
  expect.equal(type(entry.name), "string")
  expect.equal(type(entry.alias), "table")
  expect.equal(type(entry.ip), "table")
  local fields = {}
  for name in pairs(entry) do
    fields[#fields + 1] = name
  end
  table.sort(fields)
  expect.list(fields, { "alias", "ip", "name" })
end

-- Every function, in whatever place.
local function every_function()
  local results = expect.pack(dns.toip("127.0.0.1"))
  expect.equal(results.n, 2)
  expect.equal(results[1], "127.0.0.1")
  check_entry(results[2])
  expect.list(results[2].ip, { "127.0.0.1" })
  -- The name of the address, from the other direction.
  expect.equal(results[2].name, (dns.tohostname("127.0.0.1")))

  results = expect.pack(dns.toip("localhost"))
  expect.equal(results[1], "127.0.0.1")
  check_entry(results[2])
  expect.equal(results[2].ip[1], "127.0.0.1")

  results = expect.pack(dns.tohostname("127.0.0.1"))
  expect.equal(results.n, 2)
  expect.equal(type(results[1]), "string")
  check_entry(results[2])
  expect.equal(results[2].name, results[1])

  results = expect.pack(dns.getaddrinfo("127.0.0.1"))
  expect.equal(results.n, 1)
  expect.equal(#results[1], 1)
  expect.equal(results[1][1].family, "inet")
  expect.equal(results[1][1].addr, "127.0.0.1")
  results = expect.pack(dns.getaddrinfo("::1"))
  expect.equal(results[1][1].family, "inet6")
  expect.equal(results[1][1].addr, "::1")
  expect.equal(dns.getaddrinfo(5)[1].addr, "0.0.0.5")
  results = expect.pack(dns.getaddrinfo("localhost"))
  assert(#results[1] >= 1)
  for _, entry in ipairs(results[1]) do
    assert(entry.family == "inet" or entry.family == "inet6")
    expect.equal(type(entry.addr), "string")
  end

  results = expect.pack(dns.getnameinfo("127.0.0.1"))
  expect.equal(results.n, 1)
  expect.equal(type(results[1][1]), "string")
  results = expect.pack(dns.getnameinfo("127.0.0.1", "80"))
  expect.equal(results.n, 2)
  expect.equal(type(results[2]), "string")
  results = expect.pack(dns.getnameinfo(nil, "80"))
  expect.equal(results.n, 2)
  expect.equal(#results[1], 0)
  expect.equal(type(results[2]), "string")

  results = expect.pack(dns.gethostname())
  expect.equal(results.n, 1)
  assert(#results[1] > 0)

  check(expect.pack(dns.toip("")), nil, "Unknown server error")
  check(expect.pack(dns.toip("::1")), nil, "host not found")
  check(expect.pack(dns.getaddrinfo("host.invalid")), nil, unknown)
  check(expect.pack(dns.getnameinfo("127.0.0.1", "nosuchservice")), nil,
    "service not supported for socket type")
  local err = select(2, dns.toip("host.invalid"))
  expect.equal(err, "host not found")
  err = select(2, dns.tohostname("host.invalid"))
  expect.equal(err, "host not found")

  for _, name in ipairs { "toip", "tohostname", "getaddrinfo" } do
    for _, wrong in ipairs { {}, true, print } do
      local message = expect.raises("bad argument #1", dns[name], wrong)
      expect.contains(message, "string expected, got " .. type(wrong))
    end
    expect.raises("bad argument #1", dns[name])
  end
  expect.raises("host and serv cannot be both nil", dns.getnameinfo)
  expect.raises("bad argument #1", dns.getnameinfo, {})
  expect.raises("bad argument #2", dns.getnameinfo, "127.0.0.1", {})
end

-- Outside of tasks: at once.
every_function()
-- In a coroutine that is no task, which is nowhere asked to yield.
do
  local co = coroutine.create(every_function)
  local fine, err = coroutine.resume(co)
  assert(fine, err)
  expect.equal(coroutine.status(co), "dead")
end
-- In a task; where the function cannot yield, too: under pcall, in a callback of a C function.
expect.tasks(every_function)
expect.tasks(function()
  local fine, err = pcall(every_function)
  assert(fine, err)
  local text = ("x"):gsub("x", function()
    return (dns.toip("localhost"))
  end)
  expect.equal(text, "127.0.0.1")
  local sorted = { 2, 1 }
  table.sort(sorted, function(a, b)
    assert(dns.getaddrinfo("localhost"))
    return a < b
  end)
  expect.list(sorted, { 1, 2 })
end)
-- In a coroutine of a task.
expect.tasks(function()
  local address = coroutine.wrap(function()
    return (dns.toip("localhost"))
  end)()
  expect.equal(address, "127.0.0.1")
end)

-- In parallel, while others run: a name that is looked up leaves its task for at least a turn.
expect.tasks(function()
  local finished, ticks, overlapped = 0, 0, 0
  for number = 1, 20 do
    cosock.spawn(function()
      local before = ticks
      if number % 2 == 0 then
        assert(dns.getaddrinfo("localhost"))
      else
        check(expect.pack(dns.getaddrinfo("host.invalid")), nil, unknown)
      end
      if ticks > before then
        overlapped = overlapped + 1
      end
      finished = finished + 1
    end, "look-up " .. number)
  end
  cosock.spawn(function()
    while finished < 20 do
      ticks = ticks + 1
      socket.sleep(0)
    end
  end, "ticker")
  network.wait_until(function() return finished == 20 end)
  expect.equal(overlapped, 20, "look-ups that let others run")
end)

-- A numeric address lets nobody else run.
expect.tasks(function()
  local others = 0
  cosock.spawn(function() others = others + 1 end, "other")
  assert(dns.getaddrinfo("127.0.0.1"))
  local sock = socket.tcp()
  assert(sock:bind("127.0.0.1", 0))
  expect.equal(others, 0)
  sock:close()
end)

-- Names in the socket functions let others run as well, and give what they should.
expect.tasks(function()
  local server, port = network.listener()
  local ticking, ticks = true, 0
  cosock.spawn(function()
    while ticking do
      ticks = ticks + 1
      socket.sleep(0)
    end
  end, "ticker")
  local function while_ticking(fn, ...)
    local before = ticks
    local results = expect.pack(fn(...))
    assert(ticks > before, "nobody else ran")
    return results
  end
  local sock = socket.tcp()
  check(while_ticking(sock.connect, sock, "localhost", port), 1)
  expect.equal(sock.class, "tcp{client}")
  local bound = socket.tcp()
  check(while_ticking(bound.bind, bound, "localhost", 0), 1)
  expect.equal((bound:getsockname()), "127.0.0.1")
  local datagrams = socket.udp()
  check(while_ticking(datagrams.setsockname, datagrams, "localhost", 0), 1)
  check(while_ticking(datagrams.setpeername, datagrams, "localhost", port), 1)
  expect.equal(datagrams.class, "udp{connected}")
  check(while_ticking(socket.connect, "host.invalid", port), nil, unknown)
  local listening = while_ticking(socket.bind, "localhost", 0)[1]
  expect.equal(listening.class, "tcp{server}")
  ticking = false
  for _, each in ipairs { server, sock, bound, datagrams, listening } do
    each:close()
  end
end)

-- Under pcall names are resolved, too; on 5.1 on the spot. (The wait for the connection itself could
-- not yield there.)
expect.tasks(function()
  local sock = socket.tcp()
  local fine, done, err = pcall(sock.bind, sock, "localhost", 0)
  check({ n = 3, fine, done, err }, true, 1, nil)
  fine, done, err = pcall(socket.tcp().bind, socket.tcp(), "host.invalid", 0)
  check({ n = 3, fine, done, err }, true, nil, unknown)
  local datagrams = socket.udp()
  fine, done, err = pcall(datagrams.setpeername, datagrams, "localhost", 9)
  check({ n = 3, fine, done, err }, true, 1, nil)
  sock:close()
  datagrams:close()
end)

-- The limit of a connect counts for its look-up as well; what is closed meanwhile ends at once; a task
-- that is cancelled leaves no look-up behind.
expect.tasks(function()
  local server, port = network.listener()
  local sock = socket.tcp()
  sock:settimeout(0)
  local done, err = sock:connect("localhost", port)
  assert(done == 1 or err == "timeout", err)
  sock:close()

  sock = socket.tcp()
  local results
  cosock.spawn(function()
    results = expect.pack(sock:connect("localhost", port))
  end, "connector")
  cosock.spawn(function() sock:close() end, "closer")
  network.wait_until(function() return results end)
  check(results, nil, "closed")
  expect.equal(sock:getfd(), -1)

  -- Whatever takes the descriptor away ends the wait at once, and not with the answer.
  for _, make in ipairs { socket.tcp, socket.udp } do
    for _, way in ipairs { "close", "setfd" } do
      sock = make()
      local ended
      cosock.spawn(function()
        ended = expect.pack(sock:setsockname("localhost", 0))
      end, "binder")
      socket.sleep(0)
      sock[way](sock, -1)
      for _ = 1, 3 do
        socket.sleep(0)
      end
      check(ended or {}, nil, "closed")
    end
  end

  local cancelled = cosock.spawn(function()
    dns.getaddrinfo("host.invalid")
    error("it was cancelled")
  end, "cancelled")
  socket.sleep(0)
  cancelled:cancel()
  expect.nothing_waits { tasks = 1 }
  server:close()
end)

-- The system may still be busy with the name that nobody waits for any more.
local limit = socket.gettime() + 10
while not pcall(world.check) and socket.gettime() < limit do
  socket.gettime()
end
world.finish()
