-- LuaSec alone, without cosock, as a peer: `server`, which prints its port and serves as many clients as
-- the second argument says, or `client PORT VERSION COUNT`. See flow.lua for what they say to each other.
local ssl = require "ssl"
local socket = require "socket"
local flow = require "flow"

local directory = assert(os.getenv "COSOCK_TEST_CERTS")
local role, first, version, count = ...

local function encrypted(sock, mode, name)
  local object = assert(ssl.wrap(sock, {
    mode = mode,
    protocol = version or "any",
    certificate = directory .. "/" .. name .. ".pem",
    key = directory .. "/" .. name .. ".key",
    cafile = directory .. "/ca.pem",
    verify = { "peer", "fail_if_no_peer_cert" },
  }))
  assert(object:dohandshake())
  return object
end

if role == "server" then
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  print("ready " .. port)
  io.stdout:flush()
  for _ = 1, tonumber(first) do
    local object = encrypted(assert(listener:accept()), "server", "server")
    local err = flow.serve(object)
    assert(not err, err)
    object:close()
  end
else
  local object = encrypted(assert(socket.connect("127.0.0.1", tonumber(first))), "client", "client")
  flow.talk(object, tonumber(count))
  object:close()
end
print "ok"
