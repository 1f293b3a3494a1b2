-- cosock itself: what ties its modules together.

local modules, native = ...
local cosock = modules["cosock"]

cosock._VERSION = "0.2.0"
cosock._IMPL = native.implementation
cosock.socket = modules["cosock.socket"]
cosock.channel = modules["cosock.channel"]
cosock.ssl = modules["cosock.ssl"]

-- Gives the global `coroutine` table a `resume` and a `wrap` that pass cosock's own waits upward and
-- hand everything else to the caller, so that an iterator that reads a socket delivers data.
function cosock.install_coroutine()
  local passing = modules["cosock.coroutines"]
  coroutine.resume, coroutine.wrap = passing.resume, passing.wrap
end

-- Lets waits pass through the global `pcall` and `xpcall` where the language does not: on Lua 5.1.
function cosock.install_pcall()
  if native.running then
    pcall, xpcall = native.pcall, native.xpcall
    coroutine.running, coroutine.status = native.running, native.status
    if debug then
      debug.traceback = native.traceback_for(debug.traceback)
    end
  end
end

-- Kept now: a program may replace these, by functions that stand on ours.
native.require = require
native.coroutine = {
  create = coroutine.create,
  resume = coroutine.resume,
  status = coroutine.status,
  yield = coroutine.yield,
}

-- Loads a module so that the sockets it uses are cosock's.
function cosock.asyncify(...)
  local module, extra = modules["asyncify"]((...), "asyncify", select("#", ...))
  if extra == nil then
    return module
  end
  return module, extra
end

modules["cosock.asyncify"] = cosock.asyncify

-- What LuaSocket brings beside sockets, for programs that have no LuaSocket: whoever provides it too,
-- comes first.
local companions = {
  ["ltn12"] = true,
  ["mime"] = true,
  ["mime.core"] = true,
  ["socket.headers"] = true,
  ["socket.url"] = true,
}

local searchers = package and (package.searchers or package.loaders)
if type(searchers) == "table" then
  searchers[#searchers + 1] = function(name)
    return companions[name] and function()
      return modules[name]
    end
  end
end
