-- claim: asyncify of a function in package.preload leaves the rest of its chunk alone
-- chapter: asyncify
-- source: the rock's behaviour
-- covers: G29e
local trace = require "trace"
local cosock = require "cosock"

-- As a chunk of its own: the rock changes what all of its functions see.
local chunk = (loadstring or load) [[
  package.preload["a function of a chunk"] = function(...)
    return { name = (...), socket = function() return require "socket" end }
  end
  return function() return require end
]]
local its_require = chunk()

trace.call("asyncify", function()
  local module = cosock.asyncify "a function of a chunk"
  return module.name, rawequal(module.socket(), cosock.socket)
end)
trace.values("require-of-its-chunk", rawequal(its_require(), require))
