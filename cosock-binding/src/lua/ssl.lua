-- cosock.ssl: what goes on around the handshake, and `wrap`.

local modules, native, shims, own = ...
local ssl = modules["cosock.ssl"]
local in_lua = native.in_lua

ssl._VERSION = "1.2.0"
ssl._COPYRIGHT = "cosock in Rust, after LuaSec 1.2.0"

-- A TLS object is a TCP object to these, which stand behind Lua frames on some versions.
local tcp = modules["cosock.socket.tcp"]
ssl.receive, ssl.send = tcp.receive, tcp.send

-- A server's handshake stops to ask a function of the user's which protocol to choose (ALPN), and
-- goes on with the answer. The function may wait.
local function answering(handshake, slow)
  local go_on

  local function finish(self, ok, ...)
    if ok == nil then
      local inner = type(self) == "table" and self.inner_sock or self
      local offered, choose = own.question(inner)
      own.answer(inner, (choose(offered)))
      return go_on(self)
    elseif ok == in_lua then
      return slow(self)
    end
    return ok, ...
  end

  function go_on(self)
    return finish(self, handshake(self))
  end
  return go_on
end

own.inner.dohandshake = answering(own.inner.dohandshake)
ssl.dohandshake = answering(ssl.dohandshake, shims.dohandshake)

-- A context of a table; compiled when the first is made, for many programs make none.
local newcontext
function ssl.newcontext(config)
  newcontext = newcontext or own.contexts()
  -- Not a tail call, which would hide the caller's place from errors on 5.1.
  local context, err = newcontext(config)
  if context then
    return context
  end
  return nil, err
end

-- A method of a connection that is not ours; nil where there is none, and for what has no methods.
local function method_of(inner, name)
  local kind = type(inner)
  local is_object, method = pcall(function()
    return (kind == "table" or kind == "userdata") and inner[name]
  end)
  return is_object and type(method) == "function" and method or nil
end

-- A connection that is not ours gives its descriptor away, as LuaSec has it.
local function adopt(sock)
  local inner = type(sock) == "table" and sock.inner_sock or nil
  if type(sock) == "table" and not inner then
    error("tcp inner_sock is null", 3)
  end
  inner = inner or sock
  local getfd, setfd = method_of(inner, "getfd"), method_of(inner, "setfd")
  if not getfd or not setfd then
    error("bad argument #1 to 'wrap' (connection expected, got " .. type(inner) .. ")", 3)
  end
  local fd = getfd(inner)
  if type(fd) ~= "number" then
    error("bad argument #1 to 'wrap' (its descriptor is a " .. type(fd) .. ")", 3)
  end
  -- First, for of two owners each would close it.
  setfd(inner, -1)
  local adopted = native.tcp()
  adopted:setfd(fd)
  adopted.timeout = type(sock) == "table" and sock.timeout or nil
  return adopted
end

-- A TLS object on the connection of `sock`, which is left closed. `config` is a context, or the table
-- to make one of. Timeouts stay as they were set.
function ssl.wrap(sock, config)
  if type(config) == "table" then
    local context, err = ssl.newcontext(config)
    if not context then
      return nil, err
    end
    config = context
  end
  local object, err = own.wrap(sock, config)
  if object == nil and err == nil then
    object, err = own.wrap(adopt(sock), config)
  end
  return object, err
end
