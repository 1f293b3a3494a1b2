-- A server that returns every datagram to its sender.

local cosock = require "cosock"
local socket = cosock.socket

local server = assert(socket.udp())
assert(server:setsockname("127.0.0.1", 0))

cosock.spawn(function()
  while true do
    local datagram, host, port = server:receivefrom()
    assert(server:sendto(datagram, host, port))
  end
end, "returns")

print("ready", (select(2, server:getsockname())))
io.stdout:flush()
cosock.run()
