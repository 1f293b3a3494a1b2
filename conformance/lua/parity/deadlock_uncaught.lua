-- claim: a deadlock that nobody catches ends the program
-- chapter: tasks
-- source: the rock's behaviour
-- covers: T23
local trace = require "trace"
local cosock = require "cosock"
trace.values("before")
io.stdout:flush()
cosock.spawn(function() coroutine.yield({}, {}, nil) end, "waits")
cosock.run()
trace.values("after")
