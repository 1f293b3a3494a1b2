-- COUNT tasks sleep for an hour; the memory before and with them is what counts. tasks.lua COUNT

local copas = require "copas"

local count = assert(tonumber(arg[1]))
local waiting = 0

print("empty")
io.stdout:flush()
io.read()
for _ = 1, count do
  copas.addthread(function()
    waiting = waiting + 1
    copas.pause(3600)
  end)
end
copas.addthread(function()
  while waiting < count do
    copas.pause(0)
  end
  collectgarbage()
  print("full")
  io.stdout:flush()
  io.read()
  os.exit(0, false)
end)
copas.loop()
