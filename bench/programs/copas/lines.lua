-- A server that counts the lines up to an empty one and says how many they were.

local copas = require "copas"
local socket = require "socket"

local listener = assert(socket.bind("127.0.0.1", 0, 128))

local function serve(client)
  client:setoption("tcp-nodelay", true)
  client = copas.wrap(client)
  local count, bytes = 0, 0
  while true do
    local line = client:receive()
    if not line then
      break
    end
    if line == "" then
      client:send(count .. " " .. bytes .. "\n")
      count, bytes = 0, 0
    else
      count, bytes = count + 1, bytes + #line
    end
  end
  client:close()
end

copas.addserver(listener, serve)
print("ready", (select(2, listener:getsockname())))
io.stdout:flush()
copas.loop()
