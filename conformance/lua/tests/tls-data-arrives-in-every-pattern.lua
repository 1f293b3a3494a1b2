-- What TLS objects receive and send: every pattern, partial results with each byte once, prefixes, ranges,
-- timeouts with LuaSec's words, and limits of a whole call; with TLS 1.2 and 1.3.
local world = require "world"
local cosock = require "cosock"
local expect = require "expect"
local network = require "network"
local secure = require "secure"

local socket = cosock.socket
local pack = expect.pack

local function pair(version)
  return secure.pair(secure.client { protocol = version }, secure.server { protocol = version })
end

local function close(...)
  for place = 1, select("#", ...) do
    select(place, ...):close()
  end
end

-- Each piece arrives by itself, before the next is sent.
local function drip(client, server, pieces)
  cosock.spawn(function()
    for _, piece in ipairs(pieces) do
      client:send(piece)
      socket.sleep(0)
    end
    if pieces.closes then
      client:close()
    end
  end, "sender")
  return server
end

local function patterns(version)
  local function receives(wanted, pieces, ...)
    local client, server = pair(version)
    expect.list(pack(drip(client, server, pieces):receive(...)), wanted)
    close(client, server)
  end
  receives({ "line" }, { "line\n" })
  receives({ "line" }, { "li", "ne", "\n" }, "*l")
  receives({ "line" }, { "li\rne\r", "\n" }, "*l")
  receives({ "l\0ne" }, { "l\0ne\n" }, "*l")
  receives({ "preline" }, { "li", "ne\n" }, "*l", "pre")
  receives({ n = 3, nil, "closed", "part" }, { "pa", "rt", closes = true })
  receives({ n = 3, nil, "closed", "prepart" }, { "part", closes = true }, "*l", "pre")
  receives({ n = 3, nil, "closed", "" }, { closes = true })
  receives({ "12345" }, { "12", "3456" }, 5)
  receives({ "12345" }, { "3456" }, 5, "12")
  receives({ "" }, {}, 0)
  receives({ n = 3, nil, "closed", "123" }, { "12", "3", closes = true }, 5)
  receives({ "onetwo" }, { "one", "two", closes = true }, "*a")
  receives({ "preone" }, { "one", closes = true }, "*a", "pre")
  receives({ "" }, { closes = true }, "*a")
  local long = network.bytes(50000)
  receives({ long }, { long:sub(1, 20000), long:sub(20001) }, 50000)
end

local function one_after_another(version)
  local client, server = pair(version)
  client:send "one\ntwo\nthree"
  expect.equal(server:receive(), "one")
  expect.equal(server:dirty(), true)
  expect.equal(server:receive(3), "two")
  expect.equal(server:receive(1), "\n")
  client:close()
  expect.list(pack(server:receive()), { n = 3, nil, "closed", "three" })
  expect.list(pack(server:receive "*a"), { n = 3, nil, "closed", "" })
  close(server)
end

-- A partial result, given back as a prefix, goes on where it broke off.
local function timeouts(version)
  local client, server = pair(version)
  for _, limit in ipairs { 0, 0.01 } do
    server:settimeout(limit)
    expect.list(pack(server:receive()), { n = 3, nil, "wantread", "" })
    expect.list(pack(server:receive(5)), { n = 3, nil, "wantread", "" })
    expect.list(pack(server:receive "*a"), { n = 3, nil, "wantread", "" })
  end
  client:send "par"
  socket.select({ server }, nil, 10)
  server:settimeout(0)
  local _, err, part = server:receive()
  expect.list({ err, part }, { "wantread", "par" })
  client:send "tial\nrest"
  server:settimeout(10)
  expect.equal(server:receive("*l", part), "partial")
  expect.equal(server:receive(4), "rest")
  close(client, server)
end

-- A limit of a whole call is not stretched by what arrives during it.
local function whole_calls(version)
  local client, server = pair(version)
  local over = false
  local sender = cosock.spawn(function()
    while not over do
      client:send "x"
      socket.sleep(0.005)
    end
  end, "sender")
  server:settimeout(0.1, "t")
  local before = socket.gettime()
  local line, err, part = server:receive()
  local took = socket.gettime() - before
  over = true
  sender:cancel()
  expect.list({ n = 2, line, err }, { n = 2, nil, "wantread" })
  assert(#part > 0 and not part:find "[^x]", part)
  assert(took >= 0.1 and took < 60, took)
  close(client, server)
end

local function sent(version)
  local client, server = pair(version)
  local function sends(last, arrives, ...)
    expect.list(pack(client:send(...)), { n = 3, last, nil, nil })
    if #arrives > 0 then
      expect.equal(server:receive(#arrives), arrives)
    end
  end
  sends(5, "hello", "hello")
  sends(5, "ello", "hello", 2)
  sends(3, "el", "hello", 2, 3)
  sends(5, "lo", "hello", -2)
  sends(5, "hello", "hello", 1, 99)
  sends(0, "", "")
  sends(2, "42", 42)
  local received, count = client:getstats()
  expect.list({ received, count }, { 0, 20 })
  close(client, server)
end

-- A send that is given up tells how much need not be sent again, and no byte is lost or comes twice.
local function unsent(version)
  local client, server = pair(version)
  local data = network.bytes(8000000)
  client:settimeout(0.01)
  local at, parts = 0, {}
  local last, err, reached
  repeat
    last, err, reached = client:send(data, at + 1)
    at = last or reached
  until err
  expect.list({ n = 2, last, err }, { n = 2, nil, "wantwrite" })
  assert(at > 0 and at < #data, at)
  local done, wait = cosock.channel.new()
  cosock.spawn(function()
    local count = 0
    while count < #data do
      local part, _, rest = server:receive(math.min(100000, #data - count))
      parts[#parts + 1] = part or rest
      count = count + #(part or rest)
    end
    done:send(true)
  end, "receiver")
  client:settimeout(nil)
  expect.equal(client:send(data, at + 1), #data)
  wait:receive()
  assert(table.concat(parts) == data, "the data is damaged")
  close(client, server)
end

-- One handshake is one wait: its limit counts from its beginning.
local function handshakes(version)
  local client, server = secure.wrapped(
    secure.client { protocol = version },
    secure.server { protocol = version }
  )
  for _, object in ipairs { client, server } do
    object:settimeout(0)
    expect.list(pack(object:dohandshake()), { n = 2, false, "timeout" })
    object:settimeout(0.02)
    local before = socket.gettime()
    expect.list(pack(object:dohandshake()), { n = 2, false, "timeout" })
    assert(socket.gettime() - before >= 0.02)
    object:settimeout(nil)
  end
  -- It goes on where it was.
  local ours, theirs = secure.handshakes(client, server)
  expect.list(ours, { true })
  expect.list(theirs, { true })
  client:send "x\n"
  expect.equal(server:receive(), "x")
  close(client, server)
end

-- A peer that answers byte by byte gets no more time.
local function slow_handshake(version)
  local own, peer = network.pair()
  own:settimeout(0.1)
  local client = assert(cosock.ssl.wrap(own, secure.client { protocol = version }))
  expect.equal(client:gettimeout(), 0.1)
  local record, over = "\22\3\3\64\0\2\0\63\252", false
  local sender = cosock.spawn(function()
    for place = 1, 10000 do
      if over then
        break
      end
      peer:send(place <= #record and record:sub(place, place) or "\0")
      socket.sleep(0.002)
    end
  end, "slow peer")
  local before = socket.gettime()
  expect.list(pack(client:dohandshake()), { n = 2, false, "timeout" })
  local took = socket.gettime() - before
  over = true
  sender:cancel()
  assert(took >= 0.1 and took < 60, took)
  close(client, peer)
end

for _, version in ipairs { "tlsv1_2", "tlsv1_3" } do
  for _, part in ipairs {
    patterns, one_after_another, timeouts, whole_calls, sent, unsent, handshakes, slow_handshake,
  } do
    expect.tasks(function()
      part(version)
    end)
    expect.nothing_waits()
  end
end
world.finish()
