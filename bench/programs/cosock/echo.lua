-- A server that returns every line. echo.lua [TIMEOUT]

local cosock = require "cosock"
local socket = cosock.socket

local timeout = tonumber(arg[1])
local listener = assert(socket.bind("127.0.0.1", 0, 128))

local function serve(client)
  client:setoption("tcp-nodelay", true)
  client:settimeout(timeout)
  while true do
    local line = client:receive()
    if not line then
      break
    end
    client:send(line .. "\n")
  end
  client:close()
end

cosock.spawn(function()
  while true do
    local client = assert(listener:accept())
    cosock.spawn(function()
      serve(client)
    end)
  end
end, "accepts")

print("ready", (select(2, listener:getsockname())))
io.stdout:flush()
cosock.run()
