-- TLS over loopback for the test scripts, with the certificates that the tests make. Functions that
-- connect are called inside a task.
local cosock = require "cosock"
local network = require "network"

local secure = {}

local ssl = cosock.ssl
local directory = assert(os.getenv("COSOCK_TEST_CERTS"), "COSOCK_TEST_CERTS is not set")

-- The path of one of the files.
function secure.file(name)
  return directory .. "/" .. name
end

local function with(settings, more)
  for key, value in pairs(more or {}) do
    settings[key] = value
  end
  return settings
end

-- A server's configuration; `more` adds to it, `name` chooses the identity.
function secure.server(more, name)
  name = name or "server"
  return with({
    mode = "server",
    protocol = "any",
    certificate = secure.file(name .. ".pem"),
    key = secure.file(name .. ".key"),
  }, more)
end

-- A client's configuration, which trusts the tests' authority; `more` adds to it.
function secure.client(more)
  return with({ mode = "client", protocol = "any", cafile = secure.file("ca.pem") }, more)
end

-- Two TLS objects on one connection, the client's first, before the handshake.
function secure.wrapped(client_config, server_config)
  local client, server = network.pair()
  return assert(ssl.wrap(client, client_config or secure.client())),
    assert(ssl.wrap(server, server_config or secure.server()))
end

-- Runs both handshakes; returns what they return, as two lists.
function secure.handshakes(client, server)
  local results = {}
  local tx, rx = cosock.channel.new()
  cosock.spawn(function()
    results = { server:dohandshake() }
    tx:send(true)
  end, "server's handshake")
  local own = { client:dohandshake() }
  rx:receive()
  return own, results
end

-- Two TLS objects after a successful handshake.
function secure.pair(client_config, server_config)
  local client, server = secure.wrapped(client_config, server_config)
  local own, theirs = secure.handshakes(client, server)
  assert(own[1], own[2])
  assert(theirs[1], theirs[2])
  return client, server
end

return secure
