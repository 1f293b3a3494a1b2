-- COUNT tasks sleep for an hour; the memory before and with them is what counts. tasks.lua COUNT

local cosock = require "cosock"

local count = assert(tonumber(arg[1]))
local waiting = 0

print("empty")
io.stdout:flush()
io.read()
for _ = 1, count do
  cosock.spawn(function()
    waiting = waiting + 1
    cosock.socket.sleep(3600)
  end)
end
cosock.spawn(function()
  cosock.socket.sleep(0)
  assert(waiting == count)
  collectgarbage()
  print("full")
  io.stdout:flush()
  io.read()
  os.exit(0, false)
end)
cosock.run()
