-- Thousands of channels, some of which are collected while others are made, each deliver what was sent on them:
-- no half is ever taken for another's that had its place before.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
expect.usual_collector()

local CHANNELS, WAVES = 3000, 4

-- Senders by the numbers that their receivers await.
local function open(first, last, got)
  local senders = {}
  for number = first, last do
    local tx, rx = cosock.channel.new()
    senders[number] = tx
    cosock.spawn(function()
      local message = rx:receive()
      while message do
        expect.equal(message, number)
        got[number] = (got[number] or 0) + 1
        message = rx:receive()
      end
    end, "reader")
  end
  return senders
end

cosock.spawn(function()
  for _ = 1, WAVES do
    local got = {}
    local senders = open(1, CHANNELS, got)
    cosock.socket.sleep(0)
    for number, tx in pairs(senders) do
      expect.equal(tx:send(number), true)
    end
    cosock.socket.sleep(0)
    -- Half of them go, and others come into their memory.
    for number = 1, CHANNELS, 2 do
      senders[number]:close()
      senders[number] = nil
    end
    cosock.socket.sleep(0)
    collectgarbage()
    collectgarbage()
    local others = open(CHANNELS + 1, CHANNELS + CHANNELS / 2, got)
    cosock.socket.sleep(0)
    for number, tx in pairs(others) do
      senders[number] = tx
    end
    for number, tx in pairs(senders) do
      tx:send(number)
      tx:close()
    end
    cosock.socket.sleep(0)
    for number = 1, CHANNELS + CHANNELS / 2 do
      local stayed = number <= CHANNELS and number % 2 == 0
      expect.equal(got[number], stayed and 2 or 1, number)
    end
  end
end, "test")
cosock.run()
expect.nothing_waits()
world.finish()
