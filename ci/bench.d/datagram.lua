-- title: datagram there and back, both ends
-- operations: 4000
-- limit: 8200
--
-- Two tasks: one asks by a datagram, the other answers whoever has asked. Each waits every time.

local cosock = require "cosock"
local socket = require "cosock.socket"

local operations = assert(tonumber(arg[1]))
local server = assert(socket.udp())
assert(server:setsockname("127.0.0.1", 0))
local _, port = server:getsockname()

cosock.spawn(function()
  for _ = 1, operations do
    local question, host, from = server:receivefrom()
    server:sendto(question == "ping" and "pong" or "?", host, from)
  end
end, "answers")

cosock.spawn(function()
  local client = assert(socket.udp())
  assert(client:setpeername("127.0.0.1", port))
  local answers = 0
  for _ = 1, operations do
    client:send("ping")
    if client:receive() == "pong" then
      answers = answers + 1
    end
  end
  assert(answers == operations)
end, "asks")

cosock.run()
