-- What a TLS object tells becomes values, and numbers become texts: that may run a finalizer, which where the language
-- closes variables can finalize the very inner object that the method looks at. It then tells what it had read, or
-- what a closed one tells, and touches nothing of what is gone.
local world = require "world"
local collector = require "collector"
local secure = require "secure"
local cosock = require "cosock"

local closing = (loadstring or load)("local object = ... local closed <close> = object")
if not closing then
  return world.finish()
end

local NUMBER = 1234567

local calls = {
  { "info" },
  { "info", "cipher" },
  { "getpeercertificate" },
  { "getlocalcertificate" },
  { "getpeerchain" },
  { "getlocalchain" },
  { "getpeerverification" },
  { "send", NUMBER },
  { "send", NUMBER, 1, 3 },
  { "exportkeyingmaterial", NUMBER, 20, NUMBER },
  { "setdane", NUMBER },
  { "settlsa", 3, 1, 1, NUMBER },
  { "sni", NUMBER },
}

local function check(name, ...)
  -- Without an authority, so that there are reasons to tell.
  local object, peer = secure.pair({
    mode = "client",
    protocol = "any",
    verify = "peer",
    verifyext = "lsec_continue",
  })
  local method, inner = object[name], object.inner_sock
  collector.eager()
  setmetatable({}, {
    __gc = function()
      closing(inner)
    end,
  })
  local fine, err = pcall(method, object, ...)
  collector.usual()
  assert(fine, err)
  assert(object:getfd() == -1, name)
  peer:close()
end

cosock.spawn(function()
  for _, call in ipairs(calls) do
    check((table.unpack or unpack)(call))
  end
end, "tells")
cosock.run()

world.finish()
