-- A TLS server for tests/tls_peers.rs; see flow.lua for what it understands. Prints "ready PORT", and of each
-- connection what was agreed on and how it ended. Arguments: how many connections it serves, and names of
-- settings: a version of the protocol, `asks` for a certificate, `renegotiates`, `no_ticket`, `alpn`.
local world = require "world"
local cosock = require "cosock"
local network = require "network"
local flow = require "flow"
local secure = require "secure"

io.stdout:setvbuf "line"

local count = tonumber((...))
local options = {}
local config = secure.server { options = options }
for place = 2, select("#", ...) do
  local setting = select(place, ...)
  if setting == "asks" then
    config.cafile, config.verify = secure.file "ca.pem", { "peer", "fail_if_no_peer_cert" }
  elseif setting == "renegotiates" then
    options[#options + 1] = "allow_client_renegotiation"
  elseif setting == "no_ticket" then
    options[#options + 1] = "no_ticket"
  elseif setting == "alpn" then
    config.alpn = { "second", "first" }
  else
    config.protocol = setting
  end
end
local context = assert(cosock.ssl.newcontext(config))

local function serve(sock)
  sock:settimeout(60)
  local object = assert(cosock.ssl.wrap(sock, context))
  local ok, err = object:dohandshake()
  if not ok then
    print("failed", err)
    object:close()
    return
  end
  local certificate = object:getpeercertificate()
  local subject = certificate and certificate:subject()
  print("agreed", object:info "protocol", object:getalpn(), subject and subject[#subject].value)
  err = flow.serve(object)
  print("ended", err)
  object:close()
end

cosock.spawn(function()
  local listener, port = network.listener()
  print("ready " .. port)
  for _ = 1, count do
    local sock = assert(listener:accept())
    cosock.spawn(function()
      serve(sock)
    end, "connection")
  end
  listener:close()
end, "listener")
cosock.run()
world.finish()
