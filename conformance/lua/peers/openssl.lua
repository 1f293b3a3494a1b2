-- A client of openssl's servers. Each argument is what a server is like, and its port.
local world = require "world"
local cosock = require "cosock"
local expect = require "expect"
local secure = require "secure"

local ports = {}
for _, argument in ipairs { ... } do
  local name, port = argument:match "^(.*)=(%d+)$"
  ports[name] = tonumber(port)
end

local function connect(name, more)
  local sock = assert(cosock.socket.connect("127.0.0.1", ports[name]))
  local object = assert(cosock.ssl.wrap(sock, secure.client(more)))
  object:sni "localhost"
  object:settimeout(60)
  return object, object:dohandshake()
end

local function with(settings, more)
  local all = { verify = "peer", verify_host = true }
  for _, list in ipairs { settings or {}, more or {} } do
    for key, value in pairs(list) do
      all[key] = value
    end
  end
  return all
end

-- A server that sends each line backwards.
local function reverses(name, version, settings)
  local object, ok, err = connect(name, with(settings))
  assert(ok, err)
  expect.equal(object:info "protocol", version)
  for _, line in ipairs { "hello", "", ("0123456789"):rep(1000) } do
    assert(object:send(line .. "\n"))
    expect.equal(object:receive(), line:reverse())
  end
  object:close()
end

local function fails(name, word, settings)
  local object, ok, err = connect(name, with(settings))
  expect.list({ ok, err }, { false, word }, name)
  object:close()
end

expect.tasks(function()
  for version, word in pairs { tlsv1_2 = "TLSv1.2", tlsv1_3 = "TLSv1.3" } do
    reverses("any", word, { protocol = version })
    reverses("no ticket", word, { protocol = version })
    reverses("asks", word, {
      protocol = version,
      certificate = secure.file "client.pem",
      key = secure.file "client.key",
    })
  end
  reverses("1.2", "TLSv1.2")
  reverses("1.3", "TLSv1.3")
  fails("1.2", "tlsv1 alert protocol version", { protocol = "tlsv1_3" })
  fails("1.3", "tlsv1 alert protocol version", { protocol = "tlsv1_2" })

  -- Sessions that openssl's server gives out are resumed.
  for _, version in ipairs { "tlsv1_2", "tlsv1_3" } do
    local context = assert(cosock.ssl.newcontext(secure.client(with { protocol = version, sessions = true })))
    local resumed = {}
    for round = 1, 2 do
      local sock = assert(cosock.socket.connect("127.0.0.1", ports.any))
      local object = assert(cosock.ssl.wrap(sock, context))
      object:sni "localhost"
      assert(object:dohandshake())
      assert(object:send "x\n")
      expect.equal(object:receive(), "x")
      resumed[round] = object:info "resumed"
      object:close()
    end
    expect.list(resumed, { false, true }, version)
  end

  -- Protocols: the server's choice among what is offered.
  local object, ok, err = connect("alpn", with { alpn = { "first", "second" } })
  assert(ok, err)
  expect.equal(object:getalpn(), "second")
  object:close()

  -- A status page, by HTTP; it ends with the connection.
  object, ok, err = connect("www", with())
  assert(ok, err)
  assert(object:send "GET / HTTP/1.0\r\n\r\n")
  local page = assert(object:receive "*a")
  expect.contains(page, "HTTP/1.0 200 ok")
  expect.contains(page, "TLSv1.3")
  object:close()

  local refused = "certificate verify failed"
  fails("expired", refused)
  fails("self-signed", refused)
  fails("other", refused)
  fails("wrong-name", refused)
  object, ok, err = connect("wrong-name", with { verify_host = false })
  assert(ok, err)
  object:close()

  -- It wants a certificate, and gets none.
  fails("asks", "sslv3 alert handshake failure", { protocol = "tlsv1_2" })
  object, ok, err = connect("asks", with { protocol = "tlsv1_3" })
  assert(ok, err)
  expect.list(expect.pack(object:receive()), { n = 3, nil, "tlsv13 alert certificate required", "" })
  expect.list(expect.pack(object:receive()), { n = 3, nil, "closed", "" })
  object:close()
end)
world.finish()
