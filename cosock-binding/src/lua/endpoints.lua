-- Sources and sinks of sockets, as ltn12 has them. Compiled when a program first makes one.

local modules = ...
local socket = modules["cosock.socket"]
local endpoints = {}

local function endpoint(sock, call)
  return setmetatable({
    getfd = function()
      return sock:getfd()
    end,
    dirty = function()
      return sock:dirty()
    end,
  }, { __call = call })
end

endpoints["keep-open"] = function(sock)
  return endpoint(sock, function(_, chunk)
    if chunk then
      return sock:send(chunk)
    end
    return 1
  end)
end

endpoints["close-when-done"] = function(sock)
  return endpoint(sock, function(_, chunk)
    if chunk then
      return sock:send(chunk)
    end
    sock:close()
    return 1
  end)
end

endpoints["by-length"] = function(sock, length)
  return endpoint(sock, function()
    if length <= 0 then
      return nil
    end
    local chunk, err = sock:receive(math.min(socket.BLOCKSIZE, length))
    if not chunk then
      return nil, err
    end
    length = length - #chunk
    return chunk
  end)
end

endpoints["until-closed"] = function(sock)
  local done
  return endpoint(sock, function()
    if done then
      return nil
    end
    local chunk, err, partial = sock:receive(socket.BLOCKSIZE)
    if chunk then
      return chunk
    end
    if err == "closed" then
      sock:close()
      done = true
      return partial
    end
    return nil, err
  end)
end

return endpoints
