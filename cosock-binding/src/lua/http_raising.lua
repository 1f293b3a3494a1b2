-- Connections to HTTP servers whose methods raise for `socket.protect`, as LuaSocket's `http.open` gives them.

local modules = ...
local socket, connection = modules["cosock.socket"], modules["cosock.http.connection"]

local raising = {}
raising.__index = raising

for _, name in ipairs { "sendbody", "awaitcontinue", "receiveheaders", "receivebody", "receive09body" } do
  local method = connection[name]
  raising[name] = function(self, ...)
    return self.try(method(self, ...))
  end
end

raising.close = connection.close

function raising:receivestatusline()
  local code, line = connection.receivestatusline(self)
  if code == false then
    return nil, line
  end
  return self.try(code, line)
end

function raising:sendrequestline(method, uri)
  self.try(connection.sendrequestline(self, method, uri))
  local line = self.line
  self.line = nil
  return self.try(self.c:send(line))
end

function raising:sendheaders(headers)
  local lower = {}
  for name, value in pairs(headers) do
    lower[tostring(name):lower()] = value
  end
  self.try(connection.sendheaders(self, lower))
  return 1
end

-- Returns nil and a reason only when `create` itself is wrong.
local function open(...)
  local opened, err, wrong = connection.open(...)
  if wrong then
    return nil, wrong
  end
  setmetatable(socket.try(opened, err), raising)
  opened.try = socket.newtry(function()
    opened:close()
  end)
  return opened
end

return open
