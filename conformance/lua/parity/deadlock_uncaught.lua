-- A deadlock that nobody catches ends the program.
local trace = require "trace"
local cosock = require "cosock"
trace.values("before")
io.stdout:flush()
cosock.spawn(function() coroutine.yield({}, {}, nil) end, "waits")
cosock.run()
trace.values("after")
