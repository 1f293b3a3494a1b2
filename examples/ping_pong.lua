-- Client and server as two tasks of one program. The system chooses the port, and a channel tells
-- the client which one, as soon as the server listens.
--
--   lua ping_pong.lua [rounds|forever]
local cosock = require "cosock"
local socket = require "cosock.socket"

local rounds = arg[1] == "forever" and math.huge or tonumber(arg[1]) or 3

local port_sender, port_receiver = cosock.channel.new()

cosock.spawn(function()
  local listener = assert(socket.tcp())
  assert(listener:bind("127.0.0.1", 0))
  assert(listener:listen())
  local _, port = listener:getsockname()
  port_sender:send(port)

  local client = assert(listener:accept())
  listener:close()
  local request, problem = client:receive()
  while request do
    print("server got " .. request)
    client:send("pong\n")
    request, problem = client:receive()
  end
  print("server stops: " .. problem)
  client:close()
end, "server")

cosock.spawn(function()
  local port = assert(port_receiver:receive())
  local client = assert(socket.tcp())
  assert(client:connect("127.0.0.1", port))
  for _ = 1, rounds do
    print("client says ping")
    client:send("ping\n")
    print("client got " .. assert(client:receive()))
  end
  print("client hangs up")
  client:close()
end, "client")

-- Nothing has happened so far: the tasks start here, and this returns when both have ended.
cosock.run()
