-- title: line from the buffer
-- operations: 4096
-- limit: 1800
-- wanted: 1700
--
-- Lines of 64 bytes that have arrived before they are asked for. They are sent 256 at a time by one
-- `send`, whose cost is so a 256th part of a send for each line, and is counted with it.

local cosock = require "cosock"
local socket = require "cosock.socket"

local operations = assert(tonumber(arg[1]))
local line = ("x"):rep(63)
local batch = 256
local bulk = (line .. "\n"):rep(batch)
local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()
assert(operations % batch == 0)

cosock.spawn(function()
  local sender = assert(socket.connect("127.0.0.1", port))
  local receiver = assert(listener:accept())
  local lines = 0
  for _ = 1, operations / batch do
    assert(sender:send(bulk) == #bulk)
    for _ = 1, batch do
      if receiver:receive() == line then
        lines = lines + 1
      end
    end
  end
  assert(lines == operations)
  sender:close()
  receiver:close()
end, "lines")

cosock.run()
