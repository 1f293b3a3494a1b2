-- HTTP servers for the test scripts, in the same process: what each connection gets is up to the test.
local cosock = require "cosock"
local network = require "network"

local web = {}

local assert, tonumber, type = assert, tonumber, type

-- A body in chunks as one text and as the list of them; nil when the client leaves before its end.
local function read_chunks(sock)
  local parts = {}
  while true do
    local line = sock:receive "*l"
    local size = line and assert(tonumber(line, 16), line)
    if not size or size == 0 then
      return size and sock:receive "*l" and table.concat(parts), parts
    end
    parts[#parts + 1] = sock:receive(size)
    sock:receive "*l"
  end
end

-- Reads the head of a request: its line, method and target, its headers by their names in lower case and
-- as the list of their lines. Returns nil when the client leaves before its end.
function web.read_head(sock)
  local request = { line = sock:receive "*l", lines = {}, headers = {} }
  if request.line then
    request.method, request.target = request.line:match "^(%S+) (.*) HTTP/1%.1$"
  end
  while true do
    local header = sock:receive "*l"
    if not header then
      return nil
    elseif header == "" then
      return request
    end
    request.lines[#request.lines + 1] = header
    local name, value = header:match "^([^:]+): (.*)$"
    if not name then
      -- Another protocol.
      return nil
    end
    request.headers[name:lower()] = value
  end
end

-- Reads the `body` of a request, if it has one; tells whether it came to its end.
function web.read_body(sock, request)
  local headers = request.headers
  if headers["transfer-encoding"] == "chunked" then
    request.body, request.chunks = read_chunks(sock)
  elseif headers["content-length"] then
    request.body = sock:receive(tonumber(headers["content-length"]))
  else
    return true
  end
  return request.body ~= nil
end

-- Reads a whole request; returns nil when the client leaves before its end.
function web.read(sock)
  local request = web.read_head(sock)
  return request and web.read_body(sock, request) and request or nil
end

-- Starts a server whose connections are handled by `handle(sock)`, each in a task of its own, and closed
-- after it. Returns its port, and a function that stops it. `tls` is a configuration for TLS.
function web.listen(handle, tls)
  local server, port = network.listener()
  cosock.spawn(function()
    while true do
      local sock = server:accept()
      if not sock then
        return
      end
      cosock.spawn(function()
        local conn = sock
        if tls then
          conn = assert(cosock.ssl.wrap(sock, tls))
        end
        if not tls or conn:dohandshake() then
          handle(conn)
        end
        conn:close()
      end, "connection")
    end
  end, "server")
  return port, function()
    server:close()
  end
end

-- A server that answers every request with `reply(request)`: text, or a function that gets the socket.
-- Returns its address, the list of the requests that came, and a function that stops it.
function web.serve(reply, tls)
  local requests = {}
  local port, stop = web.listen(function(sock)
    local request = web.read(sock)
    if request then
      requests[#requests + 1] = request
      local answer = reply(request)
      if type(answer) == "function" then
        answer(sock)
      else
        assert(sock:send(answer))
      end
    end
  end, tls)
  return (tls and "https" or "http") .. "://127.0.0.1:" .. port, requests, stop
end

-- An answer of this text; `more` is further headers, each with its end of line.
function web.answer(text, more, status)
  return ("HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s"):format(status or "200 OK", #text, more or "", text)
end

-- A server that answers by the path of the request. Returns what `serve` does.
function web.pages(pages, tls)
  return web.serve(function(request)
    local page = pages[request.target:match "^[^?]*"]
    return type(page) == "table" and page[1](request) or page or web.answer("", nil, "404 Not Found")
  end, tls)
end

-- Runs `test` as a task until all is over.
function web.test(test)
  cosock.spawn(test, "test")
  cosock.run()
end

return web
