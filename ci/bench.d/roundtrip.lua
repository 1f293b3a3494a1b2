-- title: TCP round trip, both ends
-- operations: 4000
-- limit: 6950
-- wanted: 6500
--
-- Two tasks: one asks with a line, the other answers with a line.

local cosock = require "cosock"
local socket = require "cosock.socket"

local operations = assert(tonumber(arg[1]))
local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()

cosock.spawn(function()
  local peer = assert(listener:accept())
  for _ = 1, operations do
    local request = peer:receive()
    peer:send(request == "ping" and "pong\n" or "?\n")
  end
  peer:close()
end, "answers")

cosock.spawn(function()
  local client = assert(socket.connect("127.0.0.1", port))
  local answers = 0
  for _ = 1, operations do
    client:send("ping\n")
    if client:receive() == "pong" then
      answers = answers + 1
    end
  end
  assert(answers == operations)
  client:close()
end, "asks")

cosock.run()
