-- os.exit in a task ends the program with its code.
local trace = require "trace"
local cosock = require "cosock"
cosock.spawn(function()
  trace.values("before")
  io.stdout:flush()
  os.exit(7)
end)
cosock.run()
trace.values("after")
