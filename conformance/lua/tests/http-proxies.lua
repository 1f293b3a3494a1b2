-- A proxy gets the whole URL of a request for http, and CONNECT for https, whose server alone sees the request. What
-- the request says to the proxy, only a proxy is told.
local cosock = require "cosock"
local http = require "cosock.socket.http"
local https = require "cosock.ssl.https"
local expect = require "expect"
local ltn12 = require "ltn12"
local network = require "network"
local secure = require "secure"
local web = require "web"
local world = require "world"

-- Copies what comes from one socket to another until its end.
local function relay(from, to)
  from:settimeout(0)
  while true do
    local chunk, err, partial = from:receive(8192)
    chunk = chunk or partial
    if #chunk > 0 then
      to:send(chunk)
    end
    if err == "timeout" then
      cosock.socket.select { from }
    elseif err then
      return
    end
  end
end

-- A proxy for CONNECT, and the list of the requests it got. `answer` is its answer instead; `interim` comes before.
local function connecting(answer, interim)
  local requests = {}
  local port, stop = web.listen(function(sock)
    local request = web.read_head(sock)
    requests[#requests + 1] = request
    if answer then
      sock:send(answer)
      return
    end
    local host, target_port = request.line:match "^CONNECT (%S+):(%d+) HTTP/1.1$"
    local target = assert(cosock.socket.connect(host, target_port))
    sock:send((interim or "") .. "HTTP/1.1 200 Connection established\r\nX-Proxy: y\r\n\r\n")
    local back = cosock.spawn(function()
      relay(target, sock)
      sock:close()
    end, "relay back")
    relay(sock, target)
    back:cancel()
    target:close()
  end)
  return "http://127.0.0.1:" .. port, requests, stop
end

web.test(function()
  -- http: the proxy is asked for the whole URL, without the user's name and what is not sent.
  local proxy, requests, stop = web.serve(function()
    return web.answer "from the proxy"
  end)
  expect.equal(http.request { url = "http://u:p@server.invalid:81/path;par?q#f", proxy = proxy }, 1)
  expect.list(requests[1].lines, {
    "Host: server.invalid:81", "Authorization: Basic dTpw", "Connection: close, TE", "TE: trailers",
    "User-Agent: " .. http.USERAGENT,
  })
  expect.equal(requests[1].line, "GET http://server.invalid:81/path;par?q HTTP/1.1")
  http.request { url = "http://server.invalid/", proxy = proxy:gsub("//", "//me:pass%%20word@") }
  expect.equal(requests[2].line, "GET http://server.invalid:80/ HTTP/1.1")
  expect.equal(requests[2].headers["proxy-authorization"], "Basic bWU6cGFzcyB3b3Jk")
  expect.equal(requests[2].headers.authorization, nil)
  http.request { url = "http://[::1]:81/", proxy = proxy }
  expect.list({ requests[3].line, requests[3].headers.host }, { "GET http://[::1]:81/ HTTP/1.1", "[::1]:81" })
  http.PROXY = proxy
  expect.equal(http.request "http://server.invalid/", "from the proxy")
  http.PROXY = nil
  stop()

  -- A redirect goes through the proxy, too.
  proxy, requests, stop = web.serve(function(request)
    if request.target:find "/first$" then
      return web.answer("", "Location: second\r\n", "302 Found")
    end
    return web.answer "second"
  end)
  expect.equal(http.request { url = "http://server.invalid/first", proxy = proxy }, 1)
  expect.equal(requests[2].target, "http://server.invalid:80/second")
  stop()

  -- What is told the proxy is told it again after a redirect to another host.
  proxy, requests, stop = web.serve(function(request)
    if request.target:find "/first$" then
      return web.answer("", "Location: http://other.invalid/\r\n", "302 Found")
    end
    return web.answer "second"
  end)
  local headers = { ["Proxy-Authorization"] = "p", Authorization = "a" }
  expect.equal(http.request { url = "http://server.invalid/first", proxy = proxy, headers = headers }, 1)
  expect.equal(requests[1].headers["proxy-authorization"], "p")
  expect.equal(requests[1].headers.authorization, "a")
  expect.equal(requests[2].target, "http://other.invalid:80/")
  expect.equal(requests[2].headers["proxy-authorization"], "p")
  expect.equal(requests[2].headers.authorization, nil)
  stop()

  -- https: the proxy leads to the server, with which the handshake is.
  local address, seen, stop_server = web.pages({
    ["/"] = web.answer "secret",
    ["/relative"] = web.answer("", "Location: /\r\n", "302 Found"),
    ["/other"] = { function(request)
      local port = request.headers.host:match "%d+$"
      return web.answer("", "Location: https://localhost:" .. port .. "/\r\n", "302 Found")
    end },
  }, secure.server())
  local target = address:match "//(.*)"
  local tunnel, tunnelled, stop_tunnel = connecting()
  local with_password = tunnel:gsub("//", "//me:pw@")
  local function ask(request, fields)
    local chunks = {}
    fields.url, fields.proxy = fields.url or address .. "/", fields.proxy or with_password
    fields.sink, fields.verify, fields.verify_host = ltn12.sink.table(chunks), "peer", true
    fields.cafile = fields.cafile or secure.file "ca.pem"
    local done, err = request(fields)
    return done and table.concat(chunks) or err
  end
  for _, request in ipairs { https.request, http.request } do
    expect.equal(ask(request, {}), "secret")
    expect.equal(ask(request, { url = address .. "/relative" }), "secret")
    expect.equal(ask(request, { cafile = secure.file "other-ca.pem" }), "certificate verify failed")
  end
  expect.equal(tunnelled[1].line, "CONNECT " .. target .. " HTTP/1.1")
  expect.list(tunnelled[1].lines, { "Host: " .. target, "Proxy-Authorization: Basic bWU6cHc=" })
  expect.equal(seen[1].line, "GET / HTTP/1.1")
  expect.equal(seen[1].headers["proxy-authorization"], nil)
  expect.equal(#tunnelled, 8)
  -- The request's own goes before the URL's, and to the proxy alone.
  for number, request in ipairs { https.request, http.request } do
    expect.equal(ask(request, { headers = { ["PROXY-Authorization"] = "own", Authorization = "a" } }), "secret")
    expect.list(tunnelled[8 + number].lines, { "Host: " .. target, "Proxy-Authorization: own" })
    expect.equal(seen[#seen].headers["proxy-authorization"], nil)
    expect.equal(seen[#seen].headers.authorization, "a")
  end
  http.PROXY = tunnel
  expect.equal(https.request(address), "secret")
  expect.equal(http.request(address), "secret")
  http.PROXY = nil
  local tcp = https.tcp { proxy = with_password }
  expect.equal(http.request { url = address .. "/relative", create = tcp }, 1)
  expect.equal(#tunnelled, 14)
  expect.list(tunnelled[14].lines, { "Host: " .. target, "Proxy-Authorization: Basic bWU6cHc=" })
  -- So does an object that is made for a request.
  local own = { ["proxy-AUTHORIZATION"] = "own" }
  expect.equal(http.request { url = address .. "/relative", create = tcp, headers = own }, 1)
  expect.equal(#tunnelled, 16)
  for number = 0, 1 do
    expect.list(tunnelled[16 - number].lines, { "Host: " .. target, "Proxy-Authorization: own" })
    expect.equal(seen[#seen - number].headers["proxy-authorization"], nil)
  end
  -- To another server it goes by the same proxy.
  expect.equal(http.request { url = address .. "/other", create = tcp, headers = own }, 1)
  expect.list(tunnelled[18].lines, { "Host: localhost:" .. target:match "%d+$", "Proxy-Authorization: own" })
  expect.equal(seen[#seen].headers["proxy-authorization"], nil)
  -- The next request says again what the proxy's URL says, and the program's table is as it was.
  expect.equal(own["proxy-AUTHORIZATION"], "own")
  expect.equal(http.request { url = address, create = tcp }, 1)
  expect.list(tunnelled[19].lines, { "Host: " .. target, "Proxy-Authorization: Basic bWU6cHc=" })
  -- Without a proxy it is a header like others.
  expect.equal(http.request { url = address, create = https.tcp(), headers = own }, 1)
  expect.equal(seen[#seen].headers["proxy-authorization"], "own")
  stop_tunnel()

  -- Interim answers are none.
  tunnel, _, stop_tunnel = connecting(nil, "HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n")
  expect.equal(ask(https.request, { proxy = tunnel }), "secret")
  stop_tunnel()
  stop_server()

  tunnel, tunnelled, stop_tunnel = connecting "HTTP/1.1 502 Bad Gateway\r\n\r\n"
  https.request { url = "https://[::1]/", proxy = tunnel }
  expect.equal(tunnelled[1].line, "CONNECT [::1]:443 HTTP/1.1")
  stop_tunnel()

  -- A host, port or header does not write headers for the proxy.
  tunnel, tunnelled, stop_tunnel = connecting()
  for given, host in pairs {
    [{ url = "https://h\r\nX/" }] = "h", [{ url = "https://h/", host = "h X" }] = "h",
    [{ url = "https://h/", port = "443\r\nX" }] = "h:443",
  } do
    given.proxy = tunnel
    expect.equal(select(2, https.request(given)), "invalid host '" .. host .. "'")
  end
  expect.equal(select(2, https.request {
    url = "https://h/", proxy = tunnel, headers = { ["proxy-authorization"] = "x\r\nY: z" },
  }), 'line break in the header "proxy-authorization"')
  expect.equal(#tunnelled, 0)
  stop_tunnel()

  -- A proxy that refuses, breaks off, says nothing, or is not there.
  local function fails(reason, answer)
    tunnel, _, stop_tunnel = connecting(answer)
    expect.list(expect.pack(https.request { url = address, proxy = tunnel }), { n = 4, nil, reason })
    stop_tunnel()
  end
  fails("proxy refused: HTTP/1.1 407 Proxy Authentication Required",
    "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
  fails("proxy refused: what", "what\r\n\r\n")
  fails("proxy refused: HTTP/1.1 101 x", "HTTP/1.1 101 x\r\n\r\n")
  fails("proxy refused: HTTP/1.1 403 x", "HTTP/1.1 100 x\r\n\r\nHTTP/1.1 403 x\r\n\r\n")
  fails("closed", "HTTP/1.1 100 x\r\n\r\n")
  fails("closed", "HTTP/1.1 200 OK\r\n")
  fails("closed", "")
  local port
  port, stop = web.listen(network.drain)
  https.TIMEOUT = 0.05
  expect.list(expect.pack(https.request { url = address, proxy = "http://127.0.0.1:" .. port }), { n = 4, nil, "timeout" })
  https.TIMEOUT = 60
  stop()
  local refusing, keeper = network.refusing_port()
  expect.list(expect.pack(https.request { url = address, proxy = "http://127.0.0.1:" .. refusing }), {
    n = 4, nil, "connection refused",
  })
  keeper:close()
  expect.list(expect.pack(https.request { url = address, proxy = "https://127.0.0.1" }), {
    n = 4, nil, "unsupported proxy scheme 'https'",
  })
end)

world.finish()
