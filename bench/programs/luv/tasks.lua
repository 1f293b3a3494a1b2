-- COUNT tasks sleep for an hour; the memory before and with them is what counts. tasks.lua COUNT

local uv = require "luv"
local tasks = require "tasks_on_luv"

local count = assert(tonumber(arg[1]))
local waiting = 0

print("empty")
io.stdout:flush()
io.read()
for _ = 1, count do
  tasks.spawn(function()
    waiting = waiting + 1
    tasks.sleep(3600)
  end)
end
tasks.spawn(function()
  tasks.sleep(0)
  assert(waiting == count)
  collectgarbage()
  print("full")
  io.stdout:flush()
  io.read()
  os.exit(0, false)
end)
uv.run()
