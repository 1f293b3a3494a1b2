-- A redirect keeps the request's TLS fields, relative or not; none leads from https to http. The server is told
-- the name of the URL's host, and no address.
local http = require "cosock.socket.http"
local https = require "cosock.ssl.https"
local cosock = require "cosock"
local expect = require "expect"
local ltn12 = require "ltn12"
local secure = require "secure"
local web = require "web"
local world = require "world"

local function to(location)
  return web.answer("redirected", "Location: " .. location .. "\r\n", "302 Found")
end

web.test(function()
  local plain, plain_requests, stop_plain = web.serve(function()
    return web.answer "in the clear"
  end)
  local other, others, stop_other = web.serve(function()
    return web.answer "self-signed"
  end, secure.server(nil, "self-signed"))
  local pages = {
    ["/end"] = web.answer "end",
    ["/relative"] = to "end",
    ["/plain"] = to(plain .. "/"),
    ["/other"] = to(other .. "/"),
  }
  local address, requests, stop = web.pages(pages, secure.server())
  pages["/absolute"] = to(address .. "/end")
  local to_https, _, stop_to_https = web.serve(function()
    return to(address .. "/end")
  end)
  local to_other, _, stop_to_other = web.serve(function()
    return to(other .. "/")
  end)

  local function ask(request, url, fields)
    local chunks = {}
    fields = fields or { verify = "peer", cafile = secure.file "ca.pem", verify_host = true }
    fields.url, fields.sink = url, ltn12.sink.table(chunks)
    local done, code = request(fields)
    return done and table.concat(chunks) or code, code
  end

  for _, request in ipairs { https.request, http.request } do
    expect.equal(ask(request, address .. "/relative"), "end")
    expect.equal(ask(request, address .. "/absolute"), "end")
    expect.equal(ask(request, address .. "/other"), "certificate verify failed")
    local text, code = ask(request, address .. "/plain")
    expect.list({ text, code }, { "redirected", 302 })
  end
  expect.equal(#others, 0)
  expect.equal(#plain_requests, 0)
  -- Up from http, the fields are those of the request, too.
  expect.equal(ask(http.request, to_https), "end")
  expect.equal(ask(http.request, to_other), "certificate verify failed")
  expect.equal(https.request(address .. "/other"), "self-signed")
  expect.equal(http.request(to_other), "self-signed")
  https.VERIFY = true
  expect.list(expect.pack(http.request(to_other)), { n = 2, nil, "certificate verify failed" })
  https.VERIFY = false
  expect.equal(#others, 2)

  -- An object of the user's for http does not speak TLS, and one for https nothing else.
  local code = select(2, http.request { url = to_https, create = cosock.socket.tcp })
  expect.equal(code, 302)
  expect.equal(http.request { url = address .. "/relative", create = https.tcp() }, 1)
  expect.equal(requests[#requests].target, "/end")
  expect.equal(select(2, https.request { url = address .. "/relative", redirect = false }), 302)
  for _, stop_one in ipairs { stop, stop_plain, stop_other, stop_to_https, stop_to_other } do
    stop_one()
  end

  -- What the server is told.
  local names = {}
  local port
  port, stop = web.listen(function(conn)
    names[#names + 1] = tostring(conn:getsniname())
    web.read(conn)
    conn:send(web.answer "named")
  end, secure.server())
  expect.equal(https.request("https://localhost:" .. port), "named")
  expect.equal(https.request("https://127.0.0.1:" .. port), "named")
  expect.list(names, { "localhost", "nil" })
  stop()

  -- The object that a request is made on has the methods of a TLS object.
  address, requests, stop = web.serve(function()
    return web.answer "own"
  end, secure.server())
  local port_of = tonumber(address:match "%d+$")
  local conn = https.tcp { verify = "peer", cafile = secure.file "ca.pem" }()
  conn:settimeout(20)
  expect.equal(conn:connect("127.0.0.1", port_of), 1)
  expect.equal(conn:info().protocol, "TLSv1.3")
  expect.equal(conn:getpeercertificate():subject()[2].value, "localhost")
  conn:send "GET / HTTP/1.1\r\n\r\n"
  expect.equal(conn:receive "*l", "HTTP/1.1 200 OK")
  conn:close()
  stop()
end)

world.finish()
