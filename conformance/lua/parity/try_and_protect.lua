-- claim: try, newtry and protect pass failures on
-- chapter: socket
-- source: LuaSocket's manual: exceptions
-- covers: S11 S12 S13 G3 G4 G31 cosock.socket.try cosock.socket.newtry cosock.socket.protect
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

trace.call("try.passes", socket.try, 1, nil, 3)
trace.call("try.nothing", socket.try)
trace.call("try.text", socket.try, "text")
trace.call("try.nil", socket.try, nil, "why", "more")
trace.call("try.false", socket.try, false, "why")

local _, raised = pcall(socket.try, nil, "why", "more")
trace.values("try.raises", type(raised), type(raised) == "table" and raised[1], rawget(raised, 2))
trace.values("try.metatable", type(getmetatable(raised)))

local finals = {}
local try = socket.newtry(function(...) finals[#finals + 1] = select("#", ...) end)
trace.call("newtry.passes", try, 1, 2)
trace.values("newtry.passes.finalizer", #finals)
trace.values("newtry.fails", (pcall(try, nil, "why")))
trace.values("newtry.fails.finalizer", #finals, finals[1])
trace.call("newtry.finalizer-raises", socket.newtry(function() error("in the finalizer", 0) end), nil, "why")

trace.call("protect.passes", socket.protect(function(...) return ... end), 1, nil, 3)
trace.call("protect.no-values", socket.protect(function() end))
trace.call("protect.try-fails", socket.protect(function() socket.try(nil, "why") end))
trace.call("protect.try-fails-without-a-message", socket.protect(function() socket.try(nil) end))
trace.call("protect.newtry-fails", socket.protect(function() try(nil, "why") end))
trace.call("protect.try-of-false", socket.protect(function()
  socket.try(false, "why")
  return "goes on"
end))
trace.call("protect.other-error", function()
  socket.protect(function() error("other") end)()
end)
trace.call("protect.other-error-without-position", function()
  socket.protect(function() error("other", 0) end)()
end)
local object = trace.hide({}, "object")
trace.call("protect.table-error", socket.protect(function() error(object) end))
trace.call("protect.nil-error", socket.protect(function() error(nil) end))
trace.call("protect.number-error", socket.protect(function() error(42, 0) end))
trace.call("protect.nested", socket.protect(function()
  return "outer", socket.protect(function() socket.try(nil, "why") end)()
end))

trace.task("protect.waits", function()
  return socket.protect(function()
    socket.sleep(0)
    return "slept"
  end)()
end)
