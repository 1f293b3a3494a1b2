-- Protected calls that let waits pass, for Lua 5.1: the other versions have them. Compiled when something first asks for
-- one.

local _, native = ...
local start, go_on, running = native.start, native.go_on, native.running
local yield, raw_status = native.coroutine.yield, native.coroutine.status

-- Hands on what the function yields until it is over; true, its results; or false and its error.
local function settle(handler, co, over, ...)
  if over == nil then
    return settle(handler, go_on(handler, co, yield(...)))
  end
  return over, ...
end

function native.pcall(...)
  if select("#", ...) == 0 then
    error("bad argument #1 to 'pcall' (value expected)", 2)
  end
  return settle(false, start(false, ...))
end

local function fail()
  error()
end

-- As in 5.1, the function gets no arguments.
function native.xpcall(...)
  if select("#", ...) < 2 then
    error("bad argument #2 to 'xpcall' (value expected)", 2)
  end
  local fn, handler = ...
  if type(handler) ~= "function" then
    handler = fail
  end
  return settle(handler, start(handler, fn))
end

-- What runs in a protected call runs, to the program, in the coroutine that made the call.

function native.status(co)
  if co ~= nil and co == running() then
    return "running"
  end
  return raw_status(co)
end

return true
