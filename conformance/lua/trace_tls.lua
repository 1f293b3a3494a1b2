-- TLS for the scenarios of conformance/lua/parity. The rock's cosock.ssl can only wrap; the rest is
-- LuaSec's own there. Functions that connect are called inside a task.
local trace = require "trace"
local cosock = require "cosock"

local tls = {}

local is_reference = os.getenv "COSOCK_SUBJECT" == "reference"
local directory = assert(os.getenv "COSOCK_TEST_CERTS", "COSOCK_TEST_CERTS is not set")

-- What has `newcontext`, `loadcertificate` and `config`.
tls.ssl = is_reference and require "ssl" or cosock.ssl

-- The versions of the protocol that both sides may be held to.
tls.versions = { "tlsv1_2", "tlsv1_3" }

-- The path of one of the tests' certificates and keys.
function tls.file(name)
  return directory .. "/" .. name
end

-- A message without what differs from run to run: the directory.
function tls.plain(message)
  if type(message) ~= "string" then
    return message
  end
  local first, last = message:find(directory, 1, true)
  while first do
    message = message:sub(1, first - 1) .. "<directory>" .. message:sub(last + 1)
    first, last = message:find(directory, 1, true)
  end
  return message
end

local function with(settings, more)
  for key, value in pairs(more or {}) do
    settings[key] = value
  end
  return settings
end

-- A server's configuration; `name` chooses the identity, false none.
function tls.server(more, name)
  local settings = { mode = "server", protocol = "any" }
  if name ~= false then
    settings.certificate = tls.file((name or "server") .. ".pem")
    settings.key = tls.file((name or "server") .. ".key")
  end
  return with(settings, more)
end

-- A client's configuration, which trusts the tests' authority and verifies by it.
function tls.client(more)
  return with({
    mode = "client",
    protocol = "any",
    cafile = tls.file "ca.pem",
    verify = "peer",
  }, more)
end

-- What shows its certificate to a server that asks for it.
function tls.identified(more, name)
  return tls.client(with({
    certificate = tls.file((name or "client") .. ".pem"),
    key = tls.file((name or "client") .. ".key"),
  }, more))
end

-- What asks its client for a certificate.
function tls.asking(more)
  return tls.server(with({
    cafile = tls.file "ca.pem",
    verify = { "peer", "fail_if_no_peer_cert" },
  }, more))
end

-- Every object lives until the end: the collector closes none that a scenario forgets.
local made = {}

-- Two TLS objects on one connection, the client's first, before the handshake.
function tls.wrapped(client_config, server_config)
  local client, server = trace.pair()
  client = assert(cosock.ssl.wrap(client, client_config or tls.client()))
  server = assert(cosock.ssl.wrap(server, server_config or tls.server()))
  made[#made + 1] = { client, server }
  return client, server
end

-- Runs both handshakes; returns what they return, the client's two values first.
function tls.handshakes(client, server)
  local ok, err
  local done, wait = cosock.channel.new()
  cosock.spawn(function()
    ok, err = server:dohandshake()
    done:send(true)
  end, "the server's handshake")
  local own_ok, own_err = client:dohandshake()
  wait:receive()
  return own_ok, own_err, ok, err
end

-- Two TLS objects after a good handshake.
function tls.pair(client_config, server_config)
  local client, server = tls.wrapped(client_config, server_config)
  local ok, err, their_ok, their_err = tls.handshakes(client, server)
  assert(ok and their_ok, err or their_err)
  return client, server
end

return tls
