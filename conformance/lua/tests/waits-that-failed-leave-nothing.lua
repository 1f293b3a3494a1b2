-- A wait where no yield is possible is refused, and leaves nothing of itself: the task's next wait, of
-- whatever kind, lasts as long as it should, beside tasks whose waits end at once.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

-- Calls the function where Lua cannot yield.
local function refused(wait, ...)
  local arguments = expect.pack(...)
  local ok = pcall(string.gsub, "x", "x", function()
    wait((table.unpack or unpack)(arguments, 1, arguments.n))
  end)
  assert(not ok, "a wait inside gsub")
end

local failing = {
  sleep = function()
    refused(socket.sleep, 0)
  end,
  select = function()
    refused(socket.select, {}, {}, 0)
  end,
  receive = function(udp)
    udp:settimeout(0)
    refused(udp.receive, udp)
    udp:settimeout(nil)
  end,
  message = function()
    local tx, rx = cosock.channel.new()
    refused(rx.receive, rx)
    tx:send("own")
    expect.equal(rx:receive(), "own")
  end,
}

for _, fail in pairs(failing) do
  local udp, port = network.datagram()
  local waited, heard, slept
  cosock.spawn(function()
    fail(udp)
    local started = socket.gettime()
    local _, _, err = socket.select({}, {}, 0.03)
    expect.equal(err, "timeout")
    assert(socket.gettime() - started >= 0.02)
    waited = true
    fail(udp)
    local ready = socket.select({ udp })
    expect.equal(ready[1], udp)
    heard = udp:receive()
    fail(udp)
    socket.sleep(0.01)
    slept = true
  end)
  for _ = 1, 3 do
    cosock.spawn(function()
      for _ = 1, 20 do
        socket.select({}, {}, 0)
        socket.sleep(0.003)
      end
    end)
  end
  cosock.spawn(function()
    socket.sleep(0.05)
    local sender = network.datagram()
    sender:sendto("here", "127.0.0.1", port)
    sender:close()
  end)
  cosock.run()
  assert(waited and slept)
  expect.equal(heard, "here")
  udp:close()
end

-- What is no timeout is found before a name is looked up, for whose answer nobody would wait.
local tcp = assert(socket.tcp())
tcp.timeout = {}
local raised, lookups
cosock.spawn(function()
  tcp:connect("host.invalid", 80)
end, "connects", {
  onerror = function(err)
    raised, lookups = err, cosock._debug().lookups
  end,
})
cosock.run()
expect.contains(raised, "bad timeout")
expect.equal(lookups, 0)
tcp:close()

world.finish()
