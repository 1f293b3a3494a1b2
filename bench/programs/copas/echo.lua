-- A server that returns every line. echo.lua [TIMEOUT]

local copas = require "copas"
local socket = require "socket"

local timeout = tonumber(arg[1])
local listener = assert(socket.bind("127.0.0.1", 0, 128))

local function serve(client)
  client:setoption("tcp-nodelay", true)
  client = copas.wrap(client)
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

copas.addserver(listener, serve)
print("ready", (select(2, listener:getsockname())))
io.stdout:flush()
copas.loop()
