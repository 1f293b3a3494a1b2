-- Which headers a request has, and how those of an answer are given: names in lower case, repeated ones
-- joined, folded ones in one piece. No line break gets into a request.
local http = require "cosock.socket.http"
local expect = require "expect"
local web = require "web"
local world = require "world"

web.test(function()
  local address, requests, stop = web.serve(function()
    return "HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nX-Fold: one\r\n two\r\n\tthree\r\nEmpty:\r\nSPACED : x\r\n"
      .. "Content-Length: 0\r\nNo-Space:y\r\n\r\n"
  end)
  local host = address:match "//(.*)$"

  local function sent(fields)
    fields.url = fields.url or address .. "/"
    expect.equal(http.request(fields), 1)
    return requests[#requests]
  end

  local _, _, headers = http.request(address)
  expect.equal(headers["x-a"], "1, 2")
  expect.equal(headers["x-fold"], "one two\tthree")
  expect.equal(headers["empty"], "")
  expect.equal(headers["spaced "], "x")
  expect.equal(headers["no-space"], "y")
  expect.equal(headers["location"], nil)

  expect.list(requests[1].lines, {
    "Host: " .. host,
    "Connection: close, TE",
    "TE: trailers",
    "User-Agent: " .. http.USERAGENT,
  })

  -- The user's replace them, whatever their case; names that are known get their usual spelling.
  local request = sent {
    headers = {
      ["content-TYPE"] = "text/plain", ["X-cUstom"] = "v", ["x-number"] = 5, HOST = "other", connection = "x",
      ["user-agent"] = "me", te = "",
    },
  }
  expect.list(request.lines, {
    "Host: other", "Connection: x", "Content-Type: text/plain", "TE: ", "User-Agent: me", "x-custom: v", "x-number: 5",
  })
  http.USERAGENT = "someone"
  expect.equal(sent({}).headers["user-agent"], "someone")

  -- Whoever the URL names is authorized, both parts unescaped.
  local function authorization(fields)
    return sent(fields).headers.authorization
  end
  expect.equal(authorization { url = "http://us%40er:p%3Aw@" .. host .. "/" }, "Basic dXNAZXI6cDp3")
  expect.equal(authorization { user = "a", password = "b" }, "Basic YTpi")
  expect.equal(authorization { url = "http://user@" .. host .. "/" }, nil)
  expect.equal(authorization { user = "a", password = "b", headers = { Authorization = "mine" } }, "mine")

  -- The method is sent as it is.
  expect.equal(sent({ method = "get" }).line, "get / HTTP/1.1")
  expect.equal(sent({ method = "" }).line, "GET / HTTP/1.1")

  -- A line break would let a value write headers of its own.
  local count = #requests
  for _, fields in ipairs {
    { headers = { x = "a\r\nInjected: yes" } },
    { headers = { x = "a\nInjected: yes" } },
    { headers = { ["x\r\nInjected"] = "yes" } },
    { url = address .. "/\r\nInjected: yes" },
    { method = "GET / HTTP/1.1\r\nInjected: yes\r\n\r\nGET" },
    { host = "127.0.0.1", headers = { host = "h\rInjected: yes" } },
  } do
    fields.url = fields.url or address
    local done, err = http.request(fields)
    expect.equal(done, nil)
    expect.contains(err, "line break in the ")
  end
  expect.equal(#requests, count)

  -- The port of the URL is in Host unless it is the scheme's own; an address of IPv6 is in brackets.
  http.schemes.other = { port = tonumber(host:match "%d+$"), create = http.schemes.http.create }
  expect.equal(sent({ url = "other://127.0.0.1/" }).headers.host, "127.0.0.1")
  http.schemes.other = nil
  stop()
end)

world.finish()
