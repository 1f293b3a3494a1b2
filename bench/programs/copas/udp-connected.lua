-- A server that returns every datagram to the client at PORT, to which its socket is connected.
-- udp-connected.lua PORT

local copas = require "copas"
local socket = require "socket"

local port = assert(tonumber(arg[1]))
local server = assert(socket.udp())
assert(server:setsockname("127.0.0.1", 0))
assert(server:setpeername("127.0.0.1", port))

copas.addserver(server, function(client)
  client = copas.wrap(client)
  while true do
    local datagram = assert(client:receive())
    assert(client:send(datagram))
  end
end)

print("ready", (select(2, server:getsockname())))
io.stdout:flush()
copas.loop()
