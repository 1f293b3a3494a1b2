-- cosock.socket.internals, whose functions are compiled when they are first called.

local modules, native = ...
local internals = {}

-- On versions whose C functions cannot go on after a yield, a Lua function raises why a wait cannot be.
if native.needs_frames then
  local in_lua = native.in_lua
  local function results_or_raise(first, ...)
    if first == in_lua then
      error((...), 0)
    end
    return first, ...
  end
  local function framed(fn)
    return function(...)
      return results_or_raise(fn(...))
    end
  end
  local socket = modules["cosock.socket"]
  native.wait, socket.select = framed(native.wait), framed(socket.select)
end

function internals.passthroughbuilder(...)
  return modules["cosock.methods"].passthroughbuilder(...)
end

function internals.setuprealsocketwaker(...)
  return modules["cosock.methods"].setuprealsocketwaker(...)
end

modules["cosock.socket.internals"] = internals
