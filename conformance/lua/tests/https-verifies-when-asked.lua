-- https verifies what a request asks it to, and everything once VERIFY is set; http does the same for https URLs.
-- Failures return four values, as LuaSec's do, and leave nothing open.
local http = require "cosock.socket.http"
local https = require "cosock.ssl.https"
local expect = require "expect"
local ltn12 = require "ltn12"
local network = require "network"
local secure = require "secure"
local web = require "web"
local world = require "world"

expect.equal(https.PORT, 443)
expect.equal(https.TIMEOUT, 60)
expect.equal(https._VERSION, "1.2.0")
expect.equal(https.VERIFY, false)

local function listen(settings, name)
  return web.serve(function()
    return web.answer "secret"
  end, secure.server(settings, name))
end

local function fails(reason, fields)
  expect.list(expect.pack(https.request(fields)), { n = 4, nil, reason })
end

local rejected = "certificate verify failed"

web.test(function()
  local address, requests, stop = listen()
  local named = address:gsub("127.0.0.1", "localhost")

  -- As LuaSec: nothing is verified unless asked for.
  local results = expect.pack(https.request(address))
  expect.equal(results.n, 4)
  expect.list({ results[1], results[2], results[4] }, { "secret", 200, "HTTP/1.1 200 OK" })
  expect.equal(requests[1].headers.host, address:match "//(.*)")
  expect.equal(https.request(address, "posted"), "secret")
  expect.list({ requests[2].method, requests[2].body }, { "POST", "posted" })
  expect.equal(http.request(address), "secret")

  -- What follows a host without a path stays as it is, also where the port is that of the module.
  local host
  host, https.PORT = address:match "//(.*):(%d+)"
  for rest, target in pairs { [""] = "/", ["/"] = "/", ["?a=/b"] = "/?a=/b", ["#c"] = "/", ["/d?e:1"] = "/d?e:1" } do
    for _, start in ipairs { "https://", "http://", "//", "HTTPS://u:p@" } do
      expect.equal(https.request(start .. host .. rest), "secret", start .. rest)
      expect.equal(requests[#requests].target, target, start .. rest)
    end
  end
  https.PORT = 443
  expect.list(expect.pack(https.request {}), { n = 4, nil, "invalid host 'nil'" })

  local chunks = {}
  local fields = {
    url = address, verify = "peer", cafile = secure.file "ca.pem", sink = ltn12.sink.table(chunks), method = "PUT",
    source = ltn12.source.string "body",
  }
  local before = {}
  for name, value in pairs(fields) do
    before[name] = value
  end
  results = expect.pack(https.request(fields))
  expect.list({ results.n, results[1], results[2], table.concat(chunks) }, { 4, 1, 200, "secret" })
  expect.equal(requests[#requests].body, "body")
  -- The caller's table stays as it was, so that it serves again.
  for name, value in pairs(fields) do
    expect.equal(value, before[name], name)
  end
  fields.source = ltn12.source.string "body"
  expect.equal(https.request(fields), 1)

  fails(rejected, { url = address, verify = "peer", cafile = secure.file "other-ca.pem" })
  fails(rejected, { url = address, verify = "peer" })
  expect.list(expect.pack(http.request { url = address, verify = "peer" }), { n = 2, nil, rejected })

  -- The name is looked at when that is asked for, of an address too.
  local trusting = { verify = "peer", cafile = secure.file "ca.pem", verify_host = true }
  for _, url in ipairs { address, named } do
    trusting.url = url
    expect.equal(https.request(trusting), 1, url)
  end
  trusting.verify_host = "example.org"
  fails(rejected, trusting)

  -- One line makes it the rule for all; a request may still say otherwise.
  https.VERIFY = true
  -- A name is looked at in a context that such requests share, an address in one of its own.
  for _, url in ipairs { address, named } do
    fails(rejected, url)
    fails(rejected, { url = url })
  end
  expect.list(expect.pack(http.request(address)), { n = 2, nil, rejected })
  expect.list(expect.pack(http.request { url = address, create = https.tcp() }), { n = 2, nil, rejected })
  expect.equal(https.request { url = address, verify = "none" }, 1)
  expect.equal(https.request { url = named, cafile = secure.file "ca.pem" }, 1)
  stop()

  address, _, stop = listen(nil, "wrong-name")
  fails(rejected, { url = address, cafile = secure.file "ca.pem" })
  expect.equal(https.request { url = address, cafile = secure.file "ca.pem", verify_host = false }, 1)
  expect.equal(https.request { url = address, cafile = secure.file "ca.pem", verify_host = "elsewhere.example" }, nil)
  https.VERIFY = nil
  expect.equal(https.request(address), "secret")
  expect.equal(https.request { url = address, cafile = secure.file "ca.pem", verify = "peer" }, 1)
  stop()

  -- A client's certificate, and other fields of a context.
  address, _, stop = listen { verify = { "peer", "fail_if_no_peer_cert" }, cafile = secure.file "ca.pem" }
  expect.equal(https.request {
    url = address, certificate = secure.file "client.pem", key = secure.file "client.key", protocol = "tlsv1_2",
  }, 1)
  local done, err = https.request { url = address, protocol = "tlsv1_2" }
  expect.equal(done, nil)
  expect.contains(err, "handshake failure")
  fails("invalid protocol (nonsense)", { url = address, protocol = "nonsense" })
  stop()

  -- A server that speaks no TLS. The scheme of a URL does not make https.request send anything in the clear.
  local heard = {}
  local port
  port, stop = web.listen(function(sock)
    heard[#heard + 1] = sock:receive(1)
    sock:send "HTTP/1.1 400 Bad Request\r\n\r\n"
  end)
  fails("wrong version number", "https://127.0.0.1:" .. port)
  fails("wrong version number", "http://127.0.0.1:" .. port)
  -- A record of a handshake.
  expect.list(heard, { "\22", "\22" })
  stop()

  -- A server that never speaks.
  port, stop = web.listen(network.drain)
  https.TIMEOUT = 0.05
  fails("timeout", "https://127.0.0.1:" .. port)
  https.TIMEOUT = 60
  stop()

  local refusing, keeper = network.refusing_port()
  fails("connection refused", "https://127.0.0.1:" .. refusing)
  keeper:close()
  fails("invalid url", "")
  expect.list(expect.pack(https.request { url = address, create = https.tcp {} }), {
    n = 2, nil, "create function not permitted",
  })
end)

for _, wrong in ipairs {
  { "bad argument #1 to 'request' (string or table expected, got number)", 5 },
  { "bad argument #2 to 'request' (string expected, got table)", "https://h", {} },
  { "bad field 'url' in request (string expected, got table)", { url = {} } },
  { "bad field 'headers' in request (table expected, got string)", { url = "https://h", headers = "x: y" } },
} do
  local raised = expect.raises(wrong[1], function()
    local done = https.request(wrong[2], wrong[3])
    return done
  end)
  expect.contains(raised, "https-verifies-when-asked.lua:")
end

world.finish()
