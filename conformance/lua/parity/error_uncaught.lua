-- claim: an error in a task that nobody catches ends the program
-- chapter: tasks
-- source: the book: spawn
-- covers: T16
local trace = require "trace"
local cosock = require "cosock"
cosock.spawn(function()
  trace.values("before")
  io.stdout:flush()
  error("on purpose")
end, "fails")
cosock.run()
trace.values("after")
