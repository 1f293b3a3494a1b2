-- Headers and interim answers come to an end: a server or proxy that goes on with them is left, with a reason.
-- What is within the limits arrives whole.
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
  { ("HTTP/1.1 103 Early Hints\r\n\r\n"):rep(100) .. web.answer "body", "body", 200 },
  { ("HTTP/1.1 103 Early Hints\r\n\r\n"):rep(101) .. web.answer "body", nil, "too many interim answers" },
}

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

  if require("cosock").ssl then
    local port, stop = web.listen(function(sock)
      web.read_head(sock)
      sock:send("HTTP/1.1 200 Connected\r\n" .. ("X: y\r\n"):rep(1001) .. "\r\n")
    end)
    expect.list(expect.pack(http.request { url = "https://localhost/", proxy = "http://127.0.0.1:" .. port }), {
      n = 2, nil, "headers too large",
    })
    stop()
  end
end)

world.finish()
