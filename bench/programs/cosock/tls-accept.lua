-- A server of one line for each connection, under TLS.
-- tls-accept.lua CERTIFICATE KEY

local cosock = require "cosock"
local socket, ssl = cosock.socket, cosock.ssl
local context = require "context"(arg[1], arg[2])

local listener = assert(socket.bind("127.0.0.1", 0, 128))

local function serve(client)
  client:setoption("tcp-nodelay", true)
  client = assert(ssl.wrap(client, context))
  assert(client:dohandshake())
  local line = client:receive()
  if line then
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
