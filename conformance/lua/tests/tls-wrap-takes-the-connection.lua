-- wrap: what it takes and leaves behind, what it hands over of settings and of bytes that were read already,
-- and what it refuses. And what a TLS object is: its methods beside those of tcp objects, its certificates.
local world = require "world"
local cosock = require "cosock"
local expect = require "expect"
local network = require "network"
local secure = require "secure"

local ssl, socket = cosock.ssl, cosock.socket
local pack = expect.pack

local function close(...)
  for place = 1, select("#", ...) do
    select(place, ...):close()
  end
end

local function takes()
  local client, server = network.pair()
  local fd = client:getfd()
  local object = assert(ssl.wrap(client, secure.client()))
  expect.equal(object.class, "tls{}")
  expect.equal(object:getfd(), fd)
  expect.equal(client:getfd(), -1)
  expect.list(pack(client:receive()), { n = 3, nil, "closed", "" })
  expect.list(pack(client:send "x"), { n = 3, nil, "closed", 0 })
  client:close()
  collectgarbage()
  -- The TCP object's close did not touch the connection.
  local other = assert(ssl.wrap(server, secure.server()))
  expect.list(secure.handshakes(object, other), { true })
  expect.equal(object.class, "tls{}")
  local host, port = object:getpeername()
  local own_host, own_port = other:getsockname()
  expect.list({ host, tonumber(port) }, { own_host, tonumber(own_port) })
  expect.equal(object:getfamily(), "inet4")
  expect.equal(object:setoption("tcp-nodelay", true), 1)
  expect.equal(object:getoption "tcp-nodelay", true)
  close(object, other)
end

-- Timeouts of both modes go with the connection.
local function inherits()
  local client, server = network.pair()
  client:settimeout(0.02)
  client:settimeout(30, "t")
  local object = assert(ssl.wrap(client, secure.client()))
  expect.list(pack(object:gettimeout()), { n = 2, 0.02, 30 })
  expect.list(pack(object:dohandshake()), { n = 2, false, "timeout" })
  expect.equal(object:settimeout(nil), 1)
  expect.equal(object:settimeout(5, "b"), 1)
  expect.equal(object:settimeout(5, "t"), 1)
  expect.raises("settimeout", object.settimeout, object, 1, "x")
  close(object, server)
end

-- STARTTLS: what the peer sends right behind its plain answer is read with it.
local function after_plain_text()
  local client, server = network.pair()
  client:send "STARTTLS\n"
  client = assert(ssl.wrap(client, secure.client()))
  client:settimeout(0)
  client:dohandshake()
  client:settimeout(nil)
  expect.equal(server:receive(), "STARTTLS")
  socket.select({ server }, nil, 20)
  server = assert(ssl.wrap(server, secure.server()))
  local ours, theirs = secure.handshakes(client, server)
  expect.list(ours, { true })
  expect.list(theirs, { true })
  client:send "secret\n"
  expect.equal(server:receive(), "secret")
  close(client, server)
end

local function contexts()
  local context = assert(ssl.newcontext(secure.client()))
  for _ = 1, 2 do
    local client, server = network.pair()
    client, server = assert(ssl.wrap(client, context)), assert(ssl.wrap(server, secure.server()))
    expect.list(secure.handshakes(client, server), { true })
    close(client, server)
  end
  -- A refused configuration leaves the connection alone.
  local client, server = network.pair()
  local config = secure.client { cafile = secure.file "absent.pem" }
  local object, err = ssl.wrap(client, config)
  expect.equal(object, nil)
  expect.contains(err, "absent.pem")
  client:send "still plain\n"
  expect.equal(server:receive(), "still plain")
  close(client, server)
end

-- What has no connection answers as closed.
local function unconnected()
  for _, make in ipairs {
    function()
      return assert(socket.tcp())
    end,
    function()
      local client, server = network.pair()
      close(client, server)
      return client
    end,
    function()
      local client, server = network.pair()
      ssl.wrap(client, secure.client()):close()
      server:close()
      return client
    end,
  } do
    local object = assert(ssl.wrap(make(), secure.client()))
    object:settimeout(0.05)
    local ok, err = object:dohandshake()
    expect.equal(ok, false)
    assert(err == "closed" or err == "Transport endpoint is not connected", err)
    expect.equal(select(2, object:receive()), "closed")
    object:close()
  end
end

local function refuses()
  local client, server = network.pair()
  for _, config in ipairs { 5, "junk", true, print } do
    expect.raises("invalid context", ssl.wrap, client, config)
  end
  expect.raises("invalid context", ssl.wrap, client)
  expect.raises("socket expected, got nil", ssl.wrap, nil, secure.client())
  for _, sock in ipairs { 5, "junk", true, print } do
    expect.raises("socket expected, got " .. type(sock), ssl.wrap, sock, secure.client())
  end
  expect.raises("inner_sock is null", ssl.wrap, {}, secure.client())
  local udp, listener = assert(socket.udp()), assert(socket.bind("127.0.0.1", 0))
  for sock, what in pairs { [udp] = "UDP socket", [listener] = "listener" } do
    expect.raises("bad argument #1 to 'wrap' (connection expected, got a " .. what .. ")", ssl.wrap, sock, secure.client())
    sock:close()
  end
  client:send "untouched\n"
  expect.equal(server:receive(), "untouched")

  client, server = assert(ssl.wrap(client, secure.client())), assert(ssl.wrap(server, secure.server()))
  expect.list(pack(ssl.wrap(client, secure.client())), { n = 2, nil, "already a TLS connection" })
  expect.list(secure.handshakes(client, server), { true })
  close(client, server)
end

-- An inner socket, and an object of somebody else's around one.
local function others()
  local client, server = network.pair()
  local inner = client.inner_sock
  local object = assert(ssl.wrap(inner, secure.client()))
  local wrapper = setmetatable({ inner_sock = server.inner_sock }, { __index = server })
  local other = assert(ssl.wrap(wrapper, secure.server()))
  expect.list(secure.handshakes(object, other), { true })
  close(object, other)

  -- One that gives away a descriptor.
  client, server = network.pair()
  local given = {}
  local foreign = {
    timeout = 0.02,
    inner_sock = {
      getfd = function()
        return client:getfd()
      end,
      setfd = function(_, fd)
        given[#given + 1] = fd
      end,
    },
  }
  object = assert(ssl.wrap(foreign, secure.client()))
  client.inner_sock:setfd(-1)
  expect.list(given, { -1 })
  other = assert(ssl.wrap(server, secure.server()))
  object:settimeout(nil)
  expect.list(secure.handshakes(object, other), { true })
  close(object, other)

  -- What has no descriptor is named, at the place of whoever gave it.
  local function named(what, sock)
    local raised = expect.raises("bad argument #1 to 'wrap' (" .. what .. ")", function()
      local made = ssl.wrap(sock, secure.client())
      return made
    end)
    expect.contains(raised, "tls-wrap-takes-the-connection.lua:")
  end
  named("connection expected, got userdata", io.stdout)
  named("connection expected, got userdata", { inner_sock = io.stdout })
  named("connection expected, got table", { inner_sock = {} })
  named("connection expected, got number", { inner_sock = 5 })
  named("connection expected, got string", { inner_sock = "text" })
  named("connection expected, got table", { inner_sock = setmetatable({}, { __index = error }) })
  named("connection expected, got table", { inner_sock = { getfd = print } })
  for _, descriptor in ipairs { "5", true, {} } do
    named("its descriptor is a " .. type(descriptor), {
      inner_sock = { getfd = function() return descriptor end, setfd = print },
    })
  end
  local reason = {}
  client, server = network.pair()
  expect.raises(reason, ssl.wrap, {
    inner_sock = { getfd = function() return client:getfd() end, setfd = function() error(reason) end },
  }, secure.client())
  collectgarbage()
  collectgarbage()
  client:send "still open\n"
  expect.equal(server:receive(), "still open")
  close(client, server)
end

-- Methods of the one class called with objects of the other.
local function classes()
  local tcp, peer = network.pair()
  local client, server = secure.pair()
  -- They are the same where both have them.
  socket.tcp().send(client, "through tcp\n")
  expect.equal(tcp.receive(server), "through tcp")
  ssl.send(tcp, "through ssl\n")
  expect.equal(ssl.receive(peer), "through ssl")
  -- What only TLS objects have refuses others, or has nothing to say of them.
  expect.raises("SSL:Connection expected", ssl.dohandshake, tcp)
  for _, method in ipairs {
    "getalpn", "getfinished", "getlocalcertificate", "getlocalchain", "getpeercertificate", "getpeerchain",
    "getpeerfinished", "getpeerverification", "getsniname", "info",
  } do
    assert(not ssl[method](tcp), method)
  end
  expect.equal(ssl.want(tcp), "nothing")
  expect.equal(ssl.setdane(tcp, "localhost"), false)
  for _, method in ipairs { "listen", "accept", "connect", "bind" } do
    local ok, result, err = pcall(peer[method], client, "127.0.0.1", 0)
    assert(not ok or (not result and err), method)
  end
  client:send "unharmed\n"
  expect.equal(server:receive(), "unharmed")
  close(tcp, peer, client, server)
end

local function surface()
  for _, name in ipairs {
    "wrap", "newcontext", "loadcertificate", "close", "dirty", "dohandshake", "exportkeyingmaterial", "getalpn",
    "getfamily", "getfd", "getfinished", "getlocalcertificate", "getlocalchain", "getoption", "getpeercertificate",
    "getpeerchain", "getpeerfinished", "getpeername", "getpeerverification", "getsniname", "getsockname",
    "getstats", "gettimeout", "info", "receive", "send", "setdane", "setoption", "setstats", "settimeout",
    "settlsa", "shutdown", "sni", "want", "setwaker", "_wake",
  } do
    expect.equal(type(ssl[name]), "function", name)
  end
  expect.equal(type(ssl._VERSION), "string")
  expect.equal(type(ssl.config), "table")
  local client, server = secure.wrapped()
  for _, name in ipairs { "send", "receive", "dohandshake", "close", "info", "getfd", "dirty", "want", "sni" } do
    expect.equal(type(client[name]), "function", name)
    expect.equal(type(client.inner_sock[name]), "function", name)
  end
  expect.contains(tostring(client.inner_sock), "SSL connection: 0x")
  assert(not tostring(client.inner_sock):find "closed")
  close(client, server)
  expect.contains(tostring(client.inner_sock), " (closed)")
end

-- The certificates of this side: none, one, and one with a chain.
local function own_certificates()
  local client, server = secure.pair(nil, secure.server({}, "chain"))
  expect.equal(client:getlocalcertificate(), nil)
  expect.list(client:getlocalchain(), {})
  local chain, seen = server:getlocalchain(), client:getpeerchain()
  expect.equal(#chain, 2)
  expect.equal(chain[1]:digest(), seen[1]:digest())
  expect.equal(chain[2]:digest(), seen[2]:digest())
  expect.equal(server:getlocalcertificate():digest(), chain[1]:digest())
  -- A server whose client shows none has nothing to tell.
  expect.equal(server:getpeercertificate(), nil)
  expect.list(server:getpeerchain(), {})
  expect.list(pack(server:getpeerverification()), { true })
  close(client, server)

  client, server = secure.pair(
    secure.client { certificate = secure.file "client.pem", key = secure.file "client.key" },
    secure.server { cafile = secure.file "ca.pem", verify = "peer" }
  )
  expect.equal(#client:getlocalchain(), 1)
  expect.equal(client:getlocalcertificate():digest(), server:getpeercertificate():digest())
  expect.equal(#server:getlocalchain(), 1)
  close(client, server)
end

-- An inner object only tries, as LuaSec's own does without cosock.
local function inner()
  local client, server = secure.wrapped()
  expect.list(pack(client.inner_sock:dohandshake()), { n = 2, false, "wantread" })
  expect.list(pack(server.inner_sock:dohandshake()), { n = 2, false, "wantread" })
  expect.list(secure.handshakes(client, server), { true })
  expect.list(pack(server.inner_sock:receive()), { n = 3, nil, "wantread", "" })
  expect.equal(client.inner_sock:send "hello\n", 6)
  socket.select({ server }, nil, 20)
  expect.equal(server.inner_sock:receive(), "hello")
  expect.equal(client.inner_sock:info "protocol", "TLSv1.3")
  close(client, server)
end

for _, part in ipairs {
  takes, inherits, after_plain_text, contexts, unconnected, refuses, others, classes, surface,
  own_certificates, inner,
} do
  expect.tasks(part)
  expect.nothing_waits()
end
world.finish()
