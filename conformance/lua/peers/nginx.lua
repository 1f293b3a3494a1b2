-- http and https against nginx. Arguments: its port for HTTP, its directory, its port for HTTPS.
local cosock = require "cosock"
local http = require "cosock.socket.http"
local https = require "cosock.ssl.https"
local expect = require "expect"
local ltn12 = require "ltn12"
local network = require "network"
local secure = require "secure"
local world = require "world"

local port, directory, https_port = ...
local plain = "http://127.0.0.1:" .. port
local encrypted = "https://127.0.0.1:" .. https_port

local function read(name)
  local file = assert(io.open(directory .. "/" .. name, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function write(name, text)
  local file = assert(io.open(directory .. "/files/" .. name, "wb"))
  file:write(text)
  file:close()
end

local large = network.bytes(1000000)
write("text", "hello\n")
write("large", large)
write("empty", "")
write("eight-kilobytes", ("x"):rep(8192))

-- Asks with the fields; returns what the sink got, the code and the headers.
local function ask(request, fields)
  local chunks = {}
  fields.sink = ltn12.sink.table(chunks)
  fields.verify, fields.cafile, fields.verify_host = "peer", secure.file "ca.pem", true
  local done, code, headers = request(fields)
  expect.equal(done, 1, code)
  return table.concat(chunks), code, headers
end

local function test(request, address)
  local text, code, headers = ask(request, { url = address .. "/text" })
  expect.list({ text, code }, { "hello\n", 200 })
  expect.equal(headers["content-length"], "6")
  expect.equal(headers["connection"], "close")

  expect.equal(ask(request, { url = address .. "/large" }) == large, true)
  expect.equal(ask(request, { url = address .. "/empty" }), "")
  text, code, headers = ask(request, { url = address .. "/chunked/large" })
  expect.equal(headers["transfer-encoding"], "chunked")
  expect.equal(text == large, true)

  -- A body that takes its time holds up nobody.
  local turns, over = 0, false
  cosock.spawn(function()
    while not over do
      cosock.socket.sleep(0.01)
      turns = turns + 1
    end
  end, "beside")
  text = ask(request, { url = address .. "/slow/eight-kilobytes" })
  over = true
  expect.equal(#text, 8192)
  expect.equal(turns > 0, true)

  -- A connection that stays open does not keep the answer waiting.
  text, code, headers = ask(request, { url = address .. "/text", headers = { connection = "keep-alive" } })
  expect.list({ text, code, headers["connection"] }, { "hello\n", 200, "keep-alive" })
  expect.equal(ask(request, { url = address .. "/chunked/text", headers = { connection = "keep-alive" } }), "hello\n")

  text, code, headers = ask(request, { url = address .. "/large", method = "HEAD" })
  expect.list({ text, code, headers["content-length"] }, { "", 200, tostring(#large) })
  local conditions = { ["if-none-match"] = headers["etag"], connection = "keep-alive" }
  text, code = ask(request, { url = address .. "/large", headers = conditions })
  expect.list({ text, code }, { "", 304 })
  text, code, headers = ask(request, { url = address .. "/large", headers = { range = "bytes=5-9" } })
  expect.list({ text, code, headers["content-range"] }, { large:sub(6, 10), 206, "bytes 5-9/" .. #large })
  text, code = ask(request, { url = address .. "/not-there" })
  expect.equal(code, 404)
  expect.contains(text, "404 Not Found")
  expect.equal(select(2, ask(request, { url = address .. "/a b" })), 400)
  expect.equal(select(2, ask(request, { url = address .. "/text", method = "NONSENSE" })), 405)

  for _, redirect in ipairs { "/301", "/302", "/303", "/307" } do
    text, code, headers = ask(request, { url = address .. redirect })
    expect.list({ text, code }, { "hello\n", 200 })
    expect.contains(headers["location"], "/text")
  end
  expect.equal(select(2, ask(request, { url = address .. "/loop" })), 302)

  expect.equal(select(2, ask(request, { url = address .. "/private/text" })), 401)
  expect.equal(ask(request, { url = address:gsub("//", "//user:pass%%20word@") .. "/private/text" }), "hello\n")
  expect.equal(select(2, ask(request, { url = address:gsub("//", "//user:wrong@") .. "/private/text" })), 401)

  -- Uploads by length, in chunks, and after the server has asked for them.
  for number, headers_sent in ipairs {
    { ["content-length"] = #large },
    {},
    { ["content-length"] = #large, expect = "100-continue" },
    { expect = "100-continue" },
  } do
    local name = "uploads/" .. (request == http.request and "plain" or "encrypted") .. number
    _, code = ask(request, {
      url = address .. "/" .. name, method = "PUT", source = ltn12.source.string(large), headers = headers_sent,
    })
    expect.equal(code, 201)
    expect.equal(read(name) == large, true)
    expect.equal(select(2, ask(request, { url = address .. "/" .. name, method = "DELETE" })), 204)
  end
  -- It does not want so much, and says so instead of "100".
  local sent = false
  text, code = ask(request, {
    url = address .. "/limited/file", method = "PUT",
    headers = { ["content-length"] = #large, expect = "100-continue" },
    source = function()
      sent = true
    end,
  })
  expect.list({ code, sent }, { 413, false })
end

-- A slow server needs not be waited for longer than 20 seconds here, whatever the machine.
http.CONTINUE_TIMEOUT = 20
expect.tasks(function()
  test(http.request, plain)
  test(http.request, encrypted)
  test(https.request, encrypted)

  -- Up to https, but not down.
  expect.equal(ask(http.request, { url = plain .. "/to-https" }), "hello\n")
  local _, code, headers = ask(https.request, { url = encrypted .. "/to-http" })
  expect.list({ code, headers["location"] }, { 301, plain .. "/text" })
  expect.equal(select(2, ask(http.request, { url = encrypted .. "/to-http" })), 301)

  -- Versions of TLS, and what the server is told.
  for version, name in pairs { tlsv1_2 = "TLSv1.2", tlsv1_3 = "TLSv1.3", any = "TLSv1.3" } do
    local url = encrypted:gsub("127.0.0.1", "localhost") .. "/text"
    _, _, headers = ask(https.request, { url = url, protocol = version })
    expect.equal(headers["x-protocol"], name)
    expect.equal(headers["x-server-name"], "localhost")
  end
  -- nginx tells a client that speaks plain text to it.
  local text
  text, code = http.request("http://127.0.0.1:" .. https_port .. "/text")
  expect.equal(code, 400)
  expect.contains(text, "plain HTTP request was sent to HTTPS port")
  expect.list(expect.pack(https.request("https://127.0.0.1:" .. port .. "/text")), { n = 4, nil, "wrong version number" })
end)

-- Many at once.
local tasks = {}
for number = 1, 20 do
  tasks[number] = function()
    local address = number % 2 == 0 and plain or encrypted
    expect.equal(ask(http.request, { url = address .. "/large" }) == large, true)
  end
end
expect.tasks((table.unpack or unpack)(tasks))

world.finish()
