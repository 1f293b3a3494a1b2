-- COUNT tasks sleep for an hour; the memory before and with them is what counts. tasks.lua COUNT

local cqueues = require "cqueues"

local count = assert(tonumber(arg[1]))
local loop = cqueues.new()
local waiting = 0

print("empty")
io.stdout:flush()
io.read()
for _ = 1, count do
  loop:wrap(function()
    waiting = waiting + 1
    cqueues.sleep(3600)
  end)
end
loop:wrap(function()
  while waiting < count do
    cqueues.sleep(0)
  end
  collectgarbage()
  print("full")
  io.stdout:flush()
  io.read()
  os.exit(0, false)
end)
assert(loop:loop())
