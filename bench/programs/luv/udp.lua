-- A server that returns every datagram to its sender.

local uv = require "luv"

local server = uv.new_udp()
server:bind("127.0.0.1", 0)
server:recv_start(function(problem, datagram, sender)
  assert(not problem, problem)
  if datagram and sender then
    assert(server:try_send(datagram, sender.ip, sender.port))
  end
end)

print("ready", server:getsockname().port)
io.stdout:flush()
uv.run()
