-- A wait of less than a millisecond does not last a whole one; and what comes in the middle of a short wait ends it.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

-- How long the shortest of many calls lasts, in seconds: the machine may be late at any of them, not at all.
local function shortest(call)
  local least = math.huge
  for _ = 1, 5000 do
    local start = socket.gettime()
    call()
    least = math.min(least, socket.gettime() - start)
    if least < 0.0009 then
      break
    end
  end
  return least
end

expect.tasks(function()
  local client, peer = network.pair()
  client:settimeout(0.0003)
  local waits = {
    sleep = function()
      expect.list(expect.pack(socket.sleep(0.0003)), { n = 0 })
    end,
    select = function()
      expect.equal(select(3, socket.select({ client }, nil, 0.0003)), "timeout")
    end,
    receive = function()
      expect.list(expect.pack(client:receive()), { nil, "timeout", "", n = 3 })
    end,
  }
  for name, wait in pairs(waits) do
    local least = shortest(wait)
    assert(least > 0.0002 and least < 0.0009, name .. " lasted " .. least)
  end

  -- The other's message comes after a wait that a timer ends, within one that it does not.
  cosock.spawn(function()
    socket.sleep(0.001)
    peer:send("in time\n")
  end, "peer")
  client:settimeout(0.019)
  local line, err
  repeat
    line, err = client:receive()
  until line or err ~= "timeout"
  expect.list({ line, err }, { "in time" })

  client:close()
  peer:close()
end)

world.finish()
