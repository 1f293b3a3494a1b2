-- A server that returns every datagram to the client at PORT, to which its socket is connected: cqueues tells no
-- sender's address. udp-connected.lua PORT

local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local port = assert(tonumber(arg[1]))
local loop = cqueues.new()
local server = assert(socket.connect { host = "127.0.0.1", port = port, type = socket.SOCK_DGRAM })
server:setmode("bf", "bn")
assert(server:connect())

loop:wrap(function()
  while true do
    local datagram = assert(server:read(-2048))
    assert(server:write(datagram))
  end
end)

print("ready", (select(3, server:localname())))
io.stdout:flush()
assert(loop:loop())
