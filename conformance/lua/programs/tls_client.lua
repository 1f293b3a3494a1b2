-- A TLS client for tests/tls_peers.rs: prints each line that the server sends, and answers it backwards, until
-- the server closes. Arguments: its port, and the version of the protocol.
local world = require "world"
local cosock = require "cosock"
local secure = require "secure"

io.stdout:setvbuf "line"

local port, version = ...

cosock.spawn(function()
  local sock = assert(cosock.socket.connect("127.0.0.1", tonumber(port)))
  sock:settimeout(60)
  local object = assert(cosock.ssl.wrap(sock, secure.client {
    protocol = version,
    certificate = secure.file "client.pem",
    key = secure.file "client.key",
    verify = "peer",
  }))
  assert(object:dohandshake())
  print "connected"
  while true do
    local line, err = object:receive()
    if not line then
      print("ended", err)
      break
    end
    print("got", line)
    assert(object:send(line:reverse() .. "\n"))
  end
  object:close()
end)
cosock.run()
world.finish()
