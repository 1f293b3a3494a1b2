-- claim: os.exit in a task ends the program with its code
-- chapter: tasks
-- source: Lua's manual: os.exit
-- covers: T15
local trace = require "trace"
local cosock = require "cosock"
cosock.spawn(function()
  trace.values("before")
  io.stdout:flush()
  os.exit(7)
end)
cosock.run()
trace.values("after")
