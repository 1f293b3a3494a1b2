-- What is run without memory, by name. Nothing that a program begins has to be ended by it if it fails, but for sockets
-- that `own` has noted.
local channel = cosock.channel
local ltn12 = require "ltn12"

local programs = {}

-- Sockets that are to be closed at the end; there is room for them, so that to note one makes nothing.
local owned = {}
for place = 1, 20 do
  owned[place] = false
end
local count = 0

local function own(sock)
  count = count + 1
  owned[count] = sock
  return sock
end

local function close_owned()
  for place = 1, #owned do
    if owned[place] then
      owned[place]:close()
    end
    owned[place] = false
  end
  count = 0
end

-- Its first argument, unless that is nil or false: then it raises why.
local function check(value, ...)
  if not value then
    error((...), 0)
  end
  return value, ...
end

-- Runs each of the functions in a task; raises unless all of them come to their ends.
local function run_all(...)
  local done = 0
  for number = 1, select("#", ...) do
    local body = select(number, ...)
    cosock.spawn(function()
      body()
      done = done + 1
    end)
  end
  cosock.run()
  assert(done == select("#", ...), "a task was lost")
end

local function listen()
  local listener = own(check(socket.bind("127.0.0.1", 0)))
  local _, port = listener:getsockname()
  listener:settimeout(5)
  return listener, port
end

-- Two connected sockets, made in a task.
local function pair()
  local client, server
  run_all(function()
    local listener, port = listen()
    client = own(check(socket.connect("127.0.0.1", port)))
    server = own(check(listener:accept()))
    listener:close()
  end)
  client:settimeout(5)
  server:settimeout(5)
  return client, server
end

function programs.sockets_outside_of_tasks()
  local client, server = pair()
  local listener, port = listen()
  for _, is_inner in ipairs { true, false } do
    local connecting = own(check(socket.tcp()))
    connecting.inner_sock:connect("127.0.0.1", port)
    local accepted
    while not accepted do
      -- An object that has to wait cannot, outside of a task.
      accepted = is_inner and listener.inner_sock:accept() or select(2, pcall(listener.accept, listener))
      if type(accepted) == "string" then
        if accepted:find "memory" then
          error(accepted, 0)
        end
        accepted = nil
      end
    end
    own(accepted)
    assert(accepted:getpeername() == "127.0.0.1")
    assert(accepted.class == "tcp{client}")
  end
  check(client.inner_sock:send "line\nabcrest")
  client:close()
  local line
  while not line do
    line = server.inner_sock:receive()
  end
  assert(line == "line" and check(server.inner_sock:receive(3)) == "abc")
end

function programs.streams()
  local client, server = pair()
  run_all(function()
    check(client:send "line\nabc")
    assert(check(client:receive "*l") == "answer")
    check(client:send(("long"):rep(10000)))
    client:close()
  end, function()
    assert(check(server:receive()) == "line")
    assert(check(server:receive(5, "pre")) == "preab")
    check(server:send "answer\n")
    assert(#check(server:receive "*a") == 40001)
  end)
end

function programs.names()
  run_all(function()
    assert(check(socket.dns.toip "localhost"))
    assert(check(socket.dns.tohostname "127.0.0.1"))
    assert(check(socket.dns.getaddrinfo "localhost")[1].addr)
    assert(check(socket.dns.getnameinfo("127.0.0.1", 80)))
    assert(check(socket.dns.gethostname()))
  end)
  assert(check(socket.dns.toip "localhost"))
end

function programs.connects_by_name()
  local listener, port = listen()
  run_all(function()
    local client = own(check(socket.tcp()))
    client:settimeout(5)
    check(client:connect("localhost", port))
    check(client:send "line\n")
  end, function()
    local accepted = own(check(listener:accept()))
    assert(check(accepted:receive()) == "line")
  end)
end

function programs.selects()
  local client, server = pair()
  local object = {}
  function object:setwaker(kind, waker)
    self[kind] = waker
  end
  local descriptor = {
    getfd = function()
      return server:getfd()
    end,
  }
  local tx, rx = channel.new()
  run_all(function()
    local function select(...)
      local readable, writable, err = socket.select(...)
      if err then
        error(err, 0)
      end
      return readable or writable
    end
    assert(#select({ server, object, rx, descriptor }, { object }, 0.05) > 0)
    assert(select({ descriptor }, nil, 0.05)[1] == descriptor)
    assert(#select({}, { client, server }, 0.05) > 0)
    local _, _, err = socket.select({ client }, nil, 0.001)
    assert(err == "timeout", err)
  end, function()
    socket.sleep(0)
    check(client:send "x")
    tx:send "message"
    if object.recvr then
      object.recvr()
    end
  end)
end

function programs.channels()
  local tx, rx = channel.new()
  local there, back = channel.new()
  rx:settimeout(0.05)
  back:settimeout(0.05)
  run_all(function()
    for number = 1, 20 do
      tx:send { number }
      tx:send(number)
    end
    tx:send(nil)
    tx:close()
    if back:receive() ~= "back" then
      error("memory", 0) -- of the other task
    end
  end, function()
    socket.sleep(0)
    for number = 1, 20 do
      assert(check(rx:receive())[1] == number)
      assert(check(rx:receive()) == number)
    end
    assert(rx:receive() == nil)
    assert(select(2, rx:receive()) == "closed")
    check(there:send "back")
    local own_tx, own_rx = channel.new()
    own_rx:settimeout(0.001)
    assert(select(2, own_rx:receive()) == "timeout")
    own_rx:close()
    assert(select(2, own_tx:send(1)) == "closed")
  end)
end

function programs.sources_and_sinks()
  local client, server = pair()
  local parts = {}
  run_all(function()
    local sink = socket.sink("close-when-done", client)
    check(ltn12.pump.all(ltn12.source.string(("text"):rep(1000)), sink))
  end, function()
    local sink = ltn12.sink.table(parts)
    check(ltn12.pump.all(socket.source("until-closed", server), sink))
  end)
  assert(table.concat(parts) == ("text"):rep(1000))
end

local ssl = certificates and require "cosock.ssl"

local function file(name)
  return certificates .. "/" .. name
end

local function server_config(more)
  local config = { mode = "server", protocol = "any", certificate = file "server.pem", key = file "server.key" }
  for key, value in pairs(more or {}) do
    config[key] = value
  end
  return config
end

local function client_config(more)
  local config = { mode = "client", protocol = "any", cafile = file "ca.pem", verify = "peer" }
  for key, value in pairs(more or {}) do
    config[key] = value
  end
  return config
end

-- Answers so many requests, each on a connection of its own.
local function serve(listener, requests, is_secure)
  for _ = 1, requests do
    local client = own(check(listener:accept()))
    client:settimeout(5)
    if is_secure then
      client = own(check(ssl.wrap(client, server_config())))
      check(client:dohandshake())
    end
    local length = 0
    repeat
      local line = check(client:receive())
      length = tonumber(line:lower():match "^content%-length: (%d+)") or length
    until line == ""
    if length > 0 then
      check(client:receive(length))
    end
    check(client:send "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    client:close()
  end
end

function programs.http()
  local http = require "cosock.socket.http"
  local listener, port = listen()
  local url = "http://127.0.0.1:" .. port .. "/path?query"
  run_all(function()
    serve(listener, 2)
  end, function()
    local body, code = check(http.request(url))
    assert(body == "hello" and code == 200)
    local parts = {}
    check(http.request {
      url = url,
      method = "POST",
      headers = { ["content-length"] = 4 },
      source = ltn12.source.string "text",
      sink = (ltn12.sink.table(parts)),
    })
    assert(table.concat(parts) == "hello")
  end)
end

function programs.https()
  local https = require "cosock.ssl.https"
  local listener, port = listen()
  run_all(function()
    serve(listener, 1, true)
  end, function()
    local body, code = check(https.request("https://127.0.0.1:" .. port .. "/"))
    assert(body == "hello" and code == 200)
  end)
end

-- Modules that are in no file, and under each number others.
table.insert(package.searchers or package.loaders, 2, function(name)
  local kind, number = name:match "^(%a+)_(%d+)$"
  local source = ({
    fetching = "local socket = require 'socket' local using = require 'using_%d' "
      .. "return { get = function(port) return using.use(socket.connect('127.0.0.1', port)):receive() end }",
    using = "local http = require 'socket.http' "
      .. "return { use = function(sock) sock:settimeout(5) return sock end }",
  })[kind]
  if source then
    return check((loadstring or load)(source:format(number), "=" .. kind))
  end
end)

local copies = 0

function programs.asyncified()
  local listener, port = listen()
  copies = copies + 1
  run_all(function()
    assert(check(cosock.asyncify("fetching_" .. copies).get(port)) == "line")
  end, function()
    local client = own(check(listener:accept()))
    check(client:send "line\n")
    client:close()
  end)
end

function programs.contexts()
  local context = check(ssl.newcontext(server_config {
    cafile = file "ca.pem",
    verify = { "peer", "client_once" },
    verifyext = { "lsec_continue", "crl_check" },
    options = { "all", "no_sslv2" },
    ciphers = "ALL",
    curveslist = "P-256:P-384",
    alpn = { "h2", "http/1.1" },
    depth = 3,
  }))
  check(context:setverifyext "lsec_continue")
  assert(tostring(context):find "^SSL context")
  local none, err = ssl.newcontext(server_config { certificate = file "nowhere.pem" })
  assert(none == nil)
  check(err)
end

function programs.wraps_outside_of_tasks()
  local client, server = pair()
  own(check(ssl.wrap(client, client_config())))
  own(check(ssl.wrap(server, server_config())))
end

-- Runs two functions, each in a task and with its end of a TLS connection.
local function run_secure(client_config, client_body, server_config, server_body, prepare_client, prepare_server)
  local client, server = pair()
  local function at(sock, config, prepare, body)
    return function()
      local object = own(check(ssl.wrap(sock, config)))
      if prepare then
        prepare(object)
      end
      check(object:dohandshake())
      body(object)
      object:close()
    end
  end
  run_all(at(client, client_config, prepare_client, client_body), at(server, server_config, prepare_server, server_body))
end

local function send_one(object)
  check(object:send "x")
end

local function receive_one(object)
  assert(check(object:receive(1)) == "x")
end

function programs.tls_streams()
  run_secure(client_config(), function(client)
    check(client:send "line\n12345")
    assert(check(client:receive()) == "answer")
    assert(check(client:receive "*a") == ("x"):rep(40000))
  end, server_config(), function(server)
    assert(check(server:receive "*l") == "line")
    assert(check(server:receive(8, "pre")) == "pre12345")
    check(server:send "answer\n")
    check(server:send(("x"):rep(40000)))
  end)
end

function programs.tls_certificates()
  run_secure(client_config(), function(client)
    local certificate = check(client:getpeercertificate())
    assert(#certificate:digest() == 40 and #certificate:digest "sha256" == 64)
    assert(certificate:subject()[1].value and certificate:issuer()[1].value)
    assert(certificate:notbefore() and certificate:notafter() and certificate:serial())
    assert(next(certificate:extensions()) and certificate:pubkey())
    assert(check(ssl.loadcertificate(certificate:pem())):subject()[1])
    assert(#client:getpeerchain() >= 1)
    assert(client:getpeerverification())
    assert(client:info().cipher and client:info "protocol")
    assert(client:getfinished() and client:getpeerfinished())
    assert(#client:exportkeyingmaterial("label", 20) == 20)
    assert(tostring(client.inner_sock) and client:getpeername() and client:getstats() and client:want())
    send_one(client)
  end, server_config(), receive_one)
end

function programs.tls_names_and_protocols()
  run_secure(
    client_config { alpn = { "h2", "http/1.1" } },
    function(client)
      assert(client:getalpn() == "http/1.1" and client:getsniname() == "localhost")
      send_one(client)
    end,
    server_config {
      alpn = function(offered)
        assert(offered[1] == "h2")
        socket.sleep(0)
        return "http/1.1"
      end,
    },
    receive_one,
    function(client)
      client:sni "localhost"
    end,
    function(server)
      local other = server_config { certificate = file "wrong-name.pem", key = file "wrong-name.key" }
      server:sni({ ["other.example"] = check(ssl.newcontext(other)) }, false)
    end
  )
end

function programs.tls_sessions()
  local client_context = check(ssl.newcontext(client_config { sessions = true }))
  local server_context = check(ssl.newcontext(server_config()))
  local listener, port = listen()
  run_all(function()
    for _ = 1, 2 do
      local server = own(check(ssl.wrap(own(check(listener:accept())), server_context)))
      server:settimeout(5)
      check(server:dohandshake())
      send_one(server)
      server:close()
    end
  end, function()
    for number = 1, 2 do
      local client = own(check(socket.tcp()))
      client:settimeout(5)
      check(client:connect("127.0.0.1", port))
      client = own(check(ssl.wrap(client, client_context)))
      check(client:dohandshake())
      receive_one(client)
      assert(client:info "resumed" == (number == 2))
      client:close()
    end
  end)
end
