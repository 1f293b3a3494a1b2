-- claim: request works over TLS, verifies as asked, and keeps to it
-- chapter: http
-- source: LuaSec's documentation: https
-- covers: H10 G34h cosock.ssl.https.PORT cosock.ssl.https.TIMEOUT cosock.ssl.https._VERSION
-- covers: cosock.ssl.https.request cosock.ssl.https.tcp
local trace = require "trace"
local tls = require "trace_tls"
local cosock = require "cosock"
local socket = cosock.socket

local loads, https = pcall(require, "cosock.ssl.https")
trace.values("loads", loads)
if not loads then
  return
end
local http = require "cosock.socket.http"

trace.values("defaults", https.PORT, https.TIMEOUT, https._VERSION, type(https.request), type(https.tcp))

-- Takes `count` connections one after the other; each gets `answer`, or what that makes of the request's
-- first line. Returns the address.
local function serve(answer, count, name)
  local server = assert(socket.bind("127.0.0.1", 0))
  local _, port = server:getsockname()
  trace.hide(port, "port")
  cosock.spawn(function()
    for _ = 1, count or 1 do
      -- Whoever follows no redirect does not come again.
      server:settimeout(2)
      local sock = server:accept()
      if not sock then
        break
      end
      local conn = assert(cosock.ssl.wrap(sock, tls.server({}, name)))
      if conn:dohandshake() then
        local first = conn:receive "*l"
        repeat
          local line = conn:receive "*l"
        until not line or line == ""
        conn:send(type(answer) == "function" and answer(first) or answer)
      end
      conn:close()
    end
    server:close()
  end, "server")
  return "https://127.0.0.1:" .. port
end

local hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

trace.task("simple", function()
  return https.request(serve(hello) .. "/")
end)
trace.task("post", function()
  return https.request(serve(function(line)
    return "HTTP/1.1 200 OK\r\n\r\n" .. line
  end) .. "/path", "")
end)
trace.task("through-http", function()
  return http.request(serve(hello) .. "/")
end)

-- What the sink gets, after the results.
local function generic(fields)
  local chunks = {}
  fields.sink = function(chunk)
    chunks[#chunks + 1] = chunk
    return 1
  end
  local done, code, headers, status = https.request(fields)
  return done, code, headers, status, chunks
end

trace.task("generic", function()
  return generic { url = serve(hello) }
end)
trace.task("verified", function()
  return generic { url = serve(hello), verify = "peer", cafile = tls.file "ca.pem" }
end)
trace.task("not-verified", function()
  return https.request { url = serve(hello, 1, "self-signed"), verify = "peer", cafile = tls.file "ca.pem" }
end)
trace.task("protocol", function()
  return generic { url = serve(hello), protocol = "tlsv1_2" }
end)
trace.task("protocol.wrong", function()
  return https.request { url = "https://127.0.0.1:1/", protocol = "nonsense" }
end)
trace.task("refused", function()
  local keeper = assert(socket.tcp())
  assert(keeper:bind("127.0.0.1", 0))
  local _, port = keeper:getsockname()
  return https.request("https://127.0.0.1:" .. port)
end)
trace.task("create", function()
  return https.request { url = "https://127.0.0.1/", create = socket.tcp }
end)
trace.task("redirect.off", function()
  return https.request {
    url = serve "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
    redirect = false,
  }
end)

local function redirect(location)
  return "HTTP/1.1 302 Found\r\nLocation: " .. location .. "\r\nContent-Length: 3\r\n\r\nred"
end

trace.task("redirect.to-https", function()
  local text, code, _, status = https.request(serve(redirect(serve(hello) .. "/")))
  return text, code, status
end)
trace.task("redirect.to-http", function()
  return https.request(serve(redirect "http://127.0.0.1:1/"))
end)
trace.task("redirect.relative", function()
  return https.request(serve(function(line)
    return line:find "/first" and redirect "second" or hello
  end, 2) .. "/first")
end)
trace.task("redirect.verified", function()
  local elsewhere = serve(hello, 1, "self-signed") .. "/"
  local done, err = generic { url = serve(redirect(elsewhere)), verify = "peer", cafile = tls.file "ca.pem" }
  return done, done and "followed" or err
end)
trace.task("table", function()
  local fields = { url = serve(hello), method = "GET" }
  https.request(fields)
  local names = {}
  for name in pairs(fields) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end)
