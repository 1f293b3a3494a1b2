-- However a timeout or another way of waiting came into an object, the next wait heeds it: by assignment,
-- past a metatable, in a table made around the same socket, or in what the objects of a kind share.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local function times_out(receive, object)
  local started = socket.gettime()
  local value, err = receive(object)
  expect.equal(value, nil)
  expect.equal(err, "timeout")
  assert(socket.gettime() - started >= 0.02)
end

-- Timeouts.
expect.tasks(function()
  local udp, tx, rx = network.datagram(), cosock.channel.new()
  local receive, take = udp.receive, rx.receive
  times_out(receive, setmetatable({ inner_sock = udp.inner_sock, timeout = 0.03 }, getmetatable(udp)))
  times_out(take, setmetatable({ link = rx.link, timeout = 0.03 }, getmetatable(rx)))
  for _, shared in ipairs { { socket.udp, receive, udp }, { cosock.channel.receiver, take, rx } } do
    local class, call, object = shared[1], shared[2], shared[3]
    class.timeout = 0.03
    times_out(call, object)
    class.timeout = nil
  end
  rawset(udp, "timeout", 0.03)
  times_out(receive, udp)
  rawset(rx, "timeout", 0.03)
  times_out(take, rx)
  udp.timeout, rx.timeout = 0.04, 0.04
  times_out(receive, udp)
  times_out(take, rx)
  udp:close()
  tx:close()
end)

-- Ways of waiting.
local function waits_by(object, restore)
  local kinds = {}
  local function setwaker(_, kind, waker)
    kinds[#kinds + 1] = kind .. (waker and " set" or " taken back")
  end
  restore(setwaker)
  times_out(socket.udp.receive, object)
  restore(nil)
  expect.list(kinds, { "recvr set", "recvr taken back" })
end

expect.tasks(function()
  local udp = network.datagram()
  udp:settimeout(0.03)
  waits_by(udp, function(setwaker)
    udp.setwaker = setwaker
  end)
  waits_by(udp, function(setwaker)
    rawset(udp, "setwaker", setwaker)
  end)
  local own = { inner_sock = udp.inner_sock, timeout = 0.03 }
  setmetatable(own, getmetatable(udp))
  waits_by(own, function(setwaker)
    rawset(own, "setwaker", setwaker)
  end)
  local methods, original = socket.udp, socket.udp.setwaker
  for _, set in ipairs { rawset, function(to, name, value)
    to[name] = value
  end } do
    waits_by(udp, function(setwaker)
      set(methods, "setwaker", setwaker or original)
    end)
  end
  local metatable = getmetatable(udp)
  waits_by(udp, function(setwaker)
    metatable.__index = setwaker and setmetatable({ setwaker = setwaker }, { __index = methods })
      or methods
  end)
  udp:close()
end)

-- What the objects of a kind share is a table like any other.
expect.equal(type(rawget(socket.tcp, "setwaker")), "function")
expect.equal(getmetatable(cosock.channel.receiver), nil)

world.finish()
