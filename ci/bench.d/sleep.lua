-- title: sleep(0), 1 task
-- operations: 4000
-- limit: 1000
-- wanted: 950
--
-- A yield and a resume through the scheduler with nothing else to do.

local cosock = require "cosock"
local socket = require "cosock.socket"

local operations = assert(tonumber(arg[1]))

cosock.spawn(function()
  local sleep = socket.sleep
  for _ = 1, operations do
    sleep(0)
  end
end, "sleeps")

cosock.run()
