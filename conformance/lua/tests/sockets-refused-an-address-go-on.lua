-- A socket that could not have an address keeps its descriptor, as LuaSocket's does: options and waits go
-- on, and another address, of whichever family, is taken as on a new socket.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local function refused(results, message)
  expect.list(results, { n = 2, nil, message })
end

local server, port = network.listener()

local function tcp()
  local sock = socket.tcp()
  refused(expect.pack(sock:bind("127.0.0.1", port)), "address already in use")
  assert(sock:getfd() >= 0)
  return sock
end

-- Options, and a second address of either family.
do
  local sock = tcp()
  expect.list(expect.pack(sock:setoption("keepalive", true)), { 1 })
  expect.equal(sock:getoption("keepalive"), true)
  refused(expect.pack(sock:bind("8.8.8.8", 0)), "Cannot assign requested address")
  expect.list(expect.pack(sock:bind("::1", 0)), { 1 })
  expect.equal((sock:getsockname()), "::1")
  expect.equal(sock:getoption("keepalive"), false)
  sock:close()
end

-- What the system makes of a listener without an address: one with a port of its choice.
do
  local sock = tcp()
  expect.list(expect.pack(sock:listen()), { 1 })
  expect.equal(sock.class, "tcp{server}")
  assert(tonumber((select(2, sock:getsockname()))) > 0)
  sock:close()
end

expect.tasks(function()
  local sock = tcp()
  expect.list(expect.pack(sock:connect("127.0.0.1", port)), { 1 })
  assert(server:accept()):close()
  expect.list(expect.pack(sock:receive("*a")), { "" })
  sock:close()
end)

-- One of IPv6 alone keeps what was set.
do
  local sock = assert(socket.tcp6())
  expect.list(expect.pack(sock:setoption("reuseaddr", true)), { 1 })
  refused(expect.pack(sock:bind("2001:db8::1", 0)), "Cannot assign requested address")
  expect.list(expect.pack(sock:bind("::1", 0)), { 1 })
  expect.equal(sock:getoption("reuseaddr"), true)
  sock:close()
end

-- A driver that did not look at the result of setsockname: its loop waits, and it can send.
expect.tasks(function()
  local taken, taken_port = network.datagram()
  local sock = socket.udp()
  refused(expect.pack(sock:setsockname("127.0.0.1", taken_port)), "address already in use")
  expect.list(expect.pack(sock:setoption("broadcast", true)), { 1 })
  sock:settimeout(0.01)
  refused(expect.pack(sock:receive()), "timeout")
  expect.list(expect.pack(socket.select({ sock }, nil, 0.01)), { n = 3, nil, nil, "timeout" })
  expect.list(expect.pack(sock:sendto("hello", "127.0.0.1", taken_port)), { 5 })
  local data, _, from = taken:receivefrom()
  expect.equal(data, "hello")
  taken:sendto("you too", "127.0.0.1", from)
  expect.equal((sock:receivefrom()), "you too")
  expect.list(expect.pack(sock:setsockname("::1", 0)), { 1 })
  expect.equal((sock:getsockname()), "::1")
  sock:close()
  expect.equal(sock:getfd(), -1)
  taken:close()
end)

server:close()
world.finish()
