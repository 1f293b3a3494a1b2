-- A server that returns every datagram to the client at PORT, to which its socket is connected.
-- udp-connected.lua PORT

local uv = require "luv"

local port = assert(tonumber(arg[1]))
local server = uv.new_udp()
server:bind("127.0.0.1", 0)
assert(server:connect("127.0.0.1", port))
server:recv_start(function(problem, datagram)
  assert(not problem, problem)
  if datagram then
    assert(server:try_send(datagram, nil, nil))
  end
end)

print("ready", server:getsockname().port)
io.stdout:flush()
uv.run()
