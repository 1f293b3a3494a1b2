-- Both sides of a handshake learn how it ended, in LuaSec's words, with TLS 1.2 and 1.3; what failed
-- stays closed.
local world = require "world"
local cosock = require "cosock"
local expect = require "expect"
local network = require "network"
local secure = require "secure"

local ssl = cosock.ssl
local verify_failed = "certificate verify failed"

local function client(more)
  local config = secure.client { verify = "peer" }
  for field, value in pairs(more or {}) do
    config[field] = value
  end
  return config
end

local function identified(name)
  return client { certificate = secure.file(name .. ".pem"), key = secure.file(name .. ".key") }
end

local function asking()
  return secure.server { cafile = secure.file "ca.pem", verify = { "peer", "fail_if_no_peer_cert" } }
end

local function with_version(config, version)
  local copy = {}
  for field, value in pairs(config) do
    copy[field] = value
  end
  copy.protocol = version
  return copy
end

-- What each side returns; nothing else may come of a connection that failed.
local function outcome(client_config, server_config)
  local one, other = secure.wrapped(client_config, server_config)
  local ours, theirs = secure.handshakes(one, other)
  for object, result in pairs { [one] = ours, [other] = theirs } do
    if not result[1] then
      expect.equal(result[1], false)
      expect.list(expect.pack(object:dohandshake()), { n = 2, false, "closed" })
      expect.list(expect.pack(object:receive()), { n = 3, nil, "closed", "" })
      expect.equal(select(2, object:send "x"), "closed")
      expect.list(expect.pack(object:getpeercertificate()), { n = 2, nil, "closed" })
    end
    object:close()
  end
  return ours, theirs
end

local function expect_outcome(what, ours, theirs, client_config, server_config)
  for _, version in ipairs { "tlsv1_2", "tlsv1_3" } do
    local one, other = outcome(with_version(client_config, version), with_version(server_config, version))
    local name = what .. " with " .. version
    expect.list(expect.pack((table.unpack or unpack)(one)), ours and { n = 2, false, ours } or { n = 1, true }, name)
    expect.list(expect.pack((table.unpack or unpack)(other)), theirs and { n = 2, false, theirs } or { n = 1, true }, name)
  end
end

local function refused(what, theirs, client_config, server_config)
  expect_outcome(what, verify_failed, theirs, client_config, server_config)
end

local function chains()
  expect_outcome("a good certificate", nil, nil, client(), secure.server())
  expect_outcome("a good one of an intermediate", nil, nil, client(), secure.server({}, "chain"))
  expect_outcome("both with certificates", nil, nil, identified "client", asking())
  expect_outcome("a bad one that nobody looks at", nil, nil, secure.client(), secure.server({}, "expired"))
  expect_outcome("one for another host", nil, nil, client(), secure.server({}, "wrong-name"))

  local nobody = client()
  nobody.cafile = nil
  local unknown = "tlsv1 alert unknown ca"
  refused("an unknown authority", unknown, client(), secure.server({}, "other"))
  refused("no authority", unknown, nobody, secure.server())
  refused("a self-signed one", unknown, client(), secure.server({}, "self-signed"))
  refused("a missing intermediate", unknown, client(), secure.server({}, "chain-leaf"))
  refused("a chain too long", unknown, client { depth = 0 }, secure.server({}, "chain"))
  refused("no revocation list", unknown, client { verifyext = "crl_check" }, secure.server())
  refused("an expired one", "sslv3 alert certificate expired", client(), secure.server({}, "expired"))
  refused("one of the future", "sslv3 alert bad certificate", client(), secure.server({}, "early"))
  refused("a client's", "sslv3 alert unsupported certificate", client(), secure.server({}, "client"))
end

-- What the sides have in common
local function parameters()
  local function expect_both(what, ours, theirs, client_more, server_more)
    local one, other = outcome(client(client_more), secure.server(server_more))
    expect.list(one, { false, ours }, what)
    expect.list(other, { false, theirs }, what)
  end
  local failure = "sslv3 alert handshake failure"
  expect_both("a newer server", "tlsv1 alert protocol version", "unsupported protocol",
    { protocol = "tlsv1_2" }, { protocol = "tlsv1_3" })
  expect_both("an older server", "tlsv1 alert protocol version", "unsupported protocol",
    { protocol = "tlsv1_3" }, { protocol = "tlsv1_2" })
  expect_both("no version at all", "no protocols available", "unexpected message",
    { options = { "no_tlsv1", "no_tlsv1_1", "no_tlsv1_2", "no_tlsv1_3" } })
  expect_both("no cipher", failure, "no shared cipher",
    { protocol = "tlsv1_2", ciphers = "AES128-SHA256" }, { protocol = "tlsv1_2", ciphers = "AES256-SHA256" })
  expect_both("no suite", failure, "no shared cipher",
    { protocol = "tlsv1_3", ciphersuites = "TLS_AES_128_GCM_SHA256" },
    { protocol = "tlsv1_3", ciphersuites = "TLS_AES_256_GCM_SHA384" })
  expect_both("no curve", failure, "no suitable key share",
    { protocol = "tlsv1_3", curveslist = "X25519" }, { protocol = "tlsv1_3", curveslist = "P-256" })
end

-- With TLS 1.3 the client is done before the server looks at its certificate.
local function clients()
  local function expect_first_read(what, ours, theirs, config)
    local one, other = outcome(with_version(config, "tlsv1_2"), with_version(asking(), "tlsv1_2"))
    expect.list(one, { false, ours[1] }, what)
    expect.list(other, { false, theirs }, what)

    local connected, accepted = secure.wrapped(with_version(config, "tlsv1_3"), with_version(asking(), "tlsv1_3"))
    one, other = secure.handshakes(connected, accepted)
    expect.list(one, { true }, what)
    expect.list(other, { false, theirs }, what)
    expect.list(expect.pack(connected:receive()), { n = 3, nil, ours[2], "" }, what)
    expect.list(expect.pack(connected:receive()), { n = 3, nil, "closed", "" }, what)
    connected:close()
    accepted:close()

    -- Who writes first, and finds nobody there any more, can still read why.
    connected, accepted = secure.wrapped(with_version(config, "tlsv1_3"), with_version(asking(), "tlsv1_3"))
    secure.handshakes(connected, accepted)
    accepted:close()
    local sent, err
    repeat
      sent, err = connected:send "data"
      cosock.socket.sleep(0.001)
    until not sent
    expect.equal(err, "closed", what)
    expect.list(expect.pack(connected:receive()), { n = 3, nil, ours[2], "" }, what)
    expect.list(expect.pack(connected:receive()), { n = 3, nil, "closed", "" }, what)
    expect.equal(select(2, connected:send "data"), "closed", what)
    connected:close()
  end
  expect_first_read("no certificate", { "sslv3 alert handshake failure", "tlsv13 alert certificate required" },
    "peer did not return a certificate", client())
  expect_first_read("an unknown one", { "tlsv1 alert unknown ca", "tlsv1 alert unknown ca" },
    verify_failed, identified "other")
  expect_first_read("a server's", { "sslv3 alert unsupported certificate", "sslv3 alert unsupported certificate" },
    verify_failed, identified "server")
end

-- A peer that does something else: `act` is given a TCP object.
local function expect_of(mode, act, word)
  local own, peer = network.pair()
  local object = assert(ssl.wrap(own, mode == "server" and secure.server() or client()))
  act(peer)
  expect.list(expect.pack(object:dohandshake()), { n = 2, false, word }, mode)
  object:close()
  peer:close()
end

local function other_peers()
  for _, mode in ipairs { "client", "server" } do
    expect_of(mode, function(peer)
      peer:send "220 mail.example ESMTP ready\r\n"
    end, "wrong version number")
    expect_of(mode, function(peer)
      peer:send(("\255\254\0\1"):rep(500))
    end, "wrong version number")
    expect_of(mode, function(peer)
      peer:send "\22\3\1\2\0\1"
      peer:shutdown "send"
    end, "unexpected eof while reading")
    expect_of(mode, function(peer)
      peer:shutdown "send"
    end, "unexpected eof while reading")
    -- Closed over what the other side has sent: the system resets the connection.
    expect_of(mode, function(peer)
      assert(peer:setoption("linger", { on = true, timeout = 0 }))
      peer:close()
    end, "closed")
  end
  expect_of("client", function(peer)
    peer:send "\21\3\3\0\2\2\40"
  end, "sslv3 alert handshake failure")
  expect_of("server", function(peer)
    peer:send "GET / HTTP/1.0\r\n\r\n"
  end, "http request")
  expect_of("server", function(peer)
    peer:send "CONNECT example.org:443 HTTP/1.1\r\n\r\n"
  end, "https proxy request")
end

for _, part in ipairs { chains, parameters, clients, other_peers } do
  expect.tasks(part)
  expect.nothing_waits()
end
world.finish()
