-- A send that times out tells the index of the last byte that the system took; sending from the next
-- one on loses and repeats nothing. The limit is one of each wait.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local data = network.bytes(12 * 1024 * 1024)

-- Sends `data` from `first` to `last` in as many calls as it takes; the reader starts after the first.
local function in_steps(timeout, first, last)
  local got
  expect.tasks(function()
    local client, peer = network.pair()
    client:settimeout(timeout)
    local started = socket.gettime()
    local results = expect.pack(client:send(data, first, last))
    local reached = results[3]
    expect.list(results, { n = 3, nil, "timeout", reached })
    assert(socket.gettime() - started >= timeout, "it gave up too early")
    assert(reached > first and reached < last, "the kernel takes some of it, not all")
    if math.type then
      expect.equal(math.type(reached), "float")
    end
    cosock.spawn(function()
      got = network.drain(peer, 65536)
      peer:close()
    end, "reader")
    local calls = 0
    while reached < last do
      local sent, err, index = client:send(data, reached + 1, last)
      if sent then
        expect.equal(sent, last)
      else
        expect.equal(err, "timeout")
        assert(index >= reached and index < last, "the index moves forward")
      end
      reached = sent or index
      calls = calls + 1
    end
    client:close()
  end)
  assert(got == data:sub(first, last), "a byte was lost or repeated")
end

in_steps(0.05, 1, #data)
in_steps(0, 1, #data)
in_steps(0, 1000, #data - 1000)
in_steps(0.02, 3000000, #data)

-- Nothing fits any more: the index is the one before the range.
expect.tasks(function()
  local client, peer = network.pair()
  client:settimeout(0)
  local reached = 0
  repeat
    local sent, err, index = client:send(data, reached + 1)
    assert(not sent and err == "timeout")
    local stuck = index == reached
    reached = index
  until stuck
  expect.list(expect.pack(client:send("more")), { n = 3, nil, "timeout", 0 })
  expect.list(expect.pack(client:send("more", 3)), { n = 3, nil, "timeout", 2 })
  client:close()
  peer:close()
end)

-- Each wait has the whole limit: the send lasts longer than it, for the reader goes on reading.
local function outlasts_its_limit()
  local part = data:sub(1, 2 * 1024 * 1024)
  local client, peer = network.pair()
  client:setoption("send-buffer-size", 65536)
  peer:setoption("recv-buffer-size", 65536)
  client:settimeout(0.2)
  local got
  cosock.spawn(function()
    local parts, err = {}, nil
    repeat
      socket.sleep(0.02)
      local piece, rest
      piece, err, rest = peer:receive(131072)
      parts[#parts + 1] = piece or rest
    until err
    got = table.concat(parts)
    peer:close()
  end, "reader")
  local started = socket.gettime()
  local sent, err, reached = client:send(part)
  local passed = socket.gettime() - started
  assert(sent == #part or err == "timeout")
  client:close()
  network.wait_until(function() return got end)
  assert(got == part:sub(1, sent or reached), "a byte was lost or repeated")
  return sent and passed > 0.2
end
expect.tasks(function()
  network.in_some_try("each wait has the whole limit", outlasts_its_limit)
end)

world.finish()
