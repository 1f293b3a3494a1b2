-- A server that takes everything up to the end of the stream and says how many bytes that was.

local cosock = require "cosock"
local socket = cosock.socket

local listener = assert(socket.bind("127.0.0.1", 0, 128))

cosock.spawn(function()
  while true do
    local client = assert(listener:accept())
    local everything = assert(client:receive("*a"))
    client:send(#everything .. "\n")
    client:close()
  end
end, "takes all")

print("ready", (select(2, listener:getsockname())))
io.stdout:flush()
cosock.run()
