-- The pair of ping_pong.lua without a channel: the server leaves its port in a variable, and the
-- client looks there again and again. It works, but each look too early costs a whole nap; the
-- channel wakes the client at the very moment.
--
--   lua shared_port.lua [rounds|forever]
local cosock = require "cosock"
local socket = require "cosock.socket"

local rounds = arg[1] == "forever" and math.huge or tonumber(arg[1]) or 3
local nap = 0.1 -- seconds

local shared_port

cosock.spawn(function()
  -- As if it had to get ready first, so that the client does come too early.
  socket.sleep(2.5 * nap)
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  print("server shares its port")
  shared_port = port

  local client = assert(listener:accept())
  listener:close()
  local request = client:receive()
  while request do
    print("server got " .. request)
    client:send("pong\n")
    request = client:receive()
  end
  client:close()
end, "server")

cosock.spawn(function()
  while not shared_port do
    print("no port yet")
    socket.sleep(nap)
  end
  local client = assert(socket.connect("127.0.0.1", shared_port))
  for _ = 1, rounds do
    client:send("ping\n")
    print("client got " .. assert(client:receive()))
  end
  client:close()
end, "client")

cosock.run()
