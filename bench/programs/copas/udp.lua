-- A server that returns every datagram to its sender.

local copas = require "copas"
local socket = require "socket"

local server = assert(socket.udp())
assert(server:setsockname("127.0.0.1", 0))

copas.addserver(server, function(client)
  client = copas.wrap(client)
  while true do
    local datagram, host, port = client:receivefrom()
    assert(client:sendto(datagram, host, port))
  end
end)

print("ready", (select(2, server:getsockname())))
io.stdout:flush()
copas.loop()
