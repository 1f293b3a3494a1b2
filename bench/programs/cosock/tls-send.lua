-- A server that answers a line with a number by so many blocks of 1 MiB, each by one send, under TLS.
-- tls-send.lua CERTIFICATE KEY

local cosock = require "cosock"
local socket, ssl = cosock.socket, cosock.ssl
local block = ("0123456789abcdef"):rep(65536)
local context = require "context"(arg[1], arg[2])

local listener = assert(socket.bind("127.0.0.1", 0, 128))

local function serve(client)
  client:setoption("tcp-nodelay", true)
  client = assert(ssl.wrap(client, context))
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
