-- A server that returns every datagram to the client at PORT, to which its socket is connected.
-- udp-connected.lua PORT

local cosock = require "cosock"
local socket = cosock.socket

local port = assert(tonumber(arg[1]))
local server = assert(socket.udp())
assert(server:setsockname("127.0.0.1", 0))
assert(server:setpeername("127.0.0.1", port))

cosock.spawn(function()
  while true do
    local datagram = assert(server:receive())
    assert(server:send(datagram))
  end
end, "returns")

print("ready", (select(2, server:getsockname())))
io.stdout:flush()
cosock.run()
