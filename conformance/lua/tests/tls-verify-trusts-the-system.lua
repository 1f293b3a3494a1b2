-- cafile = "system" trusts what the system trusts: OpenSSL's own places, or those that its variables name.
local world = require "world"
local expect = require "expect"
local secure = require "secure"
local child = require "child"

-- Prints what the client's handshake with a server of the tests' authority returns.
local code = [[
local cosock = require "cosock"
local secure = require "secure"
cosock.spawn(function()
  local client, server = secure.wrapped(secure.client { cafile = "system", verify = "peer" })
  print(unpack(secure.handshakes(client, server), 1, 2))
  client:close()
  server:close()
end)
cosock.run()
]]
code = "local unpack = unpack or table.unpack\n" .. code

local function handshake(file, directory)
  return child.run(code, "both", { SSL_CERT_FILE = file, SSL_CERT_DIR = directory })
end

local none = secure.file "empty.pem"
expect.list({ handshake(secure.file "ca.pem", secure.file "missing") }, { "true\tnil\n", 0 })
expect.list({ handshake(none, secure.file "capath") }, { "true\tnil\n", 0 })
local refused = { "false\tcertificate verify failed\n", 0 }
expect.list({ handshake(none, secure.file "missing") }, refused)
expect.list({ handshake(secure.file "other-ca.pem", secure.file "missing") }, refused)

-- Only the word itself means that.
local context, err = require("cosock.ssl").newcontext(secure.client { cafile = "./system" })
expect.equal(context, nil)
expect.equal(err, "error loading CA locations (./system: No such file or directory)")

world.finish()
