-- A connection between two TLS objects that is cut after each number of bytes, and one whose bytes arrive one
-- by one: each side ends, with a word for it, and nothing waits for ever. Damaged bytes never pass for data.
local world = require "world"
local cosock = require "cosock"
local expect = require "expect"
local network = require "network"
local secure = require "secure"

local ssl, socket = cosock.ssl, cosock.socket

-- Two TLS objects with a relay between them, which passes bytes of both directions on as `pass(bytes, to)`
-- returns them, and cuts the connection if that also returns true.
local function relayed(version, pass)
  local client, near = network.pair()
  local far, server = network.pair()
  local over = 0
  local function relay(from, to)
    local is_cut, err
    while not (is_cut or err) do
      socket.select({ from })
      local bytes, part
      from:settimeout(0)
      bytes, err, part = from:receive(4096)
      bytes = bytes or part
      err = err ~= "timeout" and err or nil
      if #bytes > 0 then
        bytes, is_cut = pass(bytes, to)
        to:send(bytes)
      end
    end
    to:shutdown(is_cut and "both" or "send")
    from:shutdown(is_cut and "both" or "receive")
    over = over + 1
    if over == 2 then
      near:close()
      far:close()
    end
  end
  cosock.spawn(function()
    relay(near, far)
  end, "relay there")
  cosock.spawn(function()
    relay(far, near)
  end, "relay back")
  return assert(ssl.wrap(client, secure.client { protocol = version, verify = "peer" })),
    assert(ssl.wrap(server, secure.server { protocol = version }))
end

-- A whole conversation, in which each wait has the limit; returns how each side ended: nil, or its error.
local function converse(client, server, limit)
  local errors = {}
  local done, wait = cosock.channel.new()
  local function side(name, object, act)
    cosock.spawn(function()
      object:settimeout(limit or 30)
      local ok, err = object:dohandshake()
      if ok then
        ok, err = act()
      end
      errors[name] = not ok and (err or "no word") or nil
      object:close()
      done:send(true)
    end, name)
  end
  side("client", client, function()
    local ok, err = client:send "question\n"
    if ok then
      ok, err = client:receive "*l"
      assert(not ok or ok == "answer", ok)
    end
    return ok, err
  end)
  side("server", server, function()
    local ok, err = server:receive "*l"
    assert(not ok or ok == "question", ok)
    if ok then
      ok, err = server:send "answer\n"
    end
    return ok, err
  end)
  wait:receive()
  wait:receive()
  return errors.client, errors.server
end

local ends = {
  ["closed"] = true,
  ["unexpected eof while reading"] = true,
}

local function expect_end(err, what)
  assert(err == nil or ends[err], tostring(err) .. " " .. what)
end

local function length_of_a_conversation(version)
  local total = 0
  local client, server = relayed(version, function(bytes)
    total = total + #bytes
    return bytes
  end)
  expect.list({ n = 2, converse(client, server) }, { n = 2, nil, nil })
  return total
end

local function cut(version)
  local total = length_of_a_conversation(version)
  assert(total > 1000, total)
  local failures = 0
  for place = 1, total - 30, 97 do
    local left = place
    local client, server = relayed(version, function(bytes)
      bytes = bytes:sub(1, left)
      left = left - #bytes
      return bytes, left == 0
    end)
    local ours, theirs = converse(client, server)
    expect_end(ours, "after " .. place)
    expect_end(theirs, "after " .. place)
    failures = failures + (ours and 1 or 0) + (theirs and 1 or 0)
  end
  assert(failures > 10, failures)
end

local function byte_by_byte(version)
  local client, server = relayed(version, function(bytes, to)
    to:setoption("tcp-nodelay", true)
    for place = 1, #bytes do
      to:send(bytes:sub(place, place))
      socket.sleep(0)
    end
    return ""
  end)
  expect.list({ n = 2, converse(client, server) }, { n = 2, nil, nil })
end

-- One byte of all is changed. In a length it makes its reader wait for more.
local function damaged(version)
  local total = length_of_a_conversation(version)
  for place = 1, total - 30, 211 do
    local seen = 0
    local client, server = relayed(version, function(bytes)
      local at = place - seen
      seen = seen + #bytes
      if at >= 1 and at <= #bytes then
        local byte = string.char((bytes:byte(at) + 128) % 256)
        bytes = bytes:sub(1, at - 1) .. byte .. bytes:sub(at + 1)
      end
      return bytes
    end)
    local ours, theirs = converse(client, server, 0.05)
    assert(ours or theirs, "a damaged byte at " .. place .. " went unseen")
  end
end

for _, version in ipairs { "tlsv1_2", "tlsv1_3" } do
  for _, part in ipairs { cut, byte_by_byte, damaged } do
    expect.tasks(function()
      part(version)
    end)
    expect.nothing_waits()
  end
end
world.finish()
