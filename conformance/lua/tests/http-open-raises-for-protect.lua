-- http.open gives a connection whose steps are the program's, and raise for socket.protect; it is closed when
-- one fails.
local cosock = require "cosock"
local http = require "cosock.socket.http"
local expect = require "expect"
local ltn12 = require "ltn12"
local network = require "network"
local web = require "web"
local world = require "world"

local protect = cosock.socket.protect

web.test(function()
  local address, requests, stop = web.pages {
    ["/chunks"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ["/old"] = "hello of HTTP/0.9",
    ["/bad"] = "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
  }
  local port = tonumber(address:match "%d+$")

  local conn = http.open("127.0.0.1", port)
  expect.equal(conn:sendrequestline("PUT", "/chunks"), #"PUT /chunks HTTP/1.1\r\n")
  expect.equal(conn:sendheaders { Host = "h", ["X-Own"] = "1", ["content-length"] = 4 }, 1)
  expect.equal(conn:sendbody({ ["content-length"] = 4 }, ltn12.source.string "body"), 1)
  expect.list({ conn:receivestatusline() }, { 200, "HTTP/1.1 200 OK" })
  local headers = conn:receiveheaders()
  expect.equal(headers["transfer-encoding"], "chunked")
  local chunks = {}
  expect.equal(conn:receivebody(headers, (ltn12.sink.table(chunks))), 1)
  expect.list(chunks, { "hello" })
  expect.equal(conn:close(), 1)
  expect.list(requests[1].lines, { "Host: h", "Content-Length: 4", "x-own: 1" })
  expect.equal(requests[1].body, "body")

  conn = http.open("127.0.0.1", port, cosock.socket.tcp)
  conn:sendrequestline("GET", "/old")
  conn:sendheaders {}
  local code, start = conn:receivestatusline()
  expect.list({ n = 2, code, start }, { n = 2, nil, "hello" })
  local text = {}
  expect.equal(conn:receive09body(start, (ltn12.sink.table(text))), 1)
  expect.equal(table.concat(text), "hello of HTTP/0.9")
  conn:close()

  local function ask(path)
    return protect(function()
      conn = http.open("127.0.0.1", port)
      conn:sendrequestline("GET", path)
      conn:sendheaders {}
      conn:receivestatusline()
      return conn:receiveheaders()
    end)()
  end
  expect.equal(ask("/chunks")["transfer-encoding"], "chunked")
  expect.equal(conn.c:getfd() >= 0, true)
  conn:close()
  expect.list(expect.pack(ask "/bad"), { n = 2, nil, "malformed reponse headers" })
  expect.equal(conn.c:getfd(), -1)

  -- The user's own checks may go through the connection's `try`.
  expect.list(expect.pack(protect(function()
    conn = http.open("127.0.0.1", port)
    conn.try(nil, "not this one")
  end)()), { n = 2, nil, "not this one" })
  expect.equal(conn.c:getfd(), -1)
  stop()

  local refusing, keeper = network.refusing_port()
  expect.list(expect.pack(protect(http.open)("127.0.0.1", refusing)), { n = 2, nil, "connection refused" })
  keeper:close()
end)

world.finish()
