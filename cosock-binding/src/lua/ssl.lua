-- cosock.ssl: what goes on around the handshake, and `wrap`. Compiled when one of its functions is first
-- called.

local modules, native, own = ...
local functions = {}
local in_lua = native.in_lua

-- A server's handshake stops to ask a function of the user's which protocol to choose (ALPN), and
-- goes on with the answer. The function may wait.
local function answering(handshake)
  local go_on

  local function finish(self, ok, ...)
    if ok == nil then
      local inner = type(self) == "table" and self.inner_sock or self
      local offered, choose = own.question(inner)
      own.answer(inner, (choose(offered)))
      return go_on(self)
    elseif ok == in_lua then
      -- Only behind Lua frames.
      return native.shims.dohandshake(self)
    end
    return ok, ...
  end

  function go_on(self)
    return finish(self, handshake(self))
  end
  return go_on
end

functions.try_handshake = answering(own.try_handshake)
functions.dohandshake = answering(own.dohandshake)

-- A context of a table; compiled when the first is made, for many programs make none.
local newcontext, context_of
function functions.newcontext(config)
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
function functions.wrap(sock, config)
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

return functions
