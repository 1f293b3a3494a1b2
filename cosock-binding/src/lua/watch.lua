-- Methods look at an object no more closely than they have to. So what says how objects are waited on
-- stands behind their module table, where an assignment to it is noticed; `pairs` shows it as ever.

local modules, native = ...
local names = { "setwaker", "_wake" }

local function watch(methods)
  local metatable, behind = getmetatable(methods) or {}, {}
  for _, name in ipairs(names) do
    behind[name], methods[name] = methods[name], nil
  end

  local index = metatable.__index
  metatable.__index = index and function(self, name)
    local method = behind[name]
    if method == nil then
      return index(self, name)
    end
    return method
  end or behind

  function metatable.__newindex(_, name, method)
    if name == "setwaker" or name == "_wake" then
      native.replaced()
      behind[name] = method
    else
      rawset(methods, name, method)
    end
  end

  local function following(_, name)
    if behind[name] == nil then
      local method
      name, method = next(methods, name)
      if name ~= nil then
        return name, method
      end
    end
    return next(behind, name)
  end

  function metatable.__pairs()
    return following, methods, nil
  end

  setmetatable(methods, metatable)
end

watch(modules["cosock.socket.tcp"])
watch(modules["cosock.socket.udp"])
watch(modules["cosock.channel"].receiver)
if modules["cosock.ssl"] then
  watch(modules["cosock.ssl"])
end
