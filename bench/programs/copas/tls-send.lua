-- A server that answers a line with a number by so many blocks of 1 MiB, each by one send, under TLS.
-- tls-send.lua CERTIFICATE KEY

local copas = require "copas"
local socket = require "socket"
local ssl = require "ssl"

local block = ("0123456789abcdef"):rep(65536)
local context = assert(ssl.newcontext {
  mode = "server",
  protocol = "any",
  certificate = arg[1],
  key = arg[2],
})
local listener = assert(socket.bind("127.0.0.1", 0, 128))

local function serve(client)
  client:setoption("tcp-nodelay", true)
  client = copas.wrap(client, context)
  assert(client:dohandshake())
  while true do
    local line = client:receive()
    if not line then
      break
    end
    for _ = 1, tonumber(line) do
      assert(client:send(block) == #block)
    end
  end
  client:close()
end

copas.addserver(listener, serve)
print("ready", (select(2, listener:getsockname())))
io.stdout:flush()
copas.loop()
