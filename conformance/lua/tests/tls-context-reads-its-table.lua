-- newcontext reads its table field after field in a fixed order, through metamethods too, and reports
-- the first mistake; it does not change the table. Contexts can be used by name only.
local world = require "world"
local expect = require "expect"
local secure = require "secure"
local ssl = require "cosock.ssl"

local noise = secure.file "noise.pem"
local from_noise = " from '" .. noise .. "'"

-- Each mistake alone, in the order in which they are looked for.
local mistakes = {
  { "protocol", "x", "invalid protocol (x)" },
  { "mode", "x", "invalid mode (x)" },
  { "key", noise, "error loading private key (unsupported)" .. from_noise },
  { "certificate", noise, "error loading certificate (no start line)" .. from_noise },
  { "cafile", noise, "error loading CA locations (no certificate or crl found)" .. from_noise },
  { "capath", "", "error loading CA locations (invalid directory) from ''" },
  { "ciphers", "x", "error setting cipher list (no cipher match) in ciphers" },
  { "ciphersuites", "y", "error setting cipher list (no cipher match) in ciphersuites" },
  { "verify", "x", "invalid verify option (x)" },
  { "options", { "all", "x" }, "invalid option (x)" },
  { "dhparam", 1, "invalid DH parameter type" },
  { "curveslist", "auto", "unknown elliptic curve in \"auto\"" },
  { "verifyext", { "crl_check", "y" }, "invalid verify option (y)" },
  { "alpn", 1, "invalid ALPN parameter" },
  { "verify_host", "", "invalid verify_host (this is no name)" },
}
local function good()
  return { protocol = "any", mode = "client" }
end
for first = #mistakes, 1, -1 do
  local config = good()
  for place = first, #mistakes do
    config[mistakes[place][1]] = mistakes[place][2]
  end
  expect.list(expect.pack(ssl.newcontext(config)), expect.pack(nil, mistakes[first][3]))
end

-- A list of curves wins over one curve.
local config = good()
config.curve = "x"
expect.list(expect.pack(ssl.newcontext(config)), expect.pack(nil, "elliptic curve 'x' not supported"))
config.curveslist = "X25519:P-256"
assert(ssl.newcontext(config))

-- Fields may come from a metatable; the table stays as it is.
local inherited = setmetatable({}, { __index = secure.server() })
assert(ssl.newcontext(inherited))
expect.equal(next(inherited), nil)
local computed = setmetatable({}, {
  __index = function(_, name)
    assert(ssl.newcontext(good()))
    return good()[name]
  end,
})
assert(ssl.newcontext(computed))
local reason = {}
for _, field in ipairs { "protocol", "certificates", "password", "verify", "alpn", "sessions" } do
  local function index(_, name)
    if name == field then
      error(reason)
    end
    return good()[name]
  end
  local failing = setmetatable({ key = secure.file "server.key" }, { __index = index })
  expect.raises(reason, ssl.newcontext, failing)
end
for _ = 1, 3 do
  collectgarbage()
end

-- Every good value of the fields that take names.
for name in pairs(ssl.config.protocols) do
  assert(ssl.newcontext { protocol = name, mode = "client" })
end
assert(ssl.newcontext { protocol = "sslv23", mode = "server" })
for name in pairs(ssl.config.options) do
  assert(ssl.newcontext { protocol = "any", mode = "client", options = name })
end
assert(ssl.newcontext {
  protocol = "any",
  mode = "server",
  verify = { "peer", "none", "client_once", "fail_if_no_peer_cert" },
  verifyext = { "lsec_continue", "lsec_ignore_purpose", "crl_check", "crl_check_chain" },
  depth = -1,
  dane = { "no_ee_namechecks" },
  alpn = { "h2", "http/1.1" },
  sessions = true,
  unknown = {},
  psk = print,
})
for _, depth in ipairs { 0, 1, 100, -5, "3", 2 ^ 40 } do
  assert(ssl.newcontext { protocol = "any", mode = "client", depth = depth })
end
assert(ssl.newcontext { protocol = "any", mode = "client", cafile = secure.file "ca.pem", capath = secure.file "capath" })
assert(ssl.newcontext { protocol = "any", mode = "client", alpn = ("x"):rep(255), verify_host = true })

-- The object.
local context = assert(ssl.newcontext(good()))
expect.equal(type(context), "userdata")
assert(tostring(context):match "^SSL context: 0x%x+$", tostring(context))
expect.equal(getmetatable(context), false)
expect.equal(context.newcontext, nil)
expect.list(expect.pack(context:setverifyext()), { true })
expect.list(expect.pack(context:setverifyext("lsec_continue", "crl_check")), { true })
expect.list(expect.pack(context:setverifyext("crl_check", "x")), { false, "invalid verify option (x)" })
expect.list(expect.pack(context:setverifyext(7)), { false, "invalid verify option (7)" })
local set = context.setverifyext
expect.raises("bad argument #2 to 'setverifyext' (string expected, got table)", set, context, {})
expect.raises("bad argument #2 to 'setverifyext' (string expected, got nil)", set, context, nil)
for _, wrong in ipairs { 1, "context", {}, io.stdout } do
  expect.raises("SSL:Context expected, got " .. type(wrong), set, wrong)
end

-- Contexts cost nothing once they are gone.
for _ = 1, 200 do
  assert(ssl.newcontext(secure.server { alpn = print }))
end

world.finish()
