-- A server that takes everything up to the end of the stream and says how many bytes that was.

local copas = require "copas"
local socket = require "socket"

local listener = assert(socket.bind("127.0.0.1", 0, 128))

local function serve(client)
  client = copas.wrap(client)
  local everything = assert(client:receive("*a"))
  client:send(#everything .. "\n")
  client:close()
end

copas.addserver(listener, serve)
print("ready", (select(2, listener:getsockname())))
io.stdout:flush()
copas.loop()
