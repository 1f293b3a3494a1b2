-- Lines, headers and interim answers come to an end: a server or proxy that goes on with them is left, with a
-- reason. What is within the limits arrives whole, and none of it takes long to read.
local cosock = require "cosock"
local http = require "cosock.socket.http"
local expect = require "expect"
local web = require "web"
local world = require "world"

local ok = "HTTP/1.1 200 OK\r\n"
local kib = ("x"):rep(1024)

-- What each sends, and what the request returns.
local exchanges = {
  { ok .. ("X: y\r\n"):rep(999) .. "\r\nbody", "body", 200 },
  { ok .. ("X: y\r\n"):rep(1000) .. "\r\nbody", nil, "headers too large" },
  { ok .. "X: y\r\n" .. (" z\r\n"):rep(1000) .. "\r\nbody", nil, "headers too large" },
  { ok .. "X: " .. kib:rep(63) .. "\r\n\r\nbody", "body", 200 },
  { ok .. "X: " .. kib:rep(64) .. "\r\n\r\nbody", nil, "headers too large" },
  { ok .. ("X: " .. kib:rep(60) .. "\r\n"):rep(18) .. "\r\nbody", nil, "headers too large" },
  { "HTTP/1.1 200 " .. kib:rep(64) .. "\r\n\r\nbody", nil, "status line too long" },
  { ok .. "Transfer-Encoding: chunked\r\n\r\n0\r\n" .. ("X: y\r\n"):rep(1000) .. "\r\n", nil, "headers too large" },
  { ok .. "Transfer-Encoding: chunked\r\n\r\n4;" .. kib:rep(3) .. "\r\nbody\r\n0\r\n\r\n", "body", 200 },
  { ok .. "Transfer-Encoding: chunked\r\n\r\n4;" .. kib:rep(4) .. "\r\nbody\r\n0\r\n\r\n", nil, "invalid chunk size" },
  { ok .. "Transfer-Encoding: chunked\r\n\r\n" .. ("0"):rep(4000) .. "4\r\nbody\r\n0\r\n\r\n", "body", 200 },
  { ("HTTP/1.1 103 Early Hints\r\n\r\n"):rep(100) .. web.answer "body", "body", 200 },
  { ("HTTP/1.1 103 Early Hints\r\n\r\n"):rep(101) .. web.answer "body", nil, "too many interim answers" },
}

-- What a server begins with before it goes on for ever, and what becomes of the request.
local endless = {
  { "HTTP/1.1 200 ", "status line too long" },
  { ok .. "X: ", "headers too large" },
  { ok .. "Transfer-Encoding: chunked\r\n\r\n4", "invalid chunk size" },
  { ok .. "Transfer-Encoding: chunked\r\n\r\n4\r\nbody", "invalid chunk" },
  { ok .. "Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", "headers too large" },
  { ok, "headers too large", "X: y\r\n" },
  { "", "too many interim answers", "HTTP/1.1 100 Continue\r\n\r\n" },
}

-- Answers with a beginning and then the same again until the other side leaves.
local function go_on(sock, beginning, again)
  local sent = sock:send(beginning)
  while sent do
    sent = sock:send(again)
  end
end

-- What a user may write to have a connection of his own.
local function users_object()
  local object = { sock = assert(cosock.socket.tcp()) }
  for _, name in ipairs { "settimeout", "connect", "send", "receive", "close" } do
    object[name] = function(self, ...)
      return self.sock[name](self.sock, ...)
    end
  end
  return object
end

local function check_endless(tls, more)
  for number, exchange in ipairs(endless) do
    local address, _, stop = web.serve(function()
      return function(sock)
        go_on(sock, exchange[1], (exchange[3] or "x"):rep(4096))
      end
    end, tls)
    local given = { url = address }
    for field, value in pairs(more or {}) do
      given[field] = value
    end
    expect.list(expect.pack(http.request(given)), { n = 2, nil, exchange[2] }, "endless " .. number)
    stop()
  end
end

-- Each of these took longer than a program may stand still, when it grew with the square of the length.
local function check_slow()
  local spaces = (" "):rep(60000)
  local pages = {
    ["/segment"] = ok .. "Location: /" .. ("a"):rep(60000) .. "\r\n",
    ["/dots"] = ok .. "Location: " .. ("../"):rep(20000) .. "end\r\n",
    ["/spaces"] = ok .. "Location: a" .. spaces .. "b\r\n",
    ["/length"] = ok .. "Content-Length: 1" .. spaces .. "2\r\n\r\n",
    ["/sizes"] = ok .. "Transfer-Encoding: chunked\r\n\r\n" .. (spaces:sub(1, 4000) .. "1;\r\na\r\n"):rep(300) .. "0\r\n",
    ["/size"] = ok .. "Transfer-Encoding: chunked\r\n\r\n4" .. spaces .. "x\r\n",
  }
  for path, page in pairs(pages) do
    local address, _, stop = web.serve(function(request)
      return request.target == path and (page:gsub("200 OK", "302 Found")) .. "\r\n" or web.answer "there"
    end)
    local before = os.clock()
    http.request(address .. path)
    local seconds = os.clock() - before
    if seconds > 2 then
      error(path .. " took " .. seconds .. " seconds of the processor")
    end
    stop()
  end
end

web.test(function()
  for number, exchange in ipairs(exchanges) do
    local address, _, stop = web.serve(function()
      return function(sock)
        -- Who has enough leaves.
        sock:send(exchange[1])
      end
    end)
    local text, code = http.request(address)
    expect.list({ n = 2, text, code }, { n = 2, exchange[2], exchange[3] }, "exchange " .. number)
    stop()
  end

  check_endless()
  check_endless(nil, { create = users_object })

  if cosock.ssl then
    check_endless(require("secure").server())
    local port, stop = web.listen(function(sock)
      web.read_head(sock)
      sock:send("HTTP/1.1 200 Connected\r\n" .. ("X: y\r\n"):rep(1001) .. "\r\n")
    end)
    expect.list(expect.pack(http.request { url = "https://localhost/", proxy = "http://127.0.0.1:" .. port }), {
      n = 2, nil, "headers too large",
    })
    stop()
    for count, reason in pairs { [100] = "proxy refused: HTTP/1.1 403 No", [101] = "too many interim answers" } do
      port, stop = web.listen(function(sock)
        web.read_head(sock)
        sock:send(("HTTP/1.1 103 Early Hints\r\n\r\n"):rep(count) .. "HTTP/1.1 403 No\r\n\r\n")
      end)
      expect.list(expect.pack(http.request { url = "https://localhost/", proxy = "http://127.0.0.1:" .. port }), {
        n = 2, nil, reason,
      })
      stop()
    end
    port, stop = web.listen(function(sock)
      web.read_head(sock)
      go_on(sock, "HTTP/1.1 200 Connected", ("x"):rep(4096))
    end)
    expect.list(expect.pack(http.request { url = "https://localhost/", proxy = "http://127.0.0.1:" .. port }), {
      n = 2, nil, "headers too large",
    })
    stop()
  end

  -- Last: with a collection at every allocation the time says nothing.
  expect.usual_collector()
  check_slow()
end)

world.finish()
