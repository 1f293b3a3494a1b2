-- COUNT tasks wait for what never comes; the memory before and with them is what counts. tasks.lua COUNT

local cosock = require "cosock"

local count = assert(tonumber(arg[1]))
local senders = {}
local waiting = 0

print("empty")
io.stdout:flush()
io.read()
for task = 1, count do
  local sender, receiver = cosock.channel.new()
  senders[task] = sender
  cosock.spawn(function()
    waiting = waiting + 1
    receiver:receive()
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
