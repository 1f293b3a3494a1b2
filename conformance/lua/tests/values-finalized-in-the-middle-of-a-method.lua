-- A method that looks at its object may run user code there, and that code may have Lua finalize the object's inner
-- socket while the method holds it: by a full collection in a finalizer. The method then answers as for a closed
-- socket, and touches nothing of the one that is gone.
local world = require "world"
local network = require "network"
local cosock = require "cosock"

local function with_finalizer(finalize)
  if newproxy then
    getmetatable(newproxy(true)).__gc = finalize
  else
    setmetatable({}, { __gc = finalize })
  end
end

-- Whether a finalizer can have the collector call others: up to 5.3, and in LuaJIT.
local function do_they_nest()
  local is_done, nests = false, nil
  local function make()
    with_finalizer(function() is_done = true end)
    -- Made later, and so finalized before.
    with_finalizer(function()
      collectgarbage()
      nests = is_done
    end)
  end
  make()
  for _ = 1, 4 do
    collectgarbage()
  end
  assert(is_done and nests ~= nil)
  return nests
end

local nests = do_they_nest()

local function is_gone(object)
  return object:getfd() == -1
end

-- Stands for a socket object, and collects all that can be collected when a method looks at it.
local function collecting(object)
  return setmetatable({}, {
    __index = function(_, name)
      if name == "setwaker" or name == "timeout" then
        collectgarbage()
      end
      return object[name]
    end,
  })
end

local calls = {
  receive = function(object)
    return collecting(object):receive()
  end,
  ["receive of a count"] = function(object)
    return collecting(object):receive(10)
  end,
  ["receive of a datagram"] = function(object)
    return collecting(object):receive()
  end,
  accept = function(object)
    return collecting(object):accept()
  end,
  setoption = function(object)
    local linger = setmetatable({}, {
      __index = function(_, name)
        collectgarbage()
        return name == "on" or 1
      end,
    })
    return object:setoption("linger", linger)
  end,
}

local makers = {
  ["receive of a datagram"] = network.datagram,
  accept = network.listener,
  setoption = network.listener,
}

local results, peers = {}, {}

-- Apart, so that nothing of it stays on the stack.
local function make(name)
  local object
  if makers[name] then
    object = makers[name]()
  else
    object, peers[name] = network.pair()
  end
  local call = calls[name]
  -- Made after the object, and so finalized before it.
  with_finalizer(function()
    results[name] = { gone = is_gone(object), pcall(call, object) }
    results[name].gone_now = is_gone(object)
  end)
end

cosock.spawn(function()
  for name in pairs(calls) do
    make(name)
    for _ = 1, 4 do
      collectgarbage()
    end
  end
end, "makes")
cosock.run()

for name in pairs(calls) do
  local result = assert(results[name], name)
  assert(not result.gone, name)
  assert(result.gone_now == nests, name .. ": " .. tostring(result.gone_now))
  if nests then
    local why = name == "setoption" and "setsockopt failed" or "closed"
    local ends = result[1] and result[2] == nil and result[3] == why
    -- The newest LuaJIT calls finalizers where nothing can wait.
    local is_refused = jit and not result[1] and tostring(result[2]):find("attempt to yield", 1, true)
    assert(ends or is_refused, name .. ": " .. tostring(result[3] or result[2]))
  end
end

peers = nil
world.finish()
