-- claim: bind, connect, select, sleep, gettime, skip and choose work as LuaSocket's
-- chapter: socket
-- source: LuaSocket's manual: socket
-- covers: S1 S2 S3 S4 S5 S6 S7 S8 S9 S10 G26 cosock.socket cosock.socket.bind cosock.socket.connect
-- covers: cosock.socket.connect4 cosock.socket.connect6 cosock.socket.tcp cosock.socket.tcp6
-- covers: cosock.socket.udp cosock.socket.udp6 cosock.socket.sleep cosock.socket.gettime
-- covers: cosock.socket.skip cosock.socket.choose
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

local function parts(claim, sock, err, ...)
  if sock then
    trace.values(claim, sock.class, type(sock.inner_sock), sock:getfamily(), ...)
    sock:close()
  else
    trace.values(claim, sock, err, ...)
  end
end

parts("tcp", socket.tcp("ignored", 1))
parts("tcp6", socket.tcp6())
parts("udp", socket.udp("ignored"))
parts("udp6", socket.udp6())
trace.values("tcp.count", select("#", socket.tcp()), select("#", socket.udp()))
trace.values("tcp.descriptor", socket.tcp():getfd(), socket.udp():getfd())
trace.values("tcp6.descriptor", socket.tcp6():getfd() > 2, socket.udp6():getfd() > 2)

-- bind
parts("bind", socket.bind("127.0.0.1", 0))
parts("bind.any", socket.bind("*", 0))
parts("bind.v6", socket.bind("::1", 0))
parts("bind.backlog", socket.bind("127.0.0.1", 0, 5))
parts("bind.port-as-text", socket.bind("127.0.0.1", "0"))
parts("bind.unknown-host", socket.bind("no such host", 0))
parts("bind.foreign-address", socket.bind("192.0.2.1", 0))
local server = socket.bind("127.0.0.1", 0)
local _, port = server:getsockname()
trace.hide(port, "port")
parts("bind.in-use", socket.bind("127.0.0.1", port))
trace.values("bind.reuseaddr", server:getoption("reuseaddr"))
trace.values("bind.own-fields", server.timeout, server.wakers)

-- connect
trace.task("connect", function()
  local client, err = socket.connect("127.0.0.1", port)
  parts("connect.object", client, err)
  return type(client), err
end)
trace.task("connect4", function()
  local client = socket.connect4("127.0.0.1", port)
  return client.class
end)
trace.task("connect.local-address", function()
  local client = socket.connect("127.0.0.1", port, "127.0.0.2", 0)
  return client:getsockname() == "127.0.0.2"
end)
trace.task("connect.foreign-local-address", function()
  return socket.connect("127.0.0.1", port, "192.0.2.1", 0)
end)
trace.task("connect.refused", function()
  local closed = socket.bind("127.0.0.1", 0)
  local _, free = closed:getsockname()
  closed:close()
  return socket.connect("127.0.0.1", free)
end)
trace.task("connect.unknown-host", function()
  return socket.connect("no such host", 80)
end)
trace.task("connect.unknown-service", function()
  return socket.connect("127.0.0.1", "no-such-service")
end)
trace.task("connect.v6", function()
  local listener = assert(socket.bind("::1", 0))
  local _, its_port = listener:getsockname()
  local client = assert(socket.connect("::1", its_port))
  return client:getfamily(), client.class
end)
trace.task("connect6.v4-address", function()
  return socket.connect6("127.0.0.1", port)
end)
trace.task("connect.localhost", function()
  return (socket.connect("localhost", port) or {}).class
end)

-- sleep and gettime
trace.task("sleep", function()
  local count
  local takes = trace.takes(0.03, 5, function() count = select("#", socket.sleep(0.03)) end)
  return takes, count
end)
trace.task("sleep.zero", function() return socket.sleep(0) end)
trace.task("sleep.negative", function() return socket.sleep(-1) end)
trace.task("sleep.text-of-a-number", function() return socket.sleep("0.01") end)
trace.task("sleep.nothing", function() return socket.sleep() end, 0.25)
local now = socket.gettime("ignored")
trace.values("gettime", math.abs(now - os.time()) < 5, now ~= math.floor(now), select("#", socket.gettime()))

-- skip
trace.call("skip.0", socket.skip, 0, "a", "b")
trace.call("skip.1", socket.skip, 1, "a", "b", nil)
trace.call("skip.too-many", socket.skip, 5, "a", "b")
trace.call("skip.all", socket.skip, 2, "a", "b")
trace.call("skip.-1", socket.skip, -1, "a", "b")
trace.call("skip.text", socket.skip, "1", "a", "b")
trace.call("skip.fraction", socket.skip, 1.5, "a", "b")
trace.call("skip.nothing", socket.skip)
trace.call("skip.table", socket.skip, {})

-- choose
local picked = socket.choose {
  one = function(...) return "one", ... end,
  default = function(...) return "default", ... end,
}
trace.call("choose.named", picked, "one", 1, 2)
trace.call("choose.default", picked, 5, 6)
trace.call("choose.nothing", picked)
trace.call("choose.unknown", function()
  local result = picked("unknown")
  return result
end)
trace.call("choose.no-default", socket.choose {}, 5)

-- A port on which a connection was closed from the server's side lately.
trace.task("bind.port-in-time-wait", function()
  local first = assert(socket.bind("127.0.0.1", 0))
  local _, its_port = first:getsockname()
  local client = socket.tcp()
  client:connect("127.0.0.1", its_port)
  local peer = first:accept()
  first:close()
  peer:close()
  client:receive()
  client:close()
  trace.settle()
  local second, err = socket.bind("127.0.0.1", its_port)
  return second and second.class, err
end)
