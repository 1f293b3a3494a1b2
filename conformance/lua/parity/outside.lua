-- claim: outside any task what need not wait works, and what must wait raises
-- chapter: waits
-- source: the rock's behaviour
-- covers: W37 W38 G49
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

-- Lua's own words are a claim of their own, beside what stands behind them.
local function raises(claim, fn, ...)
  local ok, err = pcall(fn, ...)
  if ok then
    return trace.values(claim, "does not raise")
  end
  local text = tostring(err)
  local raw = text:match("attempt to yield [%a/%- ]*boundary") or text:match("attempt to yield from outside a coroutine")
  trace.values(claim .. ".words", raw)
  trace.failure(claim, "raises", err)
end

local sender, receiver = cosock.channel.new()
raises("sleep", socket.sleep, 0)
raises("select", socket.select, {}, {}, 0)
raises("receive-of-a-channel", receiver.receive, receiver)
trace.method("send-on-a-channel", sender, "send", "message")
trace.method("receive-of-a-message", receiver, "receive")

local server = socket.bind("127.0.0.1", 0)
local _, port = server:getsockname()
raises("accept", server.accept, server)
raises("connect", socket.connect, "127.0.0.1", port)
raises("yield", coroutine.yield, {}, {}, 0)
server:settimeout(0)
raises("accept.timeout-zero", server.accept, server)

local udp = socket.udp()
udp:setsockname("127.0.0.1", 0)
local _, udp_port = udp:getsockname()
trace.method("sendto", udp, "sendto", "data", "127.0.0.1", udp_port)
trace.method("receive-of-a-datagram", udp, "receive")
raises("receive-of-no-datagram", udp.receive, udp)

-- In a coroutine that no task made.
local function resumed(claim, fn)
  local co = coroutine.create(fn)
  trace.values(claim, coroutine.resume(co))
  trace.values(claim .. ".status", coroutine.status(co))
end
resumed("in-a-coroutine.sleep", function() socket.sleep(5) end)
trace.hide(receiver, "receiver")
resumed("in-a-coroutine.receive-of-a-channel", function() receiver:receive() end)
resumed("in-a-coroutine.select", function() socket.select({ receiver }, nil, 3) end)
trace.hide(server, "server")
server:settimeout(nil)
resumed("in-a-coroutine.accept", function() server:accept() end)
server:settimeout(2)
resumed("in-a-coroutine.accept-with-timeout", function() server:accept() end)

-- What is established in a task can be used outside.
local client, peer
trace.task("pair", function()
  client, peer = trace.pair()
  return "made"
end)
trace.method("send", client, "send", "line\npart")
trace.method("receive", peer, "receive")
raises("receive.nothing-there", client.receive, client)
trace.method("close", client, "close")
trace.method("receive.at-the-end", peer, "receive", "*a")
