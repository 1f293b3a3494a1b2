-- A server that counts records of SIZE bytes up to one that is all dots, and says how many they were,
-- under TLS.
-- tls-receive.lua SIZE CERTIFICATE KEY

local copas = require "copas"
local socket = require "socket"
local ssl = require "ssl"

local size = assert(tonumber(arg[1]))
local last = ("."):rep(size)
local context = assert(ssl.newcontext {
  mode = "server",
  protocol = "any",
  certificate = arg[2],
  key = arg[3],
})
local listener = assert(socket.bind("127.0.0.1", 0, 128))

local function serve(client)
  client:setoption("tcp-nodelay", true)
  client = copas.wrap(client, context)
  assert(client:dohandshake())
  local count = 0
  while true do
    local record = client:receive(size)
    if not record then
      break
    end
    if record == last then
      client:send(count .. "\n")
      count = 0
    else
      count = count + 1
    end
  end
  client:close()
end

copas.addserver(listener, serve)
print("ready", (select(2, listener:getsockname())))
io.stdout:flush()
copas.loop()
