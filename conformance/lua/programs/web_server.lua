-- A web server for tests/web.rs. Prints its ports, for HTTP and HTTPS; ends after the request for /stop.
local cosock = require "cosock"
local network = require "network"
local secure = require "secure"
local web = require "web"
local world = require "world"

local large = network.bytes(1000000)
local stops = {}

local function chunked(text, size)
  local parts = { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-After\r\n\r\n" }
  for from = 1, #text, size do
    local chunk = text:sub(from, from + size - 1)
    parts[#parts + 1] = ("%x\r\n%s\r\n"):format(#chunk, chunk)
  end
  parts[#parts + 1] = "0\r\nX-After: the end\r\n\r\n"
  return table.concat(parts)
end

local pages = {
  ["/text"] = web.answer "hello\n",
  ["/large"] = web.answer(large),
  ["/chunked"] = chunked(large, 7000),
  ["/redirect"] = web.answer("", "Location: /text\r\n", "302 Found"),
}

-- One request after the other on the same connection.
local function serve(sock)
  local count = 0
  while true do
    local request = web.read_head(sock)
    if not request then
      return
    end
    count = count + 1
    if request.headers["expect"] == "100-continue" then
      sock:send "HTTP/1.1 100 Continue\r\n\r\n"
    end
    web.read_body(sock, request)
    local answer = pages[request.target]
    if request.method == "HEAD" then
      answer = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"
    elseif request.target == "/count" then
      answer = web.answer(count .. "\n")
    elseif request.target == "/length" then
      answer = web.answer((request.body == large and "the same, " or "other, ") .. #request.body .. "\n")
    elseif request.target == "/stop" then
      answer = web.answer "stopping\n"
    end
    sock:send(answer or web.answer("", nil, "404 Not Found"))
    if request.target == "/stop" then
      for _, stop in ipairs(stops) do
        stop()
      end
    end
  end
end

local http_port, https_port
http_port, stops[1] = web.listen(serve)
https_port, stops[2] = web.listen(serve, secure.server())
print("ports", http_port, https_port)
io.stdout:flush()
cosock.run()
world.finish()
