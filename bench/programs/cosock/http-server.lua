-- A small web server: answers each request of a connection by its path.

local cosock = require "cosock"
local socket = cosock.socket

local listener = assert(socket.bind("127.0.0.1", 0, 128))

local function answer(path)
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " .. #path .. "\r\n\r\n" .. path
end

local function serve(client)
  client:setoption("tcp-nodelay", true)
  while true do
    local request = client:receive()
    if not request then
      break
    end
    local header
    repeat
      header = client:receive()
    until not header or header == ""
    client:send(answer(request:match("^GET (%S+) HTTP/1%.1$")))
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
