-- A send larger than what the kernel takes at once goes on where it stopped: the slow reader at the
-- other end gets every byte once, and the result is the index of the last byte, once.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local data = network.bytes(12 * 1024 * 1024)

-- Sends with `send(client)`; returns what it gave and what a reader got that pauses between reads.
local function through_a_slow_reader(send)
  local results, got
  expect.tasks(function()
    local client, peer = network.pair()
    cosock.spawn(function()
      results = expect.pack(send(client))
      client:close()
    end, "sender")
    local parts = {}
    while true do
      local part, err, rest = peer:receive(100001)
      parts[#parts + 1] = part or rest
      if err then
        expect.equal(err, "closed")
        break
      end
      socket.sleep(0)
    end
    got = table.concat(parts)
    peer:close()
  end)
  return results, got
end

local results, got = through_a_slow_reader(function(client)
  return client:send(data)
end)
expect.list(results, { n = 3, #data, nil, nil }, "the whole string")
expect.equal(#got, #data, "the whole string")
assert(got == data, "the bytes differ")

-- A part of the string: the index counts from its start, not from that of the part.
results, got = through_a_slow_reader(function(client)
  return client:send(data, 1234567, -7654321)
end)
expect.list(results, { n = 3, #data - 7654320, nil, nil }, "a part")
assert(got == data:sub(1234567, -7654321), "the bytes of the part differ")

-- Several sends in a row.
results, got = through_a_slow_reader(function(client)
  for first = 1, #data, 5000000 do
    local last = math.min(first + 4999999, #data)
    expect.list(expect.pack(client:send(data, first, last)), { n = 3, last, nil, nil })
  end
  return "done"
end)
expect.equal(results[1], "done")
assert(got == data, "the bytes of the parts differ")

world.finish()
