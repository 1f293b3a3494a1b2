-- The context of a TLS server. The rock makes none of its own and takes LuaSec's, on which it stands.

local cosock = require "cosock"

local has_luasec, luasec = pcall(require, "ssl")

return function(certificate, key)
  local newcontext = has_luasec and luasec.newcontext or cosock.ssl.newcontext
  return assert(newcontext { mode = "server", protocol = "any", certificate = certificate, key = key })
end
