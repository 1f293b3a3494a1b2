-- claim: names of servers, protocols and DANE are agreed on
-- chapter: tls
-- source: LuaSec's documentation
-- covers: L9 L10 L18 tls:sni tls:setdane tls:settlsa
local trace = require "trace"
local tls = require "trace_tls"

local function common_name(object)
  local certificate = object:getpeercertificate()
  local attributes = certificate and certificate:subject()
  return attributes and attributes[#attributes].value
end

-- The rock on 5.1 and LuaJIT drops a nil at the end.
local function word(value)
  return tostring(value)
end

local careless = { mode = "client", protocol = "any" }

-- Handshakes on each version, and what `look` sees after them.
local function claims(name, client_config, server_config, prepare, look)
  for _, version in ipairs(tls.versions) do
    trace.task(name .. "." .. version, function()
      local function held(config)
        local copy = {}
        for key, value in pairs(config) do
          copy[key] = value
        end
        copy.protocol = version
        return copy
      end
      local client, server = tls.wrapped(held(client_config), held(server_config))
      prepare(client, server)
      local ok, err, their_ok, their_err = tls.handshakes(client, server)
      return ok, err, their_ok, their_err, ok and look(client, server)
    end)
  end
end

-- Names of servers
local function contexts()
  return {
    ["other.example"] = assert(tls.ssl.newcontext(tls.server({}, "wrong-name"))),
    ["chain.example"] = assert(tls.ssl.newcontext(tls.server({}, "chain"))),
  }
end
local function seen(client, server)
  return common_name(client) .. " " .. word(client:getsniname()) .. " " .. word(server:getsniname())
end
local function sni_claims(name, asked, strict, map)
  claims("sni." .. name, careless, tls.server(), function(client, server)
    if asked then
      client:sni(asked)
    end
    if map ~= false then
      server:sni(map or contexts(), strict)
    end
  end, seen)
end
sni_claims("in-the-map", "other.example")
sni_claims("in-the-map.strict", "other.example", true)
sni_claims("in-the-map.upper-case", "OTHER.example")
sni_claims("not-in-the-map", "unknown.example")
sni_claims("not-in-the-map.strict", "unknown.example", true)
sni_claims("none", nil)
sni_claims("none.strict", nil, true)
sni_claims("no-map", "some.example", nil, false)
sni_claims("empty-map", "some.example", nil, {})
sni_claims("empty-map.strict", "some.example", true, {})
sni_claims("address", "127.0.0.1", nil, false)
sni_claims("long", ("a"):rep(63) .. ".example", nil, false)
trace.task("sni.before-the-handshake", function()
  local client, server = tls.wrapped()
  local result = client:sni "some.example"
  return result, client:getsniname(), server:getsniname()
end)
trace.task("sni.replaced", function()
  local client = tls.wrapped()
  client:sni "some.example"
  client:sni "other.example"
  return client:getsniname()
end)
local function misuse(name, side, ...)
  local args, count = { ... }, select("#", ...)
  trace.task("sni.misuse." .. name .. ".object", function()
    local client, server = tls.wrapped()
    local object = side == "client" and client or server
    trace.method("sni.misuse." .. name, object, "sni", (table.unpack or unpack)(args, 1, count))
  end)
end
misuse("client.nothing", "client")
misuse("client.table", "client", {})
misuse("client.empty", "client", "")
misuse("client.number", "client", 5)
misuse("server.nothing", "server")
misuse("server.text", "server", "other.example")
misuse("server.value", "server", { ["other.example"] = 5 })
misuse("server.value-table", "server", { ["other.example"] = {} })
misuse("server.value-client-context", "server", { ["other.example"] = assert(tls.ssl.newcontext(careless)) })
misuse("server.key-boolean", "server", { [true] = assert(tls.ssl.newcontext(tls.server())) })

-- Protocols
local function protocols(client, server)
  return word(client:getalpn()) .. " " .. word(server:getalpn())
end
local function alpn_claims(name, offered, served)
  claims("alpn." .. name, tls.client { alpn = offered }, tls.server { alpn = served }, function() end, protocols)
end
alpn_claims("common", { "h2", "http/1.1" }, { "http/1.1", "h2" })
alpn_claims("one-name", "h2", { "http/1.1", "h2" })
alpn_claims("nothing-in-common", { "h2" }, { "http/1.1" })
alpn_claims("client-alone", { "h2" }, nil)
alpn_claims("server-alone", nil, { "h2" })
alpn_claims("none", nil, nil)
alpn_claims("function.text", { "h2", "http/1.1" }, function(offered)
  return offered[2]
end)
alpn_claims("function.list", { "h2", "http/1.1" }, function()
  return { "spdy", "http/1.1", "h2" }
end)
alpn_claims("function.nil", { "h2", "http/1.1" }, function() end)
alpn_claims("function.not-offered", { "h2", "http/1.1" }, function()
  return "spdy"
end)
alpn_claims("function.empty-list", { "h2", "http/1.1" }, function()
  return {}
end)
alpn_claims("function.table-of-arguments", { "h2", "http/1.1" }, function(...)
  local offered = ...
  trace.values("alpn.function.arguments" .. (tls.asked or ""), select("#", ...), offered)
  tls.asked = ".again"
  return offered[1]
end)
alpn_claims("function.not-asked", nil, function()
  error "nobody offered anything"
end)

-- DANE
local function dane_claims(name, client_config, prepare, identity)
  claims("dane." .. name, client_config, tls.server({}, identity), prepare, function(client)
    return client:getpeerverification()
  end)
end
local dane = { mode = "client", protocol = "any", verify = "peer", dane = true }
local function digest_of(name)
  local file = assert(io.open(tls.file(name .. ".pem")))
  local pem = file:read "*a"
  file:close()
  local hexadecimal = tls.ssl.loadcertificate(pem):digest "sha256"
  return (hexadecimal:gsub("..", function(byte)
    return string.char(tonumber(byte, 16))
  end))
end
local results = {}
dane_claims("good", dane, function(client)
  results[#results + 1] = client:setdane "localhost"
  results[#results + 1] = client:settlsa(3, 0, 1, digest_of "server")
end)
trace.values("dane.results", (table.unpack or unpack)(results))
dane_claims("mismatch", dane, function(client)
  client:setdane "localhost"
  client:settlsa(3, 0, 1, digest_of "server-ec")
end)
dane_claims("authority", dane, function(client)
  client:setdane "localhost"
  client:settlsa(2, 0, 1, digest_of "ca")
end, "server-ec")
dane_claims("self-signed", dane, function(client)
  client:setdane "localhost"
  client:settlsa(3, 0, 1, digest_of "self-signed")
end, "self-signed")
dane_claims("not-enabled", tls.client(), function(client)
  assert(client:setdane "localhost" == false)
  assert(client:settlsa(3, 0, 1, digest_of "server-ec") == false)
end)
trace.task("dane.bad-records", function()
  local client = tls.wrapped(dane)
  client:setdane "localhost"
  return client:settlsa(3, 0, 1, "short"), client:settlsa(9, 0, 1, ("x"):rep(32)), client:settlsa(3, 0, 9, "x")
end)
