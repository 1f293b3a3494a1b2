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
-- Only behind Lua frames is it asked for; elsewhere that would compile it.
ssl.dohandshake = answering(ssl.dohandshake, native.needs_frames and shims.dohandshake)

-- A context of a table; compiled when the first is made, for many programs make none.
local newcontext, context_of
function ssl.newcontext(config)
  if not newcontext then
    newcontext, context_of = own.contexts()
  end
  -- Not a tail call, which would hide the caller's place from errors on 5.1.
  local context, err = newcontext(config)
  if context then
    return context
  end
  return nil, err
end

-- A TLS object on the connection of `sock`, which is left closed. `config` is a context, or the table
-- to make one of. Timeouts stay as they were set.
function ssl.wrap(sock, config)
  if type(config) == "table" then
    if not context_of then
      newcontext, context_of = own.contexts()
    end
    local context, err = context_of(config)
    if not context then
      return nil, err
    end
    config = context
  end
  local object, err = own.wrap(sock, config)
  if object == nil and err == nil then
    object, err = own.wrap(modules["cosock.adopt"](sock), config)
  end
  return object, err
end
