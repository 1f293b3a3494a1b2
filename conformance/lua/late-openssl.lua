-- late-openssl.lua there|broken: OpenSSL is loaded when TLS is first used and not before, and where it is not
-- to be had, everything else works.

local is_there = arg[1] == "there"

local function is_loaded()
  local file = assert(io.open "/proc/self/maps")
  local maps = file:read "*a"
  file:close()
  return maps:find("libssl", 1, true) ~= nil
end

local cosock = require "cosock"
require "cosock.ssl"
require "cosock.socket.http"
require "cosock.ssl.https"

local runs = false
cosock.spawn(function()
  cosock.socket.sleep(0)
  runs = true
end)
cosock.run()
assert(runs)
assert(not is_loaded(), "OpenSSL is loaded before anything needs it")

local context, why = cosock.ssl.newcontext { mode = "client", protocol = "any" }
if is_there then
  assert(context, why)
  assert(is_loaded())
  assert(cosock.ssl.config.curves["prime256v1"])
else
  assert(context == nil and why:find("OpenSSL cannot be loaded: ", 1, true), why)
  assert(cosock.ssl.loadcertificate "" == nil)
  assert(cosock.ssl.config.curves["prime256v1"] == nil)
end
print "ok"
