-- Answers `GET /delay/N` after N seconds with an empty page: what the rock's own tests of http ask.
-- Arguments: nothing for http; a certificate and its key for https. It prints its port.
local cosock = require "cosock"
local socket, ssl = cosock.socket, cosock.ssl

local certificate, key = ...
local context = certificate
  and assert(ssl.newcontext { mode = "server", protocol = "any", certificate = certificate, key = key })

local function serve(client)
  if context then
    client = assert(ssl.wrap(client, context))
    if not client:dohandshake() then
      return
    end
  end
  local request = client:receive()
  local seconds = tonumber(request and request:match("^GET /delay/(%d+) HTTP/1%.1$"))
  repeat
    local line = client:receive()
  until not line or line == ""
  if seconds then
    socket.sleep(seconds)
    client:send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
  else
    client:send("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
  end
  client:close()
end

cosock.spawn(function()
  local listener = assert(socket.bind("127.0.0.1", 0))
  print((select(2, listener:getsockname())))
  io.stdout:flush()
  while true do
    local client = assert(listener:accept())
    cosock.spawn(function() serve(client) end, "client")
  end
end, "listener")
cosock.run()
