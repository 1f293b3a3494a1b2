-- cosock.asyncify: loads a module so that the sockets it uses are cosock's.
--
-- An asyncified module is a copy of its own, beside the one that `require` loads. What it requires is
-- asyncified in turn:
--
-- * LuaSocket's and LuaSec's modules, and what comes with them, are cosock's: the very tables that
--   `require "cosock.socket"` and the like give.
-- * C modules, standard libraries, and what is only in package.loaded are those of `require`.
-- * A Lua module is that of `require` if it cannot come to use a socket (sharing.lua tells). So what is
--   told by identity, such as the null of a JSON module, is the same on both sides.
-- * Any other Lua module is a copy, loaded once and kept here: package.loaded is not written, and
--   globals that it sets are seen by asyncified modules alone (environment.lua).
--
-- In everything else this is as `require`: searchers, what the loader gets, results, errors. The loader
-- is called without C between it and the task, so that it may wait.

local modules, common, native = ...
local package, require = package, common.require
local error, rawget, tostring, type = error, rawget, tostring, type
-- Raw, for a program may forbid to ask for a global that is not there.
local load, dump = rawget(_G, "loadstring") or load, string.dump
local getfenv, setfenv = rawget(_G, "getfenv"), rawget(_G, "setfenv")
local list = package.searchers and "searchers" or "loaders"
local version = tonumber(_VERSION:match("%d+%.%d+"))

-- What stands for LuaSocket's and LuaSec's modules.
local ours = {
  ["socket"] = "cosock.socket",
  ["socket.core"] = "cosock.socket",
  ["socket.http"] = "cosock.socket.http",
  ["socket.headers"] = "socket.headers",
  ["socket.url"] = "socket.url",
  ["ltn12"] = "ltn12",
  ["mime"] = "mime",
  ["mime.core"] = "mime.core",
  ["ssl"] = "cosock.ssl",
  ["ssl.https"] = "cosock.ssl.https",
}

-- Which of those count as loaded. LuaSocket's core always does, the others once they are asked for: copas
-- refuses to work where `socket.http` came first.
local taken = { ["socket"] = true, ["socket.core"] = true }

-- Copies by name, and what loads them meanwhile. What failed stays: only what still runs counts.
local copies, running = {}, {}
local environment, replaced, mend, can_share

-- The module of cosock that the name stands for, if it does.
local function find_ours(name)
  local own = ours[name] or (name == "cosock" or name:sub(1, 7) == "cosock.") and name
  return own and modules[own]
end

-- What stands in their package.loaded for a name of ours, whoever loaded it.
local function find_loaded(name)
  if not ours[name] or taken[name] or package.loaded[name] ~= nil then
    return find_ours(name)
  end
end

-- Asks the searchers. Returns a loader and what it is to be given, or nil and what they say.
local function search(name)
  local searchers = package[list]
  if type(searchers) ~= "table" then
    common.raise("'package." .. list .. "' must be a table")
  end
  local reasons, place = {}, 1
  while searchers[place] ~= nil do
    local loader, extra = native.call(searchers[place], name)
    if type(loader) == "function" then
      return loader, extra
    end
    if type(loader) == "string" or type(loader) == "number" then
      -- Since 5.4 the searchers leave the separator to require.
      reasons[#reasons + 1] = (version >= 5.4 and "\n\t" or "") .. loader
    end
    place = place + 1
  end
  return nil, table.concat(reasons)
end

-- Calls a function of which no copy can be made, as 5.1 cannot where there are upvalues, in our
-- environment. What it makes keeps that.
local function call_in_environment(fn, ...)
  local before = getfenv(fn)
  local function restore(ok, ...)
    setfenv(fn, before)
    if not ok then
      error((...), 0)
    end
    return ...
  end
  setfenv(fn, environment)
  return restore(common.pcall(fn, ...))
end

-- What to call for a loader to run in our environment. Others that have the loader keep it as it is: it is
-- a copy that runs, with the same code and upvalues.
local function adopt(loader)
  local copy, err = load(dump(loader), "=(asyncified)")
  if err == "not enough memory" then
    error(err, 0)
  elseif native.adopt(copy, loader, environment) then
    return copy
  elseif not setfenv then
    common.raise("a loader cannot be asyncified where string.dump or load make no copy of it")
  end
  return function(...)
    return call_in_environment(loader, ...)
  end
end

-- Loads the private copy of a Lua module.
local function load_copy(name, loader, extra)
  local earlier = running[name]
  if earlier and native.is_running(earlier) then
    common.raise("loop or previous error loading module '" .. name .. "'")
  end
  local call = adopt(loader)
  local function own()
    local value
    if version > 5.1 then
      value = call(name, extra)
    else
      value = call(name)
    end
    return value
  end
  running[name] = own
  local value = own()
  mend()
  local entered = rawget(copies, name)
  if running[name] ~= own and entered then
    -- While this one waited, another task has loaded it.
    return entered
  end
  running[name] = nil
  if value ~= nil then
    copies[name] = value
  elseif entered == nil then
    -- A module of the old kind, that returns nothing, is the global of its name.
    local global = rawget(environment, name)
    copies[name] = global == nil or global
  end
  return rawget(copies, name), version > 5.3 and extra or nil
end

-- The module of this name, for whoever called the function that calls this.
local function obtain(name, caller, count)
  if type(name) == "number" then
    name = tostring(name)
  elseif type(name) ~= "string" then
    local got = count == 0 and "no value" or type(name)
    common.raise("bad argument #1 to '" .. caller .. "' (string expected, got " .. got .. ")")
  end
  local module = find_ours(name) or replaced[name] or rawget(copies, name)
  if module then
    taken[name] = true
    return module
  elseif ours[name] then
    common.raise("module '" .. name .. "': this cosock was built without TLS")
  end
  local loader, extra = search(name)
  if not loader then
    local loaded = package.loaded[name]
    if loaded then
      return loaded
    end
    common.raise("module '" .. name .. "' not found:" .. extra)
  end
  if native.is_c_function(loader) or can_share(name, loader) then
    return require(name)
  end
  local copy, data = load_copy(name, loader, extra)
  return copy, data
end

environment, replaced, mend = modules["asyncify.environment"](obtain, find_loaded, copies)
can_share = modules["asyncify.sharing"](search, ours)
return obtain
