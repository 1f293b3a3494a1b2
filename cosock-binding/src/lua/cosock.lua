-- cosock itself: what ties its modules together.

local modules, native = ...
local cosock = modules["cosock"]
local raw_resume, raw_create, raw_status = coroutine.resume, coroutine.create, coroutine.status
local yield, resume_coroutine = coroutine.yield, native.resume_coroutine

cosock._VERSION = "0.2.0"
cosock._IMPL = native.implementation
cosock.socket = modules["cosock.socket"]
cosock.channel = modules["cosock.channel"]
cosock.ssl = modules["cosock.ssl"]

-- Coroutines whose wait their resumer has handed on: only what it waits for may resume them.
local waiting = setmetatable({}, { __mode = "k" })

local function go_on(co, ...)
  waiting[co] = nil
  return resume_coroutine(co, ...)
end

-- While `co` waits, waits in its place: yields the token of a method, or the values of the protocol.
local function pass_waits(co, waits, ...)
  if waits then
    waiting[co] = true
    return pass_waits(co, go_on(co, yield(...)))
  end
  return ...
end

local function resume(co, ...)
  if type(co) ~= "thread" or raw_status(co) ~= "suspended" then
    return raw_resume(co, ...)
  elseif waiting[co] then
    return false, "cannot resume a coroutine that waits"
  end
  return pass_waits(co, resume_coroutine(co, ...))
end

local function results_or_raise(co, ok, ...)
  if ok then
    return ...
  end
  local err = ...
  if coroutine.close then
    coroutine.close(co)
  end
  if type(err) == "string" then
    error(err, 0)
  end
  error(err)
end

local function wrap(fn)
  local co = raw_create(fn)
  return function(...)
    return results_or_raise(co, resume(co, ...))
  end
end

native.resume, native.wrap = resume, wrap

-- Gives the global `coroutine` table a `resume` and a `wrap` that pass cosock's own waits upward and
-- hand everything else to the caller, so that an iterator that reads a socket delivers data.
function cosock.install_coroutine()
  coroutine.resume, coroutine.wrap = resume, wrap
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

-- Kept now: a program may make `require` another name of this function.
native.require = require

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
