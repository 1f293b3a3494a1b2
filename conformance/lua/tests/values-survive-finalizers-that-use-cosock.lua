-- Finalizers that run while a result is made, and use cosock themselves, take nothing from it: messages
-- stay what they were, and an accepted connection is the one that came.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

-- Has `act` called when the collector finds the value, on every version.
local function on_collection(act)
  if newproxy then
    local proxy = newproxy(true)
    getmetatable(proxy).__gc = act
    return proxy
  end
  return setmetatable({}, { __gc = act })
end

local tx, rx = channel.new()
local sent, wrong, received = 0, 0, 0

local function litter()
  on_collection(function()
    tx:send(true)
    sent = sent + 1
  end)
end

-- Bursts long enough that their tables are given back, again and again.
for _ = 1, 100 do
  for _ = 1, 300 do
    tx:send(true)
    sent = sent + 1
    litter()
  end
  while #rx.link.queue > 0 do
    if rx:receive() ~= true then
      wrong = wrong + 1
    end
    received = received + 1
  end
end
expect.equal(wrong, 0)
assert(received >= 30000, received)

-- Connections, while finalizers make sockets of their own.
local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()
local rounds = 150
local peers = {}

cosock.spawn(function()
  for _ = 1, rounds do
    on_collection(function()
      local spare = socket.tcp6()
      if spare then
        spare:close()
      end
      socket.dns.getaddrinfo "127.0.0.1"
    end)
    local client = assert(socket.connect("127.0.0.1", port))
    local accepted = assert(listener:accept())
    expect.equal(accepted.class, "tcp{client}")
    local _, local_port = client:getsockname()
    local _, peer_port = accepted:getpeername()
    expect.equal(tonumber(local_port), peer_port)
    peers[#peers + 1] = true
    client:close()
    accepted:close()
  end
end)
cosock.run()
expect.equal(#peers, rounds)
listener:close()
collectgarbage()
collectgarbage()
world.finish()
