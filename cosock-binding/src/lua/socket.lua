-- cosock.socket: the functions of LuaSocket's module that need no system call of their own. Compiled when one
-- of them is first called.

local _, native = ...
local functions = {}
local pcall = native.pcall

-- Refuses what no text or number is. The arguments are counted as the methods that get them count: the socket is
-- the first.
local function check(value, argument, name, expected)
  local kind = type(value)
  if kind == "number" or (kind == "string" and (expected == "string" or tonumber(value))) then
    return
  end
  local why = expected .. " expected, got " .. kind
  native.raise(("bad argument #%d to '%s' (%s)"):format(argument, name, why))
end

local function connect_with(make)
  return function(host, port, local_host, local_port)
    if local_host then
      check(local_host, 2, "bind", "string")
      check(local_port or 0, 3, "bind", "string")
    end
    check(host, 2, "connect", "string")
    check(port, 3, "connect", "string")
    local client, err = make()
    if not client then
      return nil, err
    end
    local done
    if local_host then
      done, err = client:bind(local_host, local_port or 0)
      if not done then
        client:close()
        return nil, err
      end
    end
    done, err = client:connect(host, port)
    if not done then
      client:close()
      return nil, err
    end
    return client
  end
end

functions.connect = connect_with(native.tcp)
functions.connect6 = connect_with(native.tcp6)

-- Makes a server. The address may be used again at once after a restart, so that is set before the
-- bind, which needs a descriptor: bind makes the one that it takes to set the option.
function functions.bind(host, port, backlog)
  check(host, 2, "bind", "string")
  check(port, 3, "bind", "string")
  if backlog ~= nil then
    check(backlog, 2, "listen", "number")
  end
  local server, err = native.tcp()
  if not server then
    return nil, err
  end
  local done
  done, err = native.bind_reusing(server, host, port)
  if done then
    done, err = server:listen(backlog)
  end
  if not done then
    server:close()
    return nil, err
  end
  return server
end

-- A function that picks from `handlers` by its first argument, or takes `default`. What it refuses is
-- refused at this level: where the function was called that calls it.
local function chooser(handlers, level)
  return function(name, first, second)
    if type(name) ~= "string" then
      name, first, second = "default", name, first
    end
    local handler = handlers[name]
    if not handler then
      error("unknown key (" .. tostring(name) .. ")", level)
    end
    return handler(first, second)
  end
end

function functions.choose(handlers)
  return chooser(handlers, 3)
end

-- Exceptions: what `try` raises, `protect` returns.

local exception = {}

local function pass(finalizer, first, ...)
  if first then
    return first, ...
  end
  if type(finalizer) == "function" then
    finalizer()
  end
  error(setmetatable({ (...) }, exception), 0)
end

function functions.newtry(finalizer)
  return function(...)
    return pass(finalizer, ...)
  end
end

functions.try = functions.newtry()

local function settle(ok, ...)
  if ok then
    if select("#", ...) == 0 then
      return nil
    end
    return ...
  end
  local err = ...
  if type(err) == "table" and getmetatable(err) == exception then
    return nil, err[1]
  end
  error(err, 0)
end

-- What `fn` returns, or nil and why it failed. Always at least one value.
function functions.protect(fn)
  return function(...)
    return settle(pcall(fn, ...))
  end
end

-- Makes a source or sink of a kind, as ltn12 has them. On 5.1 there is one more frame, of what compiles this.
local level = native.running and 4 or 3
functions.source = chooser(native.sourcet, level)
functions.sink = chooser(native.sinkt, level)

return functions
