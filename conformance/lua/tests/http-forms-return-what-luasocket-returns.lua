-- Both forms of http.request return as many values as LuaSocket's, of the same kinds; the simple form posts a
-- body; genericform shows the request that it makes.
local cosock = require "cosock"
local http = require "cosock.socket.http"
local expect = require "expect"
local ltn12 = require "ltn12"
local web = require "web"
local world = require "world"

expect.equal(http.TIMEOUT, 60)
expect.equal(http.USERAGENT, cosock.socket._VERSION)
expect.equal(http.PROXY, nil)
expect.equal(http.schemes.http.port, 80)
expect.equal(http.schemes.https.port, 443)

web.test(function()
  local address, requests, stop = web.pages {
    ["/text"] = web.answer("hello", "X-One: 1\r\n"),
    ["/old"] = "body of HTTP/0.9",
    ["/"] = web.answer "root",
  }

  local results = expect.pack(http.request(address .. "/text"))
  expect.equal(results.n, 4)
  expect.equal(results[1], "hello")
  expect.equal(results[2], 200)
  expect.equal(tostring(results[2]), "200")
  expect.equal(results[3]["x-one"], "1")
  expect.equal(results[3]["content-length"], "5")
  expect.equal(results[4], "HTTP/1.1 200 OK")
  expect.equal(requests[1].line, "GET /text HTTP/1.1")

  local chunks = {}
  results = expect.pack(http.request { url = address .. "/text", sink = ltn12.sink.table(chunks) })
  expect.equal(results.n, 4)
  expect.equal(results[1], 1)
  expect.equal(tostring(results[1]), "1")
  expect.equal(results[2], 200)
  expect.equal(results[4], "HTTP/1.1 200 OK")
  expect.equal(table.concat(chunks), "hello")

  -- Without a sink the body is dropped.
  expect.equal(http.request { url = address .. "/text" }, 1)

  -- HTTP/0.9 has no head.
  expect.list(expect.pack(http.request(address .. "/old")), { n = 4, "body of HTTP/0.9", 200 })
  expect.list(expect.pack(http.request { url = address .. "/old" }), { n = 2, 1, 200 })

  requests[1] = nil
  expect.equal(http.request(address .. "/text", "a=1&b=2"), "hello")
  local post = requests[#requests]
  expect.equal(post.line, "POST /text HTTP/1.1")
  expect.equal(post.body, "a=1&b=2")
  expect.equal(post.headers["content-length"], "7")
  expect.equal(post.headers["content-type"], "application/x-www-form-urlencoded")
  expect.equal(http.request(address .. "/text", 12.5), "hello")
  expect.equal(requests[#requests].body, "12.5")
  http.request(address .. "/text", "")
  expect.equal(requests[#requests].headers["content-length"], "0")

  local form = http.genericform(address .. "/text", "body")
  expect.equal(form.url, address .. "/text")
  expect.equal(form.method, "POST")
  expect.equal(form.headers["content-length"], 4)
  expect.equal(http.request(form), 1)
  expect.equal(table.concat(form.target), "hello")
  expect.equal(http.genericform(address).method, nil)

  -- A URL without a path asks for the root; fields of the request go before those of the URL; the port and
  -- the scheme may be left out, and the scheme be of any case.
  expect.equal(http.request(address), "root")
  expect.equal(http.request(address .. "?query"), "root")
  expect.equal(requests[#requests].line, "GET /?query HTTP/1.1")
  expect.equal(http.request(address:match "//.*" .. "?query=//#fragment"), "root")
  expect.equal(requests[#requests].target, "/?query=//")
  expect.equal(http.request((address:gsub("^http", "HTTP")) .. "/text"), "hello")
  expect.equal(http.request(address:gsub("^http:", "") .. "/text"), "hello")
  local port = address:match "%d+$"
  expect.equal(http.request { url = "http://nowhere.invalid/x", host = "127.0.0.1", port = port, path = "/text" }, 1)
  expect.equal(http.request { host = "127.0.0.1", port = tonumber(port), path = "/text" }, 1)
  expect.equal(http.request { url = address .. "/text", uri = "/?uri" }, 1)
  expect.equal(requests[#requests].target, "/?uri")
  -- What is false is not there. A fragment is none of the server's business.
  http.request {
    url = address .. "/text", sink = false, source = false, step = false, create = false, maxredirects = false,
    query = 1, params = false,
  }
  expect.equal(requests[#requests].target, "/text?1")
  http.request(address .. "/text;par?q=1#fragment")
  expect.equal(requests[#requests].target, "/text;par?q=1")
  stop()
end)

-- What is no request raises, at the caller's position, before anything is sent.
for _, wrong in ipairs {
  { "bad argument #1 to 'request' (string or table expected, got nil)", nil },
  { "bad argument #1 to 'request' (string or table expected, got number)", 5 },
  { "bad argument #2 to 'request' (string expected, got table)", "http://h", {} },
  { "bad field 'url' in request (string expected, got number)", { url = 5 } },
  { "bad field 'headers' in request (table expected, got string)", { url = "http://h", headers = "x: y" } },
  { "bad field 'method' in request (string expected, got boolean)", { url = "http://h", method = true } },
  { "bad field 'proxy' in request (string expected, got table)", { url = "http://h", proxy = {} } },
  { "bad field 'port' in request (string expected, got table)", { url = "http://h", port = {} } },
  { "bad field 'query' in request (string expected, got boolean)", { url = "http://h", query = true } },
  { "bad field 'params' in request (string expected, got function)", { url = "http://h", params = print } },
  { "bad field 'maxredirects' in request (number expected, got string)", { url = "http://h", maxredirects = "1" } },
  { "bad field 'sink' in request (function expected, got table)", { url = "http://h", sink = {} } },
  { "bad field 'sink' in request (function expected, got userdata)", { url = "http://h", sink = io.stdout } },
  { "bad field 'source' in request (function expected, got string)", { url = "http://h", source = "body" } },
  { "bad field 'step' in request (function expected, got number)", { url = "http://h", step = 1 } },
  { "bad field 'create' in request (function expected, got boolean)", { url = "http://h", create = true } },
  { "bad header 'a' in request (string expected, got boolean)", { url = "http://h", headers = { a = true } } },
} do
  local raised = expect.raises(wrong[1], http.request, wrong[2], wrong[3])
  expect.equal(raised, wrong[1])
  raised = expect.raises(wrong[1], function()
    local done = http.request(wrong[2], wrong[3])
    return done
  end)
  expect.contains(raised, "http-forms-return-what-luasocket-returns.lua:")
end

world.finish()
