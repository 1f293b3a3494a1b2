-- claim: request fetches by URL and by table, as LuaSocket's does
-- chapter: http
-- source: LuaSocket's manual: http
-- covers: H1 H2 H3 H4 H5 H6 H7 H8 H9 H11 cosock.socket.http.request cosock.socket.http.TIMEOUT
-- covers: cosock.socket.http.USERAGENT cosock.socket.http.schemes
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

local loads, http = pcall(require, "cosock.socket.http")
trace.values("loads", loads)
if not loads then
  return
end

local function fields_of(module)
  local names = {}
  for name, value in pairs(module) do
    names[#names + 1] = name .. ":" .. type(value)
  end
  table.sort(names)
  return names
end

trace.values("fields", fields_of(http))
trace.values("defaults", http.TIMEOUT, http.USERAGENT, http.PROXY)
trace.values("schemes", fields_of(http.schemes), http.schemes.http.port, http.schemes.https.port)

-- Takes `count` connections one after the other; each gets `answer`, or what that makes of the request's
-- head and the socket. Returns the address.
local function serve(answer, count)
  local server = assert(socket.bind("127.0.0.1", 0))
  local _, port = server:getsockname()
  trace.hide(port, "port")
  cosock.spawn(function()
    for _ = 1, count or 1 do
      local sock = server:accept()
      local head = {}
      repeat
        local line = sock:receive "*l"
        head[#head + 1] = line
      until not line or line == ""
      local text = type(answer) == "function" and answer(head, sock) or answer
      if type(text) == "string" then
        sock:send(text)
      end
      sock:close()
    end
    server:close()
  end, "server")
  return "http://127.0.0.1:" .. port, port
end

local ok = "HTTP/1.1 200 OK\r\n"
local chunked = ok .. "Transfer-Encoding: chunked\r\n\r\n"

for _, case in ipairs {
  { "length", ok .. "Content-Length: 5\r\nX-A: 1\r\nX-A: 2\r\nX-Fold: one\r\n two\r\n\r\nhello, and more" },
  { "no-length", ok .. "\r\nuntil the end" },
  { "no-body", ok .. "Content-Length: 0\r\n\r\n" },
  { "cut", ok .. "Content-Length: 50\r\n\r\nhello" },
  { "chunks", chunked .. "5;ext\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: t\r\n\r\n" },
  { "chunks.cut", chunked .. "A\r\nhell" },
  { "chunks.wrong", chunked .. "zz\r\nhell\r\n" },
  { "identity", ok .. "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello" },
  { "continue", "HTTP/1.1 100 Continue\r\n\r\n" .. ok .. "Content-Length: 2\r\n\r\nok" },
  { "early-hints", "HTTP/1.1 103 Early Hints\r\n\r\n" .. ok .. "Content-Length: 2\r\n\r\nok" },
  { "204", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nxx" },
  { "304", "HTTP/1.1 304 Not Modified\r\n\r\n" },
  { "404", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno" },
  { "0.9", "a body of HTTP/0.9" },
  { "nothing", "" },
  { "bad-status", "HTTP/1.1 abc\r\n\r\n" },
  { "bad-header", ok .. "no colon\r\n\r\n" },
  { "redirect-without-location", "HTTP/1.1 302 Found\r\nContent-Length: 3\r\n\r\nred" },
  { "308", "HTTP/1.1 308 Permanent Redirect\r\nLocation: /\r\nContent-Length: 3\r\n\r\nred" },
} do
  local name, answer = case[1], case[2]
  trace.task("answer." .. name, function()
    return http.request(serve(answer) .. "/")
  end)
end

-- The request as the server sees it: its lines, without their order, which is none.
local function seen(fields)
  local lines
  local address, port = serve(function(head, sock)
    lines = head
    local body = tonumber((table.concat(head, "\n"):match "Content%-Length: (%d+)"))
    lines[#lines] = body and "body: " .. sock:receive(body) or "no body"
    return ok .. "Content-Length: 0\r\n\r\n"
  end)
  if type(fields) == "table" then
    fields.url = (fields.url or "ADDRESS/path"):gsub("ADDRESS", address):gsub("PORT", port)
    fields.proxy = fields.proxy and fields.proxy:gsub("ADDRESS", address):gsub("PORT", port)
    http.request(fields)
  else
    http.request(address .. "/path", fields)
  end
  for place, line in ipairs(lines) do
    lines[place] = line:gsub(":" .. port, ":<port>")
  end
  table.sort(lines)
  return lines
end

for _, case in ipairs {
  { "plain", {} },
  { "query", { url = "ADDRESS/path;params?query=1" } },
  { "method", { method = "DELETE" } },
  { "headers", { headers = { ["X-Own"] = "v", ["content-type"] = "t", ["User-Agent"] = "me", ["x-number"] = 5 } } },
  { "user", { url = "http://user:pa%20ss@127.0.0.1:PORT/path" } },
  { "proxy", { url = "http://server.invalid/path", proxy = "http://127.0.0.1:PORT" } },
  { "uri", { uri = "/own" } },
  { "fragment", { url = "ADDRESS/path#fragment" } },
  { "user.escaped", { url = "http://us%40er:pass@127.0.0.1:PORT/path" } },
  { "proxy.user", { url = "http://user:pass@server.invalid/path", proxy = "http://127.0.0.1:PORT" } },
} do
  trace.task("request." .. case[1], function()
    return seen(case[2])
  end)
end
trace.task("request.post", function()
  return seen "a=1&b=2"
end)

-- A source may give an empty piece, such as a filter that has nothing yet.
trace.task("request.empty-piece", function()
  local pieces, got = { "one", "", "two" }, {}
  local address = serve(function(_, sock)
    repeat
      local size = tonumber(sock:receive(), 16)
      got[#got + 1] = sock:receive(size + 2):sub(1, size)
    until size == 0
    return ok .. "Content-Length: 0\r\n\r\n"
  end)
  http.request {
    method = "POST",
    url = address,
    source = function()
      return table.remove(pieces, 1)
    end,
  }
  return got
end)

trace.task("form", function()
  local sinks = {}
  local done, code, headers, status = http.request {
    url = serve(ok .. "Content-Length: 5\r\n\r\nhello"),
    sink = function(chunk)
      sinks[#sinks + 1] = tostring(chunk)
      return 1
    end,
  }
  return done, code, headers, status, sinks
end)

local function redirect(head)
  local path = head[1]:match " (%S+) "
  if path == "/end" then
    return ok .. "Content-Length: 3\r\n\r\nend"
  end
  return "HTTP/1.1 302 Found\r\nLocation: /" .. (path == "/loop" and "loop" or "end") .. "\r\nContent-Length: 3\r\n\r\nred"
end

trace.task("redirect", function()
  return http.request(serve(redirect, 2) .. "/first")
end)
trace.task("redirect.limit", function()
  return http.request(serve(redirect, 6) .. "/loop")
end)
trace.task("redirect.limit-of-one", function()
  return http.request { url = serve(redirect, 2) .. "/loop", maxredirects = 1 }
end)
trace.task("redirect.off", function()
  return http.request { url = serve(redirect) .. "/first", redirect = false }
end)
trace.task("redirect.post", function()
  return http.request(serve(redirect) .. "/first", "")
end)

trace.task("redirect.head", function()
  local method
  http.request {
    method = "HEAD",
    url = serve(function(head)
      method = head[1]:match "^%S+"
      return redirect(head)
    end, 2) .. "/first",
  }
  return method
end)
trace.task("redirect.elsewhere", function()
  local lines
  local elsewhere = serve(function(head)
    lines = head
    return ok .. "Content-Length: 0\r\n\r\n"
  end)
  http.request {
    headers = { authorization = "secret", cookie = "secret" },
    url = serve("HTTP/1.1 302 Found\r\nLocation: " .. elsewhere .. "/\r\n\r\n"),
  }
  return (table.concat(lines, " "):find("secret", 1, true)) ~= nil
end)

trace.task("refused", function()
  local keeper = assert(socket.tcp())
  assert(keeper:bind("127.0.0.1", 0))
  local _, port = keeper:getsockname()
  return http.request("http://127.0.0.1:" .. port .. "/")
end)
trace.task("unknown-host", function()
  return http.request "http://no.such.host.invalid/"
end)
trace.task("no-host", function()
  return http.request "http:///path"
end)
trace.task("timeout", function()
  http.TIMEOUT = 0.05
  local address = serve(function(_, sock)
    sock:receive(1)
  end)
  return http.request(address)
end)
trace.task("sink-fails", function()
  return http.request {
    url = serve(ok .. "Content-Length: 5\r\n\r\nhello"),
    sink = function()
      return nil, "full"
    end,
  }
end)
trace.task("create-fails", function()
  return http.request {
    url = "http://127.0.0.1/",
    create = function()
      return nil, "no object"
    end,
  }
end)
trace.task("unknown-scheme", function()
  return http.request "foo://127.0.0.1/"
end)
trace.task("empty-url", function()
  return http.request ""
end)
