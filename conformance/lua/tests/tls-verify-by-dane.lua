-- DANE: a client verifies the server's certificate by records that the program has looked up, and needs
-- no authority when a record names the certificate itself.
local world = require "world"
local expect = require "expect"
local secure = require "secure"
local cosock = require "cosock"
local ssl = cosock.ssl

local function read(name)
  local handle = assert(io.open(secure.file(name)))
  local text = handle:read "*a"
  handle:close()
  return text
end

-- The SHA-256 of a certificate, as a record has it.
local function digest(name)
  local hex = assert(ssl.loadcertificate(read(name))):digest "sha256"
  return (hex:gsub("%x%x", function(byte)
    return string.char(tonumber(byte, 16))
  end))
end

-- What the client's handshake returns when it knows these records; the server's name is wrong.
local function handshake(dane, host, ...)
  local client, server = secure.wrapped(
    secure.client { verify = "peer", dane = dane },
    secure.server({}, "wrong-name")
  )
  expect.list({ client:setdane(host) }, { true })
  for _, record in ipairs { ... } do
    expect.list({ client:settlsa((unpack or table.unpack)(record, 1, 4)) }, { true })
  end
  local own = secure.handshakes(client, server)
  client:close()
  server:close()
  return own
end

local leaf = { 3, 0, 1, digest "wrong-name.pem" }
local other_leaf = { 3, 0, 1, digest "server.pem" }
local authority = { 2, 0, 1, digest "ca.pem" }
local refused = { false, "certificate verify failed" }

cosock.spawn(function()
  expect.list(handshake({ "no_ee_namechecks" }, "localhost", leaf), { true })
  expect.list(handshake(true, "other.example", leaf), { true })
  expect.list(handshake(true, "other.example", other_leaf, leaf), { true })
  expect.list(handshake(true, "other.example", other_leaf), refused)
  -- Without the flag, the name counts.
  expect.list(handshake(true, "localhost", leaf), refused)
  -- An authority's record says nothing of the name.
  expect.list(handshake({ "no_ee_namechecks" }, "localhost", authority), refused)
  -- Without records it is verified as usual, and the name too.
  expect.list(handshake(true, "other.example"), { true })
  expect.list(handshake(true, "localhost"), refused)

  -- Records that fit none, and a context that does not allow any.
  local client, server = secure.wrapped(secure.client { dane = true })
  expect.list({ client:settlsa(3, 0, 1, digest "server.pem") }, { false })
  expect.list({ client:setdane "localhost" }, { true })
  expect.list({ client:settlsa(3, 0, 1, "short") }, { false })
  expect.list({ client:settlsa(9, 0, 1, digest "server.pem") }, { false })
  client:close()
  server:close()
  client, server = secure.wrapped()
  expect.list({ client:setdane "localhost" }, { false })
  expect.list({ client:settlsa(3, 0, 1, digest "server.pem") }, { false })
  client:close()
  server:close()
end)
cosock.run()

world.finish()
