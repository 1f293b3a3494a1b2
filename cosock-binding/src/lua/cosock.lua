-- cosock itself: what changes how modules and globals work. Compiled when something first asks for it.

local modules, native = ...
local functions = {}

-- Gives the global `coroutine` table a `resume` and a `wrap` that pass cosock's own waits upward and
-- hand everything else to the caller, so that an iterator that reads a socket delivers data.
function functions.install_coroutine()
  local passing = modules["cosock.coroutines"]
  coroutine.resume, coroutine.wrap = passing.resume, passing.wrap
end

-- Lets waits pass through the global `pcall` and `xpcall` where the language does not: on Lua 5.1.
function functions.install_pcall()
  if native.running then
    pcall, xpcall = native.pcall, native.xpcall
    coroutine.running, coroutine.status = native.running, native.status
    if debug then
      debug.traceback = native.traceback_for(debug.traceback)
    end
  end
end

-- Loads a module so that the sockets it uses are cosock's.
function functions.asyncify(...)
  local module, extra = modules["asyncify"]((...), "asyncify", select("#", ...))
  if extra == nil then
    return module
  end
  return module, extra
end

return functions
