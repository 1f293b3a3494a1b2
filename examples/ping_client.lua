-- A client in a process of its own: it says "ping" and expects "pong", a few times over.
--
--   lua ping_client.lua [port [rounds|forever]]     needs ping_server.lua on that port
local cosock = require "cosock"
local socket = require "cosock.socket"

local port = tonumber(arg[1]) or 9999
local rounds = arg[2] == "forever" and math.huge or tonumber(arg[2]) or 3

-- Connects; for two seconds it tries again, since the server may be starting just now.
local function connect()
  local give_up_at = socket.gettime() + 2
  while true do
    local client = assert(socket.tcp())
    local connected, problem = client:connect("127.0.0.1", port)
    if connected then
      return client
    end
    client:close()
    if socket.gettime() > give_up_at then
      error("no server on port " .. port .. ": " .. problem)
    end
    socket.sleep(0.05)
  end
end

cosock.spawn(function()
  local client = connect()
  for _ = 1, rounds do
    print("sending ping")
    client:send("ping\n")
    print("got " .. assert(client:receive()))
    socket.sleep(0.1)
  end
  client:close()
end, "client")

cosock.run()
