-- The context of a TLS server, from luaossl, which cqueues takes.

local chain = require "openssl.x509.chain"
local context = require "openssl.ssl.context"
local pkey = require "openssl.pkey"
local x509 = require "openssl.x509"

local function content(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

return function(certificate, key)
  local made = context.new("TLS", true)
  made:setCertificate(x509.new(content(certificate)))
  made:setPrivateKey(pkey.new(content(key)))
  return made
end
