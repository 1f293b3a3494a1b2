-- A server in a process of its own: it answers each "ping" of one client with "pong".
--
--   lua ping_server.lua [port [forever]]     then start ping_client.lua with the same port
--
-- Port 0 lets the system choose; the first line says which. The server ends when its client hangs
-- up, or when none came within five seconds. With "forever" it serves one client after the other.
local cosock = require "cosock"
local socket = require "cosock.socket"

local port = tonumber(arg[1]) or 9999
local forever = arg[2] == "forever"

-- Whoever reads this through a pipe sees each line at once.
io.stdout:setvbuf("line")

local function serve(client)
  while true do
    local request, problem = client:receive()
    if not request then
      print("client left: " .. problem)
      break
    end
    print("got " .. request)
    client:send("pong\n")
  end
  client:close()
end

cosock.spawn(function()
  local listener = assert(socket.tcp())
  assert(listener:bind("127.0.0.1", port))
  assert(listener:listen())
  local _, bound_port = listener:getsockname()
  print("listening on port " .. bound_port)
  listener:settimeout(not forever and 5 or nil)
  repeat
    serve(assert(listener:accept()))
  until not forever
  listener:close()
end, "server")

cosock.run()
