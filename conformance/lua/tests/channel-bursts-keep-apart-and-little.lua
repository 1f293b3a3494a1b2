-- Channels that hold many messages one after the other, or at the same time, keep them apart; what a burst has
-- needed is given back when it is over, however many channels have had one.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local channel = cosock.channel

local function in_use()
  collectgarbage()
  collectgarbage()
  return collectgarbage "count"
end

-- Sends and receives by turns, so that queues grow, are emptied and grow again, in every order.
do
  local channels = {}
  for number = 1, 5 do
    local tx, rx = channel.new()
    channels[number] = { tx = tx, rx = rx, sent = 0, received = 0 }
  end
  local seed = 1
  local function random(most)
    seed = seed * 16807 % 2147483647
    return seed % most + 1
  end
  local function check(one)
    one.received = one.received + 1
    local message = one.rx:receive()
    if one.received % 7 == 0 then
      expect.equal(message, nil)
    else
      expect.equal(message, one.received)
    end
  end
  cosock.spawn(function()
    for _ = 1, 400 do
      local one = channels[random(#channels)]
      for _ = 1, random(3) == 1 and random(3000) or random(40) do
        one.sent = one.sent + 1
        local message = one.sent
        if message % 7 == 0 then
          message = nil
        end
        one.tx:send(message)
      end
      local other = channels[random(#channels)]
      local waiting = other.sent - other.received
      for _ = 1, random(2) == 1 and waiting or math.min(waiting, random(100)) do
        check(other)
      end
    end
    for _, one in ipairs(channels) do
      while one.received < one.sent do
        check(one)
      end
      expect.equal(#one.rx.link.queue, 0)
    end
  end, "bursts")
  cosock.run()
end

-- A hundred channels, each of which has had 10,000 messages at once, and one a million.
do
  local channels = {}
  local function burst(tx, rx, messages)
    for message = 1, messages do
      tx:send(message)
    end
    for message = 1, messages do
      expect.equal(rx:receive(), message)
    end
  end
  cosock.spawn(function()
    for number = 1, 100 do
      local tx, rx = channel.new()
      channels[number] = { tx, rx }
    end
    local before = in_use()
    for _, halves in ipairs(channels) do
      burst(halves[1], halves[2], 10000)
    end
    burst(channels[1][1], channels[1][2], 200000)
    local grown = in_use() - before
    -- One table for 16,384 messages takes 256 KiB, and a hundred of them a hundred times that.
    expect.equal(grown < 1024, true, "kept " .. grown .. " KiB")
    -- Nor does the table of a burst stay with every queue that is never quite empty.
    before = in_use()
    for number = 2, #channels do
      burst(channels[1][1], channels[1][2], 10000)
      for message = 1, 65 do
        channels[number][1]:send(message)
      end
    end
    grown = in_use() - before
    expect.equal(grown < 1024, true, "a backlog keeps " .. grown .. " KiB")
  end, "bursts in many")
  cosock.run()
end

-- A channel that was taken apart while its queue is full refuses nothing and hangs nowhere.
do
  local tx, rx = channel.new()
  for message = 1, 4 do
    tx:send(message)
  end
  debug.getmetatable(tx)[1] = 5
  for message = 5, 20 do
    tx:send(message)
  end
  expect.equal(#rx.link.queue <= 4, true, "messages without a place")
end

world.finish()
