-- claim: what LuaSocket has and the rock lacks works
-- chapter: socket
-- source: LuaSocket's manual
-- covers: G27 G36 tcp:shutdown tcp:setsockname cosock.socket.tcp4 cosock.socket.udp4
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

trace.task("shutdown", function()
  local client, peer = trace.pair()
  trace.method("shutdown.send", client, "shutdown", "send")
  return peer:receive()
end, 0.5)
trace.task("shutdown.bad-way", function()
  local client = trace.pair()
  trace.method("shutdown.bad-way.returns", client, "shutdown", "sideways")
  return "done"
end)
local tcp = socket.tcp()
trace.method("tcp.setsockname", tcp, "setsockname", "127.0.0.1", 0)
trace.method("tcp.gettimeout", tcp, "gettimeout")
trace.method("udp.gettimeout", socket.udp(), "gettimeout")
trace.call("tcp4", function() return socket.tcp4().class end)
trace.call("udp4", function() return socket.udp4().class end)
trace.call("class-through-the-method-table", function() return type(socket.tcp.class) end)
