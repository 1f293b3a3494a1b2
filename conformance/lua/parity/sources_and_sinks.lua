-- claim: sources and sinks move data over a connection
-- chapter: socket
-- source: LuaSocket's manual: socket.source
-- covers: S18 S19 S20 G42 cosock.socket.sink cosock.socket.source cosock.socket.BLOCKSIZE
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

trace.task("sink", function()
  local client, peer = trace.pair()
  local sink = socket.sink(client)
  trace.values("sink.chunk", sink("chunk"))
  trace.values("sink.empty-chunk", sink(""))
  trace.values("sink.end", sink(nil))
  trace.values("sink.getfd", sink.getfd() == client:getfd())
  trace.values("sink.type", type(sink), type(getmetatable(sink).__call))
  return peer:receive(5)
end)

trace.task("sink.dirty", function()
  local client = trace.pair()
  return socket.sink(client).dirty()
end)

trace.task("sink.keep-open", function()
  local client, peer = trace.pair()
  local sink = socket.sink("keep-open", client)
  sink("kept")
  sink(nil)
  client:send("open")
  return peer:receive(8)
end)

trace.task("sink.close-when-done", function()
  local client, peer = trace.pair()
  local sink = socket.sink("close-when-done", client)
  sink("closes")
  trace.values("sink.close-when-done.end", sink(nil))
  return peer:receive("*a")
end)

trace.task("source.by-length", function()
  local client, peer = trace.pair()
  client:send(("x"):rep(5000))
  client:close()
  local source = socket.source("by-length", peer, 4500)
  local lengths = {}
  for chunk in source do
    lengths[#lengths + 1] = #chunk
  end
  trace.values("source.by-length.end", source())
  return lengths
end)

trace.task("source.by-length.too-short", function()
  local client, peer = trace.pair()
  client:send("short")
  client:close()
  return socket.source("by-length", peer, 10)()
end)

trace.task("source.until-closed", function()
  local client, peer = trace.pair()
  client:send(("x"):rep(5000))
  client:close()
  local source = socket.source("until-closed", peer)
  local lengths = {}
  while true do
    local chunk = source()
    if not chunk or #lengths > 5 then
      break
    end
    lengths[#lengths + 1] = #chunk
  end
  trace.values("source.until-closed.closes", peer:getfd())
  trace.values("source.until-closed.end", source())
  return lengths
end)

trace.task("source.default", function()
  local client, peer = trace.pair()
  client:send("data")
  client:close()
  local source = socket.source(peer)
  return source(), source(), source()
end)

trace.task("source.timeout", function()
  local _, peer = trace.pair()
  peer:settimeout(0.01)
  return socket.source(peer)()
end)

trace.task("source.block-size", function()
  local client, peer = trace.pair()
  client:send(("x"):rep(100))
  client:close()
  local before = socket.BLOCKSIZE
  socket.BLOCKSIZE = 10
  local first = socket.source(peer)()
  socket.BLOCKSIZE = before
  return #first
end)
