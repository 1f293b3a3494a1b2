-- The globals of asyncified modules: those of the program, but for what differs for them. What they set
-- is theirs alone, and is seen by all of them.

local modules, common, native = ...
local globals, package, debug, pairs = _G, package, debug, pairs
local error, getmetatable, rawget, rawset, select = error, getmetatable, rawget, rawset, select
local setmetatable, type = setmetatable, type

-- `obtain` is their `require`, `copies` their package.loaded, in which they find what `find_loaded` and
-- the program have too. Returns the globals, the standard libraries, and what to call when a module is loaded.
return function(obtain, find_loaded, copies)
  local environment_meta = { __index = globals }
  local environment = setmetatable({}, environment_meta)
  environment._G = environment

  function environment.require(...)
    local module, extra = obtain((...), "require", select("#", ...))
    if extra == nil then
      return module
    end
    return module, extra
  end

  -- A copy of a library, with functions of ours.
  local function altered(library, functions)
    local copy = {}
    for name, value in pairs(library) do
      copy[name] = functions[name] or value
    end
    return copy
  end

  -- Waits pass through their coroutines and, where that takes a function of ours, through pcall.
  local passing = modules["cosock.coroutines"]
  environment.coroutine = altered(coroutine, {
    resume = passing.resume,
    wrap = passing.wrap,
    running = common.running,
    status = common.status,
  })
  if common.running then
    environment.pcall, environment.xpcall = common.pcall, common.xpcall
    environment.debug = debug and altered(debug, { traceback = common.traceback_for(debug.traceback) })
  end

  local function seeall(module)
    local meta = getmetatable(module)
    if not meta then
      meta = {}
      setmetatable(module, meta)
    end
    meta.__index = environment
  end

  -- Standard libraries come before every file, as they do where nobody has removed them.
  local replaced = {}
  for name in ("bit bit32 debug ffi io jit math os string table utf8"):gmatch("%S+") do
    replaced[name] = package.loaded[name]
  end
  replaced._G, replaced.coroutine = environment, environment.coroutine
  replaced.debug = rawget(environment, "debug") or replaced.debug
  setmetatable(copies, {
    __index = function(_, name)
      return type(name) == "string" and find_loaded(name) or replaced[name] or package.loaded[name]
    end,
  })
  local own_package, package_meta = {}, { __index = package, __newindex = package }
  own_package.loaded, own_package.seeall = copies, package.seeall and seeall
  environment.package = setmetatable(own_package, package_meta)
  replaced.package = own_package

  -- Puts what `own` must show into it where a module has changed by which metatable it shows that: compat53
  -- gives `package` another one, strict modules change that of the globals.
  local function keep(own, meta, original)
    if getmetatable(own) ~= meta or meta.__index ~= original then
      for name, value in pairs(original) do
        if rawget(own, name) == nil then
          rawset(own, name, value)
        end
      end
    end
  end

  local function mend()
    keep(own_package, package_meta, package)
    keep(environment, environment_meta, globals)
  end

  -- The table of a dotted name, made where it is missing; nil if something else has the name.
  local function global_table(name)
    local found = environment
    for part in name:gmatch("[^.]+") do
      local next = rawget(found, part)
      if next == nil then
        next = {}
        found[part] = next
      elseif type(next) ~= "table" then
        return nil
      end
      found = next
    end
    return found
  end

  -- The `module` of Lua 5.1, where there is one.
  if rawget(globals, "module") then
    function environment.module(name, ...)
      if type(name) ~= "string" then
        error("bad argument #1 to 'module' (string expected, got " .. type(name) .. ")", 2)
      end
      local module = rawget(copies, name)
      if type(module) ~= "table" then
        module = global_table(name)
        if not module then
          error("name conflict for module '" .. name .. "'", 2)
        end
        copies[name] = module
      end
      if module._NAME == nil then
        module._M, module._NAME = module, name
        module._PACKAGE = name:match("^(.*%.)[^.]*$") or ""
      end
      native.set_environment(module)
      for place = 1, select("#", ...) do
        select(place, ...)(module)
      end
    end
  end

  return environment, replaced, mend
end
