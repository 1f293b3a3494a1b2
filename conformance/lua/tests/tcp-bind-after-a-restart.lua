-- A server that is started again binds its port at once, though connections of the last one are still
-- ending; a port that somebody listens on stays refused. IPv6 and IPv4 have the same port each.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

expect.tasks(function()
  local server, port = network.listener()
  local client = assert(socket.connect("127.0.0.1", port))
  local accepted = assert(server:accept())
  -- Closed here and not yet there, the connection keeps the port. (TIME_WAIT, after both ends are closed,
  -- does so too, unless the system has too many of those.)
  accepted:close()
  expect.list(expect.pack(client:receive("*a")), { "" })
  server:close()

  -- Without the option the system still refuses, which shows that there is something to reuse.
  local plain = socket.tcp()
  local _, refused = plain:bind("127.0.0.1", port)
  expect.equal(refused, "address already in use")
  plain:close()

  local again, err = socket.bind("127.0.0.1", port)
  assert(again, err)
  expect.equal(again:getoption("reuseaddr"), true)
  local second = assert(socket.connect("127.0.0.1", port))
  second:close()
  expect.list(expect.pack(socket.bind("127.0.0.1", port)), { n = 2, nil, "address already in use" })
  again:close()
  client:close()
end)

-- "::" serves IPv6 alone.
do
  local six = assert(socket.bind("::", 0))
  local _, port = six:getsockname()
  local four, err = socket.bind("*", port)
  assert(four or err == "address already in use", err)
  if four then
    expect.tasks(function()
      local client = assert(socket.connect("127.0.0.1", port))
      local accepted = assert(four:accept())
      expect.equal(accepted:getfamily(), "inet4")
      client:close()
      accepted:close()
      client = assert(socket.connect("::1", port))
      accepted = assert(six:accept())
      expect.equal(accepted:getfamily(), "inet6")
      client:close()
      accepted:close()
    end)
    four:close()
  end
  six:close()
end

-- tcp6 and tcp4 have their descriptors at once.
do
  local sock = assert(socket.tcp6())
  assert(sock:getfd() >= 0)
  expect.equal(sock:getfamily(), "inet6")
  expect.equal(sock.class, "tcp{master}")
  assert(getmetatable(sock) == getmetatable(socket.tcp()))
  expect.list(expect.pack(sock:bind("127.0.0.1", 0)),
    { n = 2, nil, "Address family for hostname not supported" })
  expect.list(expect.pack(sock:bind("*", 0)), { 1 })
  expect.equal((sock:getsockname()), "::")
  sock:close()
  local four = assert(socket.tcp4())
  assert(four:getfd() >= 0)
  expect.equal(four:getfamily(), "inet4")
  expect.equal(four.class, "tcp{master}")
  expect.list(expect.pack(four:getsockname()), { n = 3, "0.0.0.0", "0", "inet" })
  expect.list(expect.pack(four:setoption("reuseaddr", true)), { 1 })
  expect.list(expect.pack(four:bind("::1", 0)), { n = 2, nil, "Address family for hostname not supported" })
  expect.list(expect.pack(four:bind("*", 0)), { 1 })
  expect.equal((four:getsockname()), "0.0.0.0")
  four:close()
  expect.equal(four:getfd(), -1)
end

-- The backlog: a queue of its length, and more than that waits.
expect.tasks(function()
  local server, port = network.listener("127.0.0.1", 3)
  local clients = {}
  for place = 1, 3 do
    clients[place] = assert(socket.connect("127.0.0.1", port))
  end
  for place = 1, 3 do
    clients[#clients + 1] = assert(server:accept(), place)
  end
  for _, sock in ipairs(clients) do
    sock:close()
  end
  server:close()
  for _, backlog in ipairs { 0, 1, "5", 1e9, -1 } do
    local other = socket.tcp()
    assert(other:bind("127.0.0.1", 0))
    expect.list(expect.pack(other:listen(backlog)), { 1 })
    other:close()
  end
end)

world.finish()
