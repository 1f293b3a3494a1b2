-- Tasks that are always ready starve neither sockets nor timers nor look-ups: sleep(0) loops, message
-- ping-pong, waits that time out at once.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local network = require "network"
local socket, channel = cosock.socket, cosock.channel

local loads = {
  ["sleep(0)"] = function(is_over)
    while not is_over() do
      socket.sleep(0)
    end
  end,
  ["select with no time"] = function(is_over)
    while not is_over() do
      socket.select({}, {}, 0)
    end
  end,
  ["messages to itself"] = function(is_over)
    local tx, rx = channel.new()
    cosock.spawn(function()
      repeat
        local message = rx:receive()
      until not message
    end)
    while not is_over() do
      tx:send "message"
      socket.sleep(0)
    end
    tx:close()
  end,
  ["new tasks"] = function(is_over)
    local function next_one()
      if not is_over() then
        cosock.spawn(next_one)
      end
    end
    next_one()
  end,
  ["immediate wakers"] = function(is_over)
    local eager = {
      setwaker = function(_, _, waker)
        if waker then
          waker()
        end
      end,
    }
    while not is_over() do
      socket.select { eager }
    end
  end,
}

for name, load in pairs(loads) do
  local done = {}
  local limit = socket.gettime() + 60
  local function is_over()
    if socket.gettime() > limit then
      error("something starves under " .. name)
    end
    return done.timer and done.socket and done.datagram and done.callback and done.lookup
  end
  for _ = 1, 2 do
    cosock.spawn(function()
      load(is_over)
    end, name)
  end
  cosock.spawn(function()
    local start = socket.gettime()
    socket.sleep(0.01)
    local took = socket.gettime() - start
    expect.equal(took >= 0.0095 and took < 10, true, "10 ms took " .. took)
    done.timer = true
  end)
  require("cosock.timers").set(0.01, function()
    done.callback = true
  end)
  cosock.spawn(function()
    local client, peer = network.pair()
    cosock.spawn(function()
      for _ = 1, 20 do
        assert(peer:send(peer:receive() .. "\n"))
      end
      peer:close()
    end)
    for number = 1, 20 do
      assert(client:send("line " .. number .. "\n"))
      expect.equal(client:receive(), "line " .. number)
    end
    client:close()
    done.socket = true
  end)
  cosock.spawn(function()
    local sock, port = network.datagram()
    cosock.spawn(function()
      socket.sleep(0.002)
      assert(sock:sendto("datagram", "127.0.0.1", port))
    end)
    expect.list(socket.select({ sock }, nil, 10), { sock })
    expect.equal(sock:receive(), "datagram")
    sock:close()
    done.datagram = true
  end)
  cosock.spawn(function()
    assert(socket.dns.toip "localhost")
    done.lookup = true
  end)
  cosock.run()
  expect.equal(is_over(), true, name)
  expect.nothing_waits()
end

world.finish()
