-- How TLS connections end: with a goodbye, without one, half, by a reset, by this side; what comes last can
-- still be read, and after the word for the end everything is "closed" at once.
local world = require "world"
local cosock = require "cosock"
local expect = require "expect"
local network = require "network"
local secure = require "secure"

local socket = cosock.socket
local pack = expect.pack

-- Takes the descriptor from a TLS object: the connection below it, for what TLS would not do.
local function connection_of(object)
  local below, peer = network.pair()
  below:close()
  peer:close()
  below:setfd(object:getfd())
  object.inner_sock:setfd(-1)
  return below
end

-- With a byte the client gets the server's tickets: over what is unread, the system resets a connection.
local function exchanged(client, server)
  server:send "."
  expect.equal(client:receive(1), ".")
  return client, server
end

local function pair(version)
  return exchanged(secure.pair(secure.client { protocol = version }, secure.server { protocol = version }))
end

local function expect_closed(object)
  for _, pattern in ipairs { "*l", "*a", 5 } do
    expect.list(pack(object:receive(pattern)), { n = 3, nil, "closed", "" })
  end
end

local function goodbye(version)
  local client, server = pair(version)
  client:send "part"
  client:close()
  expect.list(pack(server:receive()), { n = 3, nil, "closed", "part" })
  expect_closed(server)
  server:close()
  expect_closed(server)
  server:close()
end

-- The end of the stream without a goodbye may be an attack: it is told, once.
local function no_goodbye(version)
  for _, pattern in ipairs { "*l", "*a", 9 } do
    local client, server = pair(version)
    client:send "part"
    connection_of(client):close()
    expect.list(pack(server:receive(pattern)), { n = 3, nil, "unexpected eof while reading", "part" })
    expect_closed(server)
    expect.equal(select(2, server:send "x"), "closed")
    server:close()
  end
end

local function forgiven(version)
  local client, server = exchanged(secure.pair(
    secure.client { protocol = version },
    secure.server { protocol = version, options = "ignore_unexpected_eof" }
  ))
  client:send "all"
  connection_of(client):close()
  expect.equal(server:receive "*a", "all")
  expect_closed(server)
  server:close()
end

local function inside_a_record(version)
  local client, server = pair(version)
  local below = connection_of(client)
  below:send "\23\3\3\1\0only this"
  below:close()
  expect.list(pack(server:receive()), { n = 3, nil, "unexpected eof while reading", "" })
  expect_closed(server)
  server:close()
end

-- What is no record ends the connection; the peer is told by an alert.
local function noise(version)
  local client, server = pair(version)
  local below = connection_of(client)
  below:send "this is no record at all, but text"
  local result = pack(server:receive())
  -- Newer OpenSSL looks at the type before the version.
  local word = result[2] == "bad record type" and result[2] or "wrong version number"
  expect.list(result, { n = 3, nil, word, "" })
  expect_closed(server)
  server:close()
  below:close()
end

local function damaged(version)
  local client, server = pair(version)
  local below = connection_of(client)
  below:send("\23\3\3\0\64" .. ("x"):rep(64))
  -- The words are the version's of OpenSSL and of TLS.
  local data, err, part = server:receive()
  expect.list({ n = 2, data, part }, { n = 2, nil, "" })
  assert(type(err) == "string" and err ~= "closed", err)
  expect_closed(server)
  server:close()
  below:close()
end

local function reset(version)
  local client, server = pair(version)
  local below = connection_of(client)
  assert(below:setoption("linger", { on = true, timeout = 0 }))
  below:close()
  expect.list(pack(server:receive()), { n = 3, nil, "closed", "" })
  expect_closed(server)
  server:close()
end

-- Half a close: the other half still carries data.
local function half(version)
  local client, server = pair(version)
  client:send "question"
  client:shutdown "send"
  -- What it may not send any more takes nothing from what it may receive.
  expect.list(pack(client:send "more"), { n = 3, nil, "closed", 0 })
  expect.equal(server:receive "*a", "question")
  server:send "answer\n"
  expect.equal(client:receive(), "answer")
  server:close()
  expect.list(pack(client:receive()), { n = 3, nil, "closed", "" })
  client:close()
end

local function own(version)
  local client, server = pair(version)
  client:send "one\ntwo\n"
  expect.equal(server:receive(), "one")
  server:close()
  -- What was decrypted before can be read, as with LuaSec.
  expect.equal(server:receive(), "two")
  expect_closed(server)
  expect.list(pack(server:dohandshake()), { n = 2, false, "closed" })
  expect.list(pack(server:send "x"), { n = 3, nil, "closed", 0 })
  expect.equal(server:want(), "nothing")
  expect.equal(server:dirty(), false)
  expect.equal(server:getfd(), -1)
  expect.equal(server:getalpn(), nil)
  expect.equal(server:getsniname(), nil)
  for _, method in ipairs {
    "getfinished", "getpeerfinished", "getpeercertificate", "getpeerchain", "getlocalcertificate",
    "getlocalchain", "info",
  } do
    expect.list(pack(server[method](server)), { n = 2, nil, "closed" }, method)
  end
  expect.list(pack(server:getpeerverification()), { n = 2, false, "closed" })
  expect.list(pack(server:exportkeyingmaterial("label", 8)), { n = 2, nil, "closed" })
  expect.equal(server:setdane "localhost", false)
  expect.equal(server:settlsa(3, 0, 1, ("x"):rep(32)), false)
  server:sni {}
  client:close()
  client:sni "localhost"
end

-- Sending to a peer that is gone fails, at the latest when the system has noticed.
local function to_nobody(version)
  local client, server = pair(version)
  server:close()
  local last, err, at
  local limit = socket.gettime() + 20
  repeat
    last, err, at = client:send(("x"):rep(1000))
    assert(socket.gettime() < limit, "it never fails")
    socket.sleep(0)
  until err
  expect.list({ n = 3, last, err, at }, { n = 3, nil, "closed", at })
  expect.list(pack(client:send "x"), { n = 3, nil, "closed", 0 })
  client:close()
end

for _, version in ipairs { "tlsv1_2", "tlsv1_3" } do
  for _, part in ipairs {
    goodbye, no_goodbye, forgiven, inside_a_record, noise, damaged, reset, half, own, to_nobody,
  } do
    expect.tasks(function()
      part(version)
    end)
    expect.nothing_waits()
  end
end
world.finish()
