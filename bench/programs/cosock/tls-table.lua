-- A server of one line for each connection, under TLS, which gives `wrap` the parameters of a context
-- and not a context, as many programs do. tls-table.lua CERTIFICATE KEY

local cosock = require "cosock"
local socket, ssl = cosock.socket, cosock.ssl
local parameters = {
  mode = "server",
  protocol = "any",
  certificate = arg[1],
  key = arg[2],
}

local listener = assert(socket.bind("127.0.0.1", 0, 128))

local function serve(client)
  client:setoption("tcp-nodelay", true)
  client = assert(ssl.wrap(client, parameters))
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
