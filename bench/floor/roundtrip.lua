-- Two tasks: one asks with a line, the other answers with a line, as in ci/bench.d/roundtrip.lua.

local stream = require "stream"

local operations = assert(tonumber(arg[1]))
local client, peer = stream.pair()

stream.spawn(function()
  for _ = 1, operations do
    local request = peer:receive()
    peer:send(request == "ping" and "pong\n" or "?\n")
  end
end)

stream.spawn(function()
  local answers = 0
  for _ = 1, operations do
    client:send("ping\n")
    if client:receive() == "pong" then
      answers = answers + 1
    end
  end
  assert(answers == operations)
end)

stream.run()
