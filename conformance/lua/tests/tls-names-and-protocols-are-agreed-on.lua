-- A server's certificate by the name that is asked for (SNI), and the protocol (ALPN) from lists and
-- functions, also ones that wait, raise, return what is none, or close the connection.
local world = require "world"
local cosock = require "cosock"
local expect = require "expect"
local network = require "network"
local secure = require "secure"

local ssl, socket = cosock.ssl, cosock.socket

local function close(...)
  for place = 1, select("#", ...) do
    select(place, ...):close()
  end
end

local function held(config, version)
  local copy = {}
  for key, value in pairs(config) do
    copy[key] = value
  end
  copy.protocol = version
  return copy
end

-- Names ------------------------------------------------------------------------------------------------

local function common_name(client)
  local subject = client:getpeercertificate():subject()
  return subject[#subject].value
end

-- The name in the certificate that a client is shown.
local function shown(version, asked, contexts, strict)
  local client, server = secure.wrapped(
    secure.client { protocol = version },
    secure.server { protocol = version }
  )
  if asked then
    expect.equal(select("#", client:sni(asked)), 0)
    expect.equal(client:getsniname(), asked)
  end
  expect.equal(select("#", server:sni(contexts, strict)), 0)
  local ours, theirs = secure.handshakes(client, server)
  local name = ours[1] and common_name(client)
  if ours[1] then
    expect.equal(server:getsniname(), asked)
    expect.equal(client:getsniname(), asked)
  end
  close(client, server)
  return name, ours[2], theirs[2]
end

local function names(version)
  local contexts = {
    ["other.example"] = assert(ssl.newcontext(held(secure.server({}, "wrong-name"), version))),
    ["old.example"] = assert(ssl.newcontext(held(secure.server({}, "self-signed"), version))),
  }
  expect.equal(shown(version, "other.example", contexts), "other.example")
  expect.equal(shown(version, "other.example", contexts, true), "other.example")
  expect.equal(shown(version, "unknown.example", contexts), "localhost")
  expect.equal(shown(version, nil, contexts), "localhost")
  expect.equal(shown(version, nil, contexts, true), "localhost")
  expect.list(
    { select(2, shown(version, "unknown.example", contexts, true)) },
    { "tlsv1 unrecognized name", "callback failed" }
  )
  -- What the caller does to its table afterwards changes nothing.
  local client, server = secure.wrapped()
  local own = { ["other.example"] = contexts["other.example"] }
  server:sni(own)
  own["other.example"] = nil
  collectgarbage()
  client:sni "unknown.example"
  client:sni "other.example"
  expect.list(secure.handshakes(client, server), { true })
  expect.equal(common_name(client), "other.example")
  close(client, server)
  -- An empty name takes the name back.
  client, server = secure.wrapped()
  client:sni "some.example"
  client:sni ""
  expect.equal(client:getsniname(), nil)
  close(client, server)
end

-- Protocols ----------------------------------------------------------------------------------------------

local function agreed(version, offered, served, sni)
  local client, server = secure.wrapped(
    secure.client { protocol = version, alpn = offered },
    secure.server { protocol = version, alpn = served }
  )
  if sni then
    sni(client, server)
  end
  local ours, theirs = secure.handshakes(client, server)
  expect.list({ ours[2], theirs[2] }, {})
  local one, other = client:getalpn(), server:getalpn()
  close(client, server)
  expect.equal(one, other)
  return one
end

local function protocols(version)
  local both = { "h2", "http/1.1" }
  expect.equal(agreed(version, both, { "http/1.1", "h2" }), "http/1.1")
  expect.equal(agreed(version, "h2", both), "h2")
  expect.equal(agreed(version, { "spdy" }, both), nil)
  expect.equal(agreed(version, both, nil), nil)
  expect.equal(agreed(version, nil, both), nil)

  local asked
  local function answers(answer)
    return function(...)
      asked = expect.pack(...)
      if type(answer) == "function" then
        return answer(...)
      end
      return answer
    end
  end
  expect.equal(agreed(version, both, answers "http/1.1"), "http/1.1")
  expect.equal(asked.n, 1)
  expect.list(asked[1], both)
  expect.equal(agreed(version, both, answers { "spdy", "h2" }), "h2")
  expect.equal(agreed(version, both, answers(nil)), nil)
  expect.equal(agreed(version, both, answers "spdy"), nil)
  expect.equal(agreed(version, both, answers {}), nil)
  local many = {}
  for place = 1, 20000 do
    many[place] = "x"
  end
  many[#many + 1] = "h2"
  expect.equal(agreed(version, both, answers(many)), "h2")
  asked = nil
  expect.equal(agreed(version, nil, answers "h2"), nil)
  expect.equal(asked, nil)
  -- It may wait; others go on meanwhile.
  local other = false
  expect.equal(agreed(version, both, answers(function(offered)
    cosock.spawn(function()
      other = true
    end)
    socket.sleep(0.005)
    assert(other)
    return offered[2]
  end)), "http/1.1")
  -- The function of the context that was chosen by name is asked.
  local context = assert(ssl.newcontext(held(secure.server {
    alpn = answers(function()
      return "h2"
    end),
  }, version)))
  asked = nil
  expect.equal(agreed(version, both, function()
    error "nobody asks the other"
  end, function(client, server)
    client:sni "other.example"
    server:sni { ["other.example"] = context }
  end), "h2")
  expect.list(asked[1], both)
end

-- A function that fails fails the server's handshake alone, as an error of its task.
local function bad_answers(version)
  local function failure(answer)
    local client, server = secure.wrapped(
      secure.client { protocol = version, alpn = { "h2" } },
      secure.server { protocol = version, alpn = answer }
    )
    local raised
    cosock.spawn(function()
      server:dohandshake()
    end, "server", {
      onerror = function(err)
        raised = err
      end,
    })
    local own
    cosock.spawn(function()
      own = { client:dohandshake() }
    end, "client")
    network.wait_until(function()
      return raised
    end)
    server:close()
    network.wait_until(function()
      return own
    end)
    expect.equal(own[1], false)
    client:close()
    return raised
  end
  expect.contains(failure(function()
    error "no idea"
  end), "no idea")
  local value = {}
  expect.equal(failure(function()
    error(value)
  end), value)
  expect.contains(failure(function()
    return { "h2", 5 }
  end), "invalid ALPN parameter")
  expect.contains(failure(function()
    return { "" }
  end), "invalid ALPN name (empty string)")
  expect.contains(failure(function()
    return ("x"):rep(256)
  end), "invalid ALPN name (length > 255)")
  -- It may close the connection.
  local client, server
  client, server = secure.wrapped(
    secure.client { protocol = version, alpn = { "h2" } },
    secure.server {
      protocol = version,
      alpn = function()
        server:close()
        return "h2"
      end,
    }
  )
  local ours, theirs = secure.handshakes(client, server)
  expect.list(theirs, { false, "closed" })
  expect.equal(ours[1], false)
  client:close()
end

for _, version in ipairs { "tlsv1_2", "tlsv1_3" } do
  for _, part in ipairs { names, protocols, bad_answers } do
    expect.tasks(function()
      part(version)
    end)
    expect.nothing_waits()
  end
end
world.finish()
