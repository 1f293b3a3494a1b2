-- A server of one line for each connection.

local copas = require "copas"
local socket = require "socket"

local listener = assert(socket.bind("127.0.0.1", 0, 128))

local function serve(client)
  client = copas.wrap(client)
  local line = client:receive()
  if line then
    client:send(line .. "\n")
  end
  client:close()
end

copas.addserver(listener, serve)
print("ready", (select(2, listener:getsockname())))
io.stdout:flush()
copas.loop()
