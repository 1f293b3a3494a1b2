-- verify_host: a client's handshake fails unless the certificate is for the name that sni() has set, or
-- for the one in the configuration; without a name to verify there is no handshake.
local world = require "world"
local expect = require "expect"
local secure = require "secure"
local cosock = require "cosock"
local ssl = cosock.ssl

-- What the client's handshake returns with a server that presents `identity`.
local function handshake(fields, identity, name)
  local client, server = secure.wrapped(secure.client(fields), secure.server({}, identity))
  if name then
    client:sni(name)
  end
  local own = secure.handshakes(client, server)
  client:close()
  server:close()
  return own
end

local function passes(fields, identity, name)
  expect.list(handshake(fields, identity, name), { true })
end

local function fails(fields, identity, name)
  expect.list(handshake(fields, identity, name), { false, "certificate verify failed" })
end

cosock.spawn(function()
  passes({ verify_host = true }, "server", "localhost")
  passes({ verify_host = true }, "server", "127.0.0.1")
  passes({ verify_host = true }, "wrong-name", "any.wild.example")
  passes({ verify_host = "localhost" }, "server")
  passes({ verify_host = "::1" }, "server", "other.example")
  passes({ verify_host = "other.example", verify = "peer" }, "wrong-name")

  fails({ verify_host = true }, "wrong-name", "localhost")
  fails({ verify_host = true }, "wrong-name", "wild.example")
  fails({ verify_host = true }, "server", "127.0.0.2")
  fails({ verify_host = "localhost", verify = "peer" }, "wrong-name", "other.example")
  -- A certificate that is no good does not pass for its name.
  fails({ verify_host = "localhost" }, "other")
  fails({ verify_host = "localhost" }, "expired")

  -- Nothing is sent then.
  local nameless, server = secure.wrapped(secure.client { verify_host = true })
  local refused = { nameless:dohandshake() }
  expect.list(refused, { false, "invalid verify_host (there is no name: sni() sets it)" })
  nameless:close()
  server:close()

  -- Without it any name will do, as in LuaSec.
  passes({ verify = "peer" }, "wrong-name", "localhost")

  -- Not a pattern: any name below ".example" would do.
  local below
  below, server = secure.wrapped(secure.client { verify_host = true }, secure.server({}, "wrong-name"))
  below:sni ".example"
  expect.list({ below:dohandshake() }, { false, "invalid verify_host (this is no name)" })
  below:close()
  server:close()
end)
cosock.run()

-- It is for clients that verify.
local context, err = ssl.newcontext(secure.server { verify_host = true })
expect.equal(context, nil)
expect.equal(err, "invalid verify_host (it is for clients)")
context, err = ssl.newcontext(secure.client { verify_host = true, verify = "none" })
expect.equal(context, nil)
expect.equal(err, "invalid verify_host (it needs verify = \"peer\")")

for _, name in ipairs { "", ".", ".example", ".wild.example" } do
  expect.list(expect.pack(ssl.newcontext(secure.client { verify_host = name })), {
    n = 2, nil, "invalid verify_host (this is no name)",
  })
end

-- Where any name would pass, none is asked for.
local refused = "invalid verify_host (lsec_continue lets any other name pass, too)"
for _, extension in ipairs { "lsec_continue", { "crl_check", "lsec_continue" } } do
  expect.list(expect.pack(ssl.newcontext(secure.client { verify_host = true, verifyext = extension })), {
    n = 2, nil, refused,
  })
end
context = assert(ssl.newcontext(secure.client { verify_host = "localhost" }))
expect.list(expect.pack(context:setverifyext "lsec_continue"), { n = 2, false, refused })
expect.list(expect.pack(context:setverifyext "lsec_ignore_purpose"), { n = 1, true })
cosock.spawn(function()
  local client, server = secure.wrapped(context, secure.server({}, "wrong-name"))
  expect.list(secure.handshakes(client, server), { false, "certificate verify failed" })
  client:close()
  server:close()
end)
cosock.run()

world.finish()
