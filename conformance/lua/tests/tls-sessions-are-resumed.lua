-- A client with `sessions = true` resumes its last session with a server; contexts without it do not.
-- What did not pass verification is not resumed.
local world = require "world"
local expect = require "expect"
local secure = require "secure"
local cosock = require "cosock"
local ssl = cosock.ssl

-- A listener whose connections have one address, unlike those of `network.pair`.
local listener = assert(cosock.socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()

-- Connects, passes a byte from the server, and tells whether the handshake was a short one.
local function is_resumed(client_context, server_context, name)
  local tx, rx = cosock.channel.new()
  cosock.spawn(function()
    local server = assert(ssl.wrap(assert(listener:accept()), server_context))
    assert(server:dohandshake())
    assert(server:send "x")
    expect.list(expect.pack(server:receive(1)), expect.pack(nil, "closed", ""))
    tx:send(server:info "resumed")
    server:close()
  end, "server")
  local tcp = assert(cosock.socket.tcp())
  assert(tcp:connect("127.0.0.1", port))
  local client = assert(ssl.wrap(tcp, client_context))
  if name then
    client:sni(name)
  end
  assert(client:dohandshake())
  expect.equal(client:receive(1), "x")
  local resumed = client:info "resumed"
  client:close()
  expect.equal(rx:receive(), resumed, "both know")
  return resumed
end

local function contexts(client_fields, server_fields)
  client_fields.verify = client_fields.verify or "peer"
  return assert(ssl.newcontext(secure.client(client_fields))),
    assert(ssl.newcontext(secure.server(server_fields)))
end

-- A server that went on in spite of errors, and then does not any more, does not let in by its session whom it
-- would refuse.
cosock.spawn(function()
  local server = assert(ssl.newcontext(secure.server {
    verify = { "peer", "fail_if_no_peer_cert" },
    verifyext = "lsec_continue",
    cafile = secure.file "ca.pem",
  }))
  local client = assert(ssl.newcontext(secure.client {
    sessions = true,
    certificate = secure.file "self-signed.pem",
    key = secure.file "self-signed.key",
  }))
  expect.equal(is_resumed(client, server), false)
  expect.equal(is_resumed(client, server), false, "what was let pass is looked at again")
  assert(server:setverifyext())
  local tx, rx = cosock.channel.new()
  cosock.spawn(function()
    local object = assert(ssl.wrap(assert(listener:accept()), server))
    local accepted, err = object:dohandshake()
    object:close()
    tx:send(not accepted and err)
  end, "server")
  local tcp = assert(cosock.socket.tcp())
  assert(tcp:connect("127.0.0.1", port))
  local object = assert(ssl.wrap(tcp, client))
  object:dohandshake()
  object:receive(1)
  object:close()
  expect.equal(rx:receive(), "certificate verify failed")
end, "tightened")
cosock.run()

cosock.spawn(function()
  for _, protocol in ipairs { "tlsv1_2", "tlsv1_3" } do
    local client, server = contexts({ sessions = true }, { protocol = protocol })
    expect.equal(is_resumed(client, server), false, protocol)
    expect.equal(is_resumed(client, server), true, protocol)
    expect.equal(is_resumed(client, server), true, protocol)
    -- Another name is another server, whose certificate is looked at.
    expect.equal(is_resumed(client, server, "localhost"), false, protocol)
    expect.equal(is_resumed(client, server, "localhost"), true, protocol)
    -- A server that does not know the session makes a new one.
    local _, another = contexts({}, { protocol = protocol })
    expect.equal(is_resumed(client, another), false, protocol)
    expect.equal(is_resumed(client, another), true, protocol)

    -- A server that verifies its clients.
    client, server = contexts({
      sessions = true,
      key = secure.file "client.key",
      certificate = secure.file "client.pem",
    }, {
      protocol = protocol,
      cafile = secure.file "ca.pem",
      verify = { "peer", "fail_if_no_peer_cert" },
    })
    expect.equal(is_resumed(client, server), false, protocol)
    expect.equal(is_resumed(client, server), true, protocol)

    client, server = contexts({}, { protocol = protocol })
    expect.equal(is_resumed(client, server), false, protocol)
    expect.equal(is_resumed(client, server), false, protocol)

    client, server = contexts({ sessions = true }, { protocol = protocol, options = "no_ticket" })
    expect.equal(is_resumed(client, server), false, protocol)
    expect.equal(is_resumed(client, server), false, protocol)

    client, server = contexts({
      sessions = true,
      verifyext = "lsec_continue",
      cafile = secure.file "other-ca.pem",
    }, { protocol = protocol })
    expect.equal(is_resumed(client, server), false, protocol)
    expect.equal(is_resumed(client, server), false, protocol)

    -- What was verified in another way than is asked for now is not resumed.
    client, server = contexts({ sessions = true }, { protocol = protocol })
    expect.equal(is_resumed(client, server), false, protocol)
    expect.equal(is_resumed(client, server), true, protocol)
    local tcp = assert(cosock.socket.connect("127.0.0.1", port))
    local before = assert(ssl.wrap(tcp, client))
    local accepted = assert(ssl.wrap(assert(listener:accept()), server))
    assert(client:setverifyext "crl_check")
    local tx, rx = cosock.channel.new()
    cosock.spawn(function()
      local refused = assert(ssl.wrap(assert(listener:accept()), server))
      tx:send(refused:dohandshake() or false)
      refused:close()
    end, "refused")
    local checked = assert(ssl.wrap(assert(cosock.socket.connect("127.0.0.1", port)), client))
    expect.list({ checked:dohandshake() }, { false, "certificate verify failed" }, protocol)
    checked:close()
    rx:receive()
    -- One whose handshake came after, but was wrapped before, passes as it was to, and does not help others.
    assert(secure.handshakes(before, accepted)[1])
    accepted:send "x"
    expect.equal(before:receive(1), "x")
    before:close()
    accepted:close()
    cosock.spawn(function()
      local refused = assert(ssl.wrap(assert(listener:accept()), server))
      tx:send(refused:dohandshake() or false)
      refused:close()
    end, "refused")
    checked = assert(ssl.wrap(assert(cosock.socket.connect("127.0.0.1", port)), client))
    expect.list({ checked:dohandshake() }, { false, "certificate verify failed" }, protocol)
    checked:close()
    rx:receive()
  end
end)
cosock.run()
listener:close()

world.finish()
