-- Outside of tasks, what need not wait works; what would have to wait raises the language's own text for a
-- yield that is not possible, at the line of the caller, and loses nothing.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

local text = expect.version == "5.1" and "attempt to yield across metamethod/C-call boundary"
  or expect.version == "jit" and "attempt to yield across C-call boundary"
  or "attempt to yield from outside a coroutine"

local function refuses(fn, ...)
  local message = expect.raises(text, fn, ...)
  expect.contains(message, "not inside a cosock task")
end

-- Two sockets that a task has connected and left to us.
local sock, peer
expect.tasks(function()
  sock, peer = network.pair()
end)

-- What need not wait.
check(expect.pack(peer:send("one\ntwo\n")), 8, nil, nil)
check(expect.pack(sock:receive()), "one")
check(expect.pack(sock:receive()), "two")
check(expect.pack(sock:receive(0)), "")
for number = 1, 20 do
  peer:send("line " .. number .. "\n")
  check(expect.pack(sock:receive()), "line " .. number)
end

local server, port = network.listener()
check(expect.pack(server:settimeout(1)), 1)
check(expect.pack(server:setoption("reuseaddr", true)), 1)
check(expect.pack(server:getoption("reuseaddr")), true)

local datagrams, datagram_port = network.datagram()
for number = 1, 20 do
  check(expect.pack(datagrams:sendto("to itself", "127.0.0.1", datagram_port)), 9)
  if number % 2 == 0 then
    check(expect.pack(datagrams:receive()), "to itself")
  else
    check(expect.pack(datagrams:receivefrom()), "to itself", "127.0.0.1", datagram_port)
  end
end
check(expect.pack(socket.connect("127.0.0.1", "nosuchservice")), nil, "service not supported for socket type")
check(expect.pack(socket.bind("host.invalid", 0)), nil, "host or service not provided, or not known")

-- What would have to.
for _ = 1, 2 do
  refuses(sock.receive, sock)
  refuses(sock.receive, sock, 5)
  refuses(server.accept, server)
  refuses(datagrams.receive, datagrams)
  refuses(datagrams.receivefrom, datagrams)
  refuses(socket.select, { sock }, nil, 0)
  refuses(socket.select)
  refuses(socket.sleep, 0)
  refuses(socket.sleep)
end
-- A limit of zero waits, too: a pass of the scheduler.
sock:settimeout(0)
refuses(sock.receive, sock)
sock:settimeout(nil)

-- At the line of the caller.
local _, message = pcall(function()
  socket.sleep(0)
end)
expect.contains(message, "sockets-outside-of-tasks.lua:" .. debug.getinfo(1, "l").currentline - 2)
_, message = pcall(function()
  sock:receive()
end)
expect.contains(message, "sockets-outside-of-tasks.lua:" .. debug.getinfo(1, "l").currentline - 2)

-- Nothing was lost by it: bytes that came before are there.
peer:send("half a ")
refuses(sock.receive, sock)
peer:send("line\n")
check(expect.pack(sock:receive()), "half a line")

-- A large send takes what the kernel takes, and says so by the same error.
refuses(sock.send, sock, ("x"):rep(12 * 1024 * 1024))

-- connect begins and would have to wait; a task can take it up.
local client = socket.tcp()
local fine, done = pcall(client.connect, client, "127.0.0.1", port)
if fine then
  expect.equal(done, 1)
else
  expect.contains(done, text)
end
expect.tasks(function()
  local accepted = assert(server:accept())
  local connected, err = client:connect("127.0.0.1", port)
  assert(connected == 1 or err == "already connected", err)
  accepted:send("hello\n")
  check(expect.pack(client:receive()), "hello")
  accepted:close()
  client:close()
end)

-- In a coroutine that belongs to no task, the wait goes to whoever resumes it.
local idle, idle_peer
expect.tasks(function()
  idle, idle_peer = network.pair()
end)
local co = coroutine.create(function() return idle:receive() end)
local values = expect.pack(coroutine.resume(co))
expect.equal(values[1], true)
expect.list(values[2], { idle })
expect.equal(coroutine.status(co), "suspended")
idle_peer:send("by hand\n")
values = expect.pack(coroutine.resume(co, { idle }, nil, nil))
check(values, true, "by hand")
co = coroutine.create(function() return idle:receive() end)
coroutine.resume(co)
values = expect.pack(coroutine.resume(co, nil, nil, "timeout"))
check(values, true, nil, "timeout", "")

for _, each in ipairs { sock, peer, server, datagrams, idle, idle_peer } do
  check(expect.pack(each:close()), 1)
end
check(expect.pack(sock:receive()), nil, "closed", "")
check(expect.pack(server:accept()), nil, "closed")

world.finish()
