-- claim: newcontext takes and refuses each field as documented
-- chapter: tls
-- source: LuaSec's documentation
-- covers: L1 L2 L15 G34d G34e cosock.ssl.newcontext cosock.ssl.config context:setverifyext
local trace = require "trace"
local tls = require "trace_tls"

local kinds = {
  { "nil", nil },
  { "true", true },
  { "number", 7 },
  { "fraction", 1.5 },
  { "text", "junk" },
  { "empty", "" },
  { "list", {} },
  { "list-of-junk", { "junk" } },
  { "list-of-a-number", { 7 } },
  { "list-of-a-list", { {} } },
  { "function", function() end },
  { "coroutine", coroutine.create(function() end) },
}

-- The context's kind, or nil and the message.
local function make(config)
  local context, err = tls.ssl.newcontext(config)
  return type(context), tls.plain(err)
end

local function claim(name, config)
  trace.call(name, make, config)
end

-- A configuration of each mode with one field more.
local function with(mode, field, value)
  local config = { mode = mode, protocol = "any" }
  config[field] = value
  return config
end

local function client(name, field, value)
  claim(field .. "." .. name, with("client", field, value))
end

local function server(name, field, value)
  claim(field .. "." .. name .. ".server", with("server", field, value))
end

-- Every field of every kind
local fields = {
  "certificate", "key", "password", "cafile", "capath", "ciphers", "ciphersuites", "verify", "options",
  "depth", "dhparam", "curve", "curveslist", "verifyext", "certificates", "alpn", "dane", "unheard_of",
}
for _, field in ipairs(fields) do
  for _, kind in ipairs(kinds) do
    client(kind[1], field, kind[2])
  end
end
for _, kind in ipairs(kinds) do
  server(kind[1], "alpn", kind[2])
  server(kind[1], "dhparam", kind[2])
  claim("mode." .. kind[1], { mode = kind[2], protocol = "any" })
  claim("protocol." .. kind[1], { mode = "client", protocol = kind[2] })
  claim("table." .. kind[1], kind[2])
end

-- Protocols
for _, protocol in ipairs {
  "any", "sslv23", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3", "sslv2", "sslv3", "TLSv1_2", "tlsv1_4",
} do
  claim("protocol." .. protocol, { mode = "client", protocol = protocol })
end

-- Identities
local function file_claim(name, more)
  local config = { mode = "server", protocol = "any" }
  for field, file in pairs(more) do
    local is_file = field == "certificate" or field == "key" or field == "cafile" or field == "capath"
    config[field] = is_file and tls.file(file) or file
  end
  claim(name, config)
end

file_claim("identity", { certificate = "server.pem", key = "server.key" })
file_claim("identity.elliptic", { certificate = "server-ec.pem", key = "server-ec.key" })
file_claim("identity.chain", { certificate = "chain.pem", key = "chain.key" })
file_claim("identity.only-certificate", { certificate = "server.pem" })
file_claim("identity.only-key", { key = "server.key" })
file_claim("identity.mismatch", { certificate = "server-ec.pem", key = "server.key" })
file_claim("identity.mismatch.same-kind", { certificate = "other.pem", key = "server-ec.key" })
file_claim("certificate.missing", { certificate = "absent.pem" })
file_claim("certificate.directory", { certificate = "capath" })
file_claim("certificate.noise", { certificate = "noise.pem", key = "server.key" })
file_claim("certificate.empty-file", { certificate = "empty.pem" })
file_claim("certificate.is-a-key", { certificate = "server.key" })
file_claim("key.missing", { key = "absent.key" })
file_claim("key.directory", { key = "capath" })
file_claim("key.noise", { key = "noise.pem" })
file_claim("key.empty-file", { key = "empty.pem" })
file_claim("key.is-a-certificate", { key = "server.pem" })
for _, key in ipairs { "encrypted.key", "encrypted-old.key" } do
  file_claim(key .. ".password", { key = key, password = "secret" })
  file_claim(key .. ".password-function", { key = key, password = function()
    return "secret"
  end })
  file_claim(key .. ".wrong", { key = key, password = "wrong" })
  file_claim(key .. ".wrong-function", { key = key, password = function()
    return "wrong"
  end })
  file_claim(key .. ".long", { key = key, password = ("secret"):rep(1000) })
  file_claim(key .. ".raises", { key = key, password = function()
    error("no password today", 0)
  end })
  file_claim(key .. ".raises-a-table", { key = key, password = function()
    error({ code = 1 })
  end })
  file_claim(key .. ".returns-nil", { key = key, password = function() end })
  file_claim(key .. ".returns-a-table", { key = key, password = function()
    return {}
  end })
  file_claim(key .. ".true", { key = key, password = true })
end
trace.call("password.arguments", function()
  local count
  tls.ssl.newcontext {
    mode = "server",
    protocol = "any",
    key = tls.file "encrypted.key",
    password = function(...)
      count = select("#", ...)
      return "secret"
    end,
  }
  return count
end)
file_claim("password.unneeded", { key = "server.key", password = "secret" })

local function pair(name, more)
  local entry = { certificate = tls.file(name .. ".pem"), key = tls.file(name .. ".key") }
  for field, value in pairs(more or {}) do
    entry[field] = value
  end
  return entry
end
local function several(name, list)
  claim("certificates." .. name, { mode = "server", protocol = "any", certificates = list })
end
several("two", { pair "server", pair "server-ec" })
several("second-missing", { pair "server", { certificate = tls.file "absent.pem" } })
several("mismatch", { pair("server", { key = tls.file "server-ec.key" }) })
several("empty-entry", { {} })
claim("certificates.beside-fields", {
  mode = "server",
  protocol = "any",
  certificate = "absent.pem",
  certificates = { pair "server" },
})

-- Authorities
file_claim("cafile.good", { cafile = "ca.pem" })
file_claim("cafile.missing", { cafile = "absent.pem" })
file_claim("cafile.noise", { cafile = "noise.pem" })
file_claim("cafile.empty-file", { cafile = "empty.pem" })
file_claim("cafile.key", { cafile = "server.key" })
file_claim("cafile.chain", { cafile = "chain.pem" })
file_claim("capath.good", { capath = "capath" })
file_claim("capath.missing", { capath = "absent" })
file_claim("capath.is-a-file", { capath = "ca.pem" })

-- Ciphers
client("one", "ciphers", "ECDHE-RSA-AES256-GCM-SHA384")
client("some-unknown", "ciphers", "JUNK:ECDHE-RSA-AES256-GCM-SHA384")
client("rule", "ciphers", "HIGH:!aNULL:@STRENGTH")
client("of-1.3", "ciphers", "TLS_AES_128_GCM_SHA256")
client("zero-byte", "ciphers", "HIGH\0JUNK")
client("one", "ciphersuites", "TLS_AES_128_GCM_SHA256")
client("two", "ciphersuites", "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256")
client("some-unknown", "ciphersuites", "JUNK:TLS_AES_128_GCM_SHA256")
client("of-1.2", "ciphersuites", "ECDHE-RSA-AES256-GCM-SHA384")

-- Verifying
for _, option in ipairs { "none", "peer", "client_once", "fail_if_no_peer_cert", "PEER" } do
  client(option, "verify", option)
  client("list-of-" .. option, "verify", { option, "peer" })
end
for _, option in ipairs { "lsec_continue", "lsec_ignore_purpose", "crl_check", "crl_check_chain", "peer" } do
  client(option, "verifyext", option)
  client("list-of-" .. option, "verifyext", { option, "lsec_continue" })
end
client("negative", "depth", -1)
client("zero", "depth", 0)
client("large", "depth", 1000)
client("text-number", "depth", "3")

-- Options
local options = {}
for option in pairs(tls.ssl.config.options) do
  options[#options + 1] = option
end
table.sort(options)
for _, option in ipairs(options) do
  client(option, "options", option)
end
client("list-of-two", "options", { "all", "no_sslv2" })
client("list-with-junk", "options", { "all", "junk" })

-- Curves
for _, curve in ipairs { "P-256", "prime256v1", "secp384r1", "X25519", "p-256", "secp256k1", "brainpoolP256r1" } do
  client(curve, "curve", curve)
  client(curve, "curveslist", curve)
end
client("several", "curveslist", "X25519:P-256:P-384")
client("one-unknown", "curveslist", "X25519:junk")
client("auto", "curveslist", "auto")
claim("curveslist.beside-curve", { mode = "client", protocol = "any", curve = "junk", curveslist = "P-256" })

-- ALPN
for _, side in ipairs { client, server } do
  side("name", "alpn", "h2")
  side("names", "alpn", { "h2", "http/1.1" })
  side("empty-name", "alpn", { "h2", "" })
  side("long-name", "alpn", { ("x"):rep(255) })
  side("longer-name", "alpn", { ("x"):rep(256) })
  side("zero-byte", "alpn", { "a\0b" })
end

-- DANE
client("flag", "dane", { "no_ee_namechecks" })

-- What `config` has
for _, table_name in ipairs { "protocols", "algorithms", "capabilities", "options" } do
  trace.values("config." .. table_name, tls.ssl.config[table_name])
end
trace.call("config.curves", function()
  local curves = tls.ssl.config.curves
  return curves["P-256"], curves.X25519, curves.prime256v1, curves.secp384r1, curves.brainpoolP256r1, curves.junk
end)

-- Contexts
trace.call("context", function()
  local context = assert(tls.ssl.newcontext(with("client", "depth", 1)))
  return type(context), (tostring(context):gsub("0x%x+", "?"))
end)
trace.call("context.setverifyext", function()
  local context = assert(tls.ssl.newcontext(with("client", "depth", 1)))
  return context:setverifyext("lsec_continue", "crl_check")
end)
trace.call("context.setverifyext.nothing", function()
  local context = assert(tls.ssl.newcontext(with("client", "depth", 1)))
  return context:setverifyext()
end)
trace.call("context.setverifyext.junk", function()
  local context = assert(tls.ssl.newcontext(with("client", "depth", 1)))
  return context:setverifyext("junk")
end)

-- The module
trace.values("module.types", type(tls.ssl.wrap), type(tls.ssl.newcontext), type(tls.ssl.loadcertificate),
  tls.ssl._VERSION)
