-- A handshake that looks at its object may run user code there. Where the language closes variables, that code can
-- finalize the inner TLS object which the handshake holds: it then answers as for a closed one, and touches nothing of
-- what is gone.
local world = require "world"
local network = require "network"
local secure = require "secure"
local cosock = require "cosock"

local closing = (loadstring or load)("local object = ... local closed <close> = object")
if closing then
  local result
  cosock.spawn(function()
    local client, peer = network.pair()
    local object = assert(cosock.ssl.wrap(client, secure.client()))
    local standing = setmetatable({}, {
      __index = function(_, name)
        if name == "setwaker" then
          closing(object.inner_sock)
        end
        return object[name]
      end,
    })
    result = { standing:dohandshake() }
    assert(object:getfd() == -1)
    peer:close()
  end, "shakes hands")
  cosock.run()
  assert(not result[1] and result[2] == "closed", tostring(result[2]))
end

world.finish()
