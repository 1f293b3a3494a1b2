-- pegasus.lua through asyncify: its own loop in one task; its handler with a task for each connection, over TCP and
-- TLS; and clients of every kind, rude ones included. Arguments: a certificate and its key.
local cosock = require "cosock"
local socket, ssl, http, https = cosock.socket, cosock.ssl, require "cosock.socket.http", require "cosock.ssl.https"
local ltn12 = require "ltn12"

-- What pegasus takes from another module.
package.preload.mimetypes = function()
  return { guess = function(name) return name:match "%.html$" and "text/html" or "text/plain" end }
end
local Pegasus = cosock.asyncify "pegasus"
local Handler = cosock.asyncify "pegasus.handler"
local Router = cosock.asyncify "pegasus.plugins.router"
local TLS = cosock.asyncify "pegasus.plugins.tls"

local certificate, key = ...
local is_over = false
local turns, served = 0, 0

local silent = { debug = function() end, info = function() end, error = function() end }

local function answer(request, response)
  served = served + 1
  local path = request:path()
  local headers = request:headers()
  if path == "/echo" then
    local parts = {}
    while true do
      local part = request:receiveBody(1000)
      if not part or part == "" then
        break
      end
      parts[#parts + 1] = part
    end
    response:addHeader("Content-Type", "text/plain")
    response:write(table.concat(parts))
  elseif path == "/slow" then
    for number = 1, 5 do
      response:write("part " .. number .. ";", true)
      socket.sleep(0.02)
    end
    response:close()
    -- The handler of pegasus leaves a chunked answer open.
    request.client:close()
    return true
  elseif path == "/large" then
    response:write(("0123456789"):rep(300000))
  elseif path == "/query" then
    response:addHeader("X-Agent", headers["user-agent"] or "none")
    response:write(request.querystring.a .. "," .. request.querystring.b)
  end
end

-- Pegasus:start binds by itself; so a port is asked for that was free a moment ago.
local probe = assert(socket.bind("127.0.0.1", 0))
local _, own_port = probe:getsockname()
probe:close()
local own = cosock.spawn(function()
  local server = Pegasus:new { host = "127.0.0.1", port = tostring(own_port), timeout = 0.2, log = silent }
  server:start(answer)
end, "pegasus")

-- Its handler, with a task for each connection.
local listeners = {}
local function listen(plugins)
  local listener = assert(socket.bind("127.0.0.1", 0, 1000))
  listeners[#listeners + 1] = listener
  local _, port = listener:getsockname()
  local handler = Handler:new(answer, "", plugins, silent)
  cosock.spawn(function()
    while true do
      local client = listener:accept()
      if not client then
        return
      end
      client:settimeout(1)
      cosock.spawn(function()
        handler:processRequest(port, client, listener)
        client:close()
      end, "connection", {
        -- A body that ends too early is more than pegasus bears.
        onerror = function(err)
          assert(err:find "attempt to get length of", err)
          client:close()
        end,
      })
    end
  end, "listener")
  return port
end

local router = Router:new {
  prefix = "/people/",
  routes = {
    ["/{name}"] = {
      GET = function(request, response)
        response:statusCode(200)
        response:write("This is " .. request.pathParameters.name)
        return true
      end,
    },
  },
}
local plain_port = listen { router }
local secure_port = certificate and listen {
  TLS:new { wrap = { mode = "server", protocol = "any", certificate = certificate, key = key } },
}

local function ask(module, base)
  local body, code, headers = module.request(base .. "/query?a=1&b=two")
  assert(code == 200 and body == "1,two", code)
  assert(headers["x-agent"]:find "^LuaSocket" or headers["x-agent"] ~= "none", headers["x-agent"])
  body, code = module.request(base .. "/nowhere")
  assert(code == 404 and body:find "Not Found", code)
  body, code = module.request(base .. "/slow")
  assert(code == 200 and body == "part 1;part 2;part 3;part 4;part 5;", body)
  body = module.request(base .. "/large")
  assert(body == ("0123456789"):rep(300000), body and #body)
  local sent = ("line\r\n"):rep(20000)
  local got = {}
  local fine
  fine, code = module.request {
    url = base .. "/echo", method = "POST", headers = { ["content-length"] = tostring(#sent) },
    source = ltn12.source.string(sent), sink = ltn12.sink.table(got),
  }
  assert(fine and code == 200 and table.concat(got) == sent, code)
  body, code, headers = module.request { url = base .. "/query?a=1&b=2", method = "HEAD" }
  assert(body and code == 200 and headers["content-length"] == "3", code)
end

local pending = 0
local function client(name, fn)
  pending = pending + 1
  cosock.spawn(function()
    fn()
    pending = pending - 1
  end, name)
end

-- What the server does with a connection that sends `text` and then nothing: at last it is closed.
local function rude(port, text, before_end)
  local sock = assert(socket.connect("127.0.0.1", port))
  sock:settimeout(20)
  sock:send(text)
  if before_end then
    before_end(sock)
  end
  repeat
    local _, err = sock:receive(100000)
  until err
  sock:close()
end

client("own", function() ask(http, "http://127.0.0.1:" .. own_port) end)
for _ = 1, 20 do
  client("plain", function() ask(http, "http://127.0.0.1:" .. plain_port) end)
  if secure_port then
    client("secure", function() ask(https, "https://127.0.0.1:" .. secure_port) end)
  end
end
client("routed", function()
  local body, code = http.request("http://127.0.0.1:" .. plain_port .. "/people/Ada")
  assert(code == 200 and body == "This is Ada", code)
end)
for _, port in ipairs { plain_port, secure_port } do
  for _, text in ipairs {
    "garbage\r\n\r\n", "\r\n", "\0\255\254\r\n", "GET / HTTP/1.1\r\nno header", ("x"):rep(100000),
    "POST /echo HTTP/1.1\r\ncontent-length: 100\r\n\r\nless", "POST /echo HTTP/1.1\r\ncontent-length: -5\r\n\r\n",
  } do
    client("rude", function() rude(port, text) end)
    client("half closed", function() rude(port, text, function(sock) sock:shutdown("send") end) end)
    client("gone", function()
      local sock = assert(socket.connect("127.0.0.1", port))
      sock:send(text)
      -- Unread bytes and no lingering: the peer sees a reset.
      sock:setoption("linger", { on = true, timeout = 0 })
      sock:close()
    end)
  end
end
client("slow", function()
  -- A byte at a time, each before the timeout.
  local sock = assert(socket.connect("127.0.0.1", plain_port))
  for byte in ("GET /query?a=s&b=low HTTP/1.1\r\n\r\n"):gmatch "." do
    assert(sock:send(byte))
    socket.sleep(0.01)
  end
  local body = {}
  sock:settimeout(20)
  repeat
    local line, err, rest = sock:receive()
    body[#body + 1] = line or rest
  until err
  assert(body[#body] == "s,low", body[#body])
  sock:close()
end)

cosock.spawn(function()
  local most = 0
  while pending > 0 do
    local before = socket.gettime()
    socket.sleep(0.001)
    most = math.max(most, socket.gettime() - before)
    turns = turns + 1
  end
  is_over = true
  own:cancel()
  for _, listener in ipairs(listeners) do
    listener:close()
  end
  assert(most < 2, most)
end, "beside")

cosock.run()
assert(is_over and served > 100, served)
assert(turns > 10, turns)
print "ok"
