-- How `ssl.wrap` takes over a connection that is not ours. Compiled for the first.

local _, native = ...

-- A method of a connection that is not ours; nil where there is none, and for what has no methods.
local function method_of(inner, name)
  local kind = type(inner)
  local is_object, method = pcall(function()
    return (kind == "table" or kind == "userdata") and inner[name]
  end)
  return is_object and type(method) == "function" and method or nil
end

-- A connection that is not ours gives its descriptor away, as LuaSec has it.
return function(sock)
  local inner = type(sock) == "table" and sock.inner_sock or nil
  if type(sock) == "table" and not inner then
    native.raise("tcp inner_sock is null")
  end
  inner = inner or sock
  local getfd, setfd = method_of(inner, "getfd"), method_of(inner, "setfd")
  if not getfd or not setfd then
    native.raise("bad argument #1 to 'wrap' (connection expected, got " .. type(inner) .. ")")
  end
  local fd = getfd(inner)
  if type(fd) ~= "number" then
    native.raise("bad argument #1 to 'wrap' (its descriptor is a " .. type(fd) .. ")")
  end
  -- First, for of two owners each would close it.
  setfd(inner, -1)
  local adopted = native.tcp()
  adopted:setfd(fd)
  adopted.timeout = type(sock) == "table" and sock.timeout or nil
  return adopted
end
