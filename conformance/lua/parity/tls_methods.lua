-- claim: every method answers before the handshake, after it, and after close
-- chapter: tls
-- source: LuaSec's documentation
-- covers: L2 L6 L7 L8 L16 L17 L19 G36 cosock.ssl.wrap tls:want tls:getstats tls:setstats
-- covers: tls:getpeercertificate tls:getpeerchain tls:getpeerverification tls:getfinished
-- covers: tls:getpeerfinished tls:getalpn tls:getsniname tls:info tls:exportkeyingmaterial
-- covers: tls:class tls:getfd
local trace = require "trace"
local cosock = require "cosock"
local tls = require "trace_tls"
local ssl = cosock.ssl
local unpack = table.unpack or unpack

-- Wrap
trace.task("wrap", function()
  local client, peer = trace.pair()
  local object = ssl.wrap(client, tls.client())
  peer:close()
  return type(object), object.class, type(object.inner_sock), client.inner_sock:getfd(), client:getpeername()
end)
trace.task("wrap.tells", function()
  local client = trace.pair()
  local object = ssl.wrap(client, tls.client())
  return (tostring(object.inner_sock):gsub("0x%x+", "?"))
end)
trace.task("wrap.tells.closed", function()
  local client = trace.pair()
  local object = ssl.wrap(client, tls.client())
  object:close()
  return (tostring(object.inner_sock):gsub("0x%x+", "?"))
end)
trace.task("wrap.context", function()
  local client = trace.pair()
  local object = ssl.wrap(client, assert(tls.ssl.newcontext(tls.client())))
  return type(object)
end)
trace.task("wrap.config-refused", function()
  local client, peer = trace.pair()
  local object, err = ssl.wrap(client, tls.client { protocol = "junk" })
  client:send "still here\n"
  return object, err, peer:receive()
end)
trace.task("wrap.leaves-the-tcp-object-closed", function()
  local client = trace.pair()
  local object = ssl.wrap(client, tls.client())
  local ok, err = client:send "x"
  local data, why = client:receive()
  client:close()
  return ok, err, data, why, type(object)
end)
trace.task("wrap.timeout-of-the-tcp-object", function()
  local client, server = trace.pair()
  client:settimeout(0.01)
  client = ssl.wrap(client, tls.client())
  server = ssl.wrap(server, tls.server())
  client:settimeout(nil)
  tls.handshakes(client, server)
  client:settimeout(0.01)
  return client:receive()
end)
trace.task("wrap.closed", function()
  local client = trace.pair()
  client:close()
  local object = ssl.wrap(client, tls.client())
  return type(object)
end)
trace.task("wrap.unconnected", function()
  local object = ssl.wrap(assert(cosock.socket.tcp()), tls.client())
  return type(object)
end)
for name, value in pairs { ["nil"] = false, number = 5, text = "junk", ["plain-table"] = {} } do
  trace.call("wrap.sock-" .. name, function()
    return (ssl.wrap(value or nil, tls.client()))
  end)
end
for name, value in pairs { ["nil"] = false, number = 5, text = "junk", ["true"] = true } do
  trace.task("wrap.config-" .. name, function()
    local client = trace.pair()
    trace.call("wrap.config-" .. name .. ".result", function()
      return (ssl.wrap(client, value or nil))
    end)
  end)
end

-- What every method returns when it has nothing to do
local plain = {
  { "dirty" },
  { "getalpn" },
  { "getfinished" },
  { "getpeercertificate" },
  { "getpeerchain" },
  { "getpeerfinished" },
  { "getpeerverification" },
  { "getsniname" },
  { "receive" },
  { "receive", 0 },
  { "receive", "*a" },
  { "send", "x" },
  { "send", "" },
  { "setdane", "localhost" },
  { "settlsa", 3, 1, 1, ("x"):rep(32) },
  { "want" },
}

-- On a closed object these end the process on the rock.
local ends_the_process = { getalpn = true, getsniname = true, setdane = true, settlsa = true }

local function each_method(claim, prepare, is_closed)
  for _, call in ipairs(plain) do
    local name = call[2] == nil and call[1] or call[1] .. "-" .. tostring(call[2])
    if not (is_closed and ends_the_process[call[1]]) then
      trace.task(claim .. "." .. name, function()
        local object = prepare()
        object:settimeout(0.005)
        return object[call[1]](object, unpack(call, 2))
      end)
    end
  end
  trace.task(claim .. ".getstats", function()
    return select("#", prepare():getstats())
  end)
end

for _, mode in ipairs { "client", "server" } do
  local function one(client, server)
    return mode == "client" and client or server
  end
  each_method(mode .. ".new", function()
    return one(tls.wrapped())
  end)
  each_method(mode .. ".closed", function()
    local object = one(tls.wrapped())
    object:close()
    return object
  end, true)
  each_method(mode .. ".closed-later", function()
    local object = one(tls.pair())
    object:close()
    return object
  end, true)
end

-- After the handshake
local function both(claim, look, client_config, server_config)
  for _, version in ipairs(tls.versions) do
    trace.task(claim .. "." .. version, function()
      client_config = client_config or tls.client()
      server_config = server_config or tls.server()
      client_config.protocol, server_config.protocol = version, version
      local client, server = tls.pair(client_config, server_config)
      return look(client, server)
    end)
  end
end

both("open.dirty", function(client, server)
  return client:dirty(), server:dirty()
end)
both("open.want", function(client, server)
  return client:want(), server:want()
end)
both("open.alpn", function(client, server)
  return client:getalpn(), server:getalpn()
end)
both("open.names", function(client, server)
  return client:getsniname(), server:getsniname()
end)
both("open.finished", function(client, server)
  return client:getfinished() == server:getpeerfinished(), server:getfinished() == client:getpeerfinished(),
    #client:getfinished(), client:getfinished() == client:getpeerfinished()
end)
both("open.verification", function(client, server)
  return client:getpeerverification(), server:getpeerverification()
end)
local careless = { mode = "client", protocol = "any" }
both("open.verification.not-asked-for", function(client)
  return client:getpeerverification()
end, careless)
both("open.verification.goes-on", function(client)
  return client:getpeerverification()
end, tls.client { verifyext = "lsec_continue" }, tls.server({}, "self-signed"))
both("open.verification.goes-on.good", function(client)
  return client:getpeerverification()
end, tls.client { verifyext = "lsec_continue" })
both("open.verification.goes-on.chain", function(client)
  return client:getpeerverification()
end, tls.client { verifyext = "lsec_continue" }, tls.server({}, "chain-leaf"))
both("open.verification.client", function(_, server)
  return server:getpeerverification()
end, tls.identified(), tls.asking())

local function digests(chain)
  local list = {}
  for place, certificate in ipairs(chain) do
    list[place] = certificate:subject()[2].value .. (certificate:digest() and "")
  end
  return #chain, list
end

both("open.certificate", function(client, server)
  local first = client:getpeercertificate()
  return type(first), server:getpeercertificate()
end)
both("open.certificate.places", function(client)
  return type(client:getpeercertificate(1)), type(client:getpeercertificate(2)), client:getpeercertificate(3)
end, nil, tls.server({}, "chain"))
both("open.certificate.bad-place", function(client)
  return client:getpeercertificate(0)
end)
both("open.certificate.negative-place", function(client)
  return client:getpeercertificate(-1)
end)
both("open.chain", function(client)
  return digests(client:getpeerchain())
end, nil, tls.server({}, "chain"))
both("open.chain.of-client", function(_, server)
  return digests(server:getpeerchain())
end, tls.identified(), tls.asking())

local fields = {
  "protocol", "cipher", "bits", "algbits", "key", "authentication", "encryption", "mac", "export",
  "compression", "junk",
}
for _, field in ipairs(fields) do
  both("open.info." .. field, function(client, server)
    return client.inner_sock:info(field), server.inner_sock:info(field)
  end)
end
both("open.info.elliptic", function(client)
  local info = client.inner_sock:info()
  return info.cipher, info.authentication, info.key
end, nil, tls.server({}, "server-ec"))
trace.task("new.info", function()
  return tls.wrapped().inner_sock:info()
end)

both("open.exporter", function(client, server)
  local one = client.inner_sock:exportkeyingmaterial("EXPORTER-test", 32)
  local other = server.inner_sock:exportkeyingmaterial("EXPORTER-test", 32)
  local longer = client.inner_sock:exportkeyingmaterial("EXPORTER-test", 64)
  local context = client.inner_sock:exportkeyingmaterial("EXPORTER-test", 32, "context")
  local same = server.inner_sock:exportkeyingmaterial("EXPORTER-test", 32, "context")
  local empty = client.inner_sock:exportkeyingmaterial("EXPORTER-test", 32, "")
  return #one, one == other, #longer, context == same, context == one, empty == one
end)

both("open.stats", function(client, server)
  client:send "hello\n"
  server:receive()
  local received, sent, age = client:getstats()
  local theirs, their_sent = server:getstats()
  return received, sent, age < 20, theirs, their_sent
end)
both("open.stats.set", function(client)
  local result = client:setstats(10, 20, 0)
  local received, sent = client:getstats()
  return result, received, sent
end)

both("open.settimeout.modes", function(client)
  client:settimeout(0.01, "b")
  client:settimeout(0.01, "t")
  client:settimeout(0.01, "r")
  return client:receive()
end)
both("open.handshake-again", function(client, server)
  return client:dohandshake(), server:dohandshake()
end)
both("open.close", function(client)
  return client:close()
end)
both("open.close.twice", function(client)
  client:close()
  return client:close()
end)
trace.task("class", function()
  local client, server = tls.wrapped()
  local before = client.class
  tls.handshakes(client, server)
  return before, client.class
end)

-- Misuse
local function misuse(claim, method, ...)
  local arguments, count = { ... }, select("#", ...)
  trace.task("misuse." .. claim .. ".object", function()
    local object = tls.wrapped()
    trace.method("misuse." .. claim, object, method, unpack(arguments, 1, count))
  end)
end
for _, method in ipairs { "receive", "send", "sni", "setdane", "getpeercertificate" } do
  misuse(method .. ".table", method, {})
  misuse(method .. ".true", method, true)
  misuse(method .. ".function", method, print)
end
misuse("receive.junk-pattern", "receive", "*x")
misuse("receive.negative", "receive", -1)
misuse("send.nothing", "send")
misuse("sni.nothing", "sni")
misuse("settlsa.nothing", "settlsa")
misuse("settlsa.text", "settlsa", "a", "b", "c", "d")
