-- Two tasks take turns by telling each other: whoever is done sends, whoever waits receives. No
-- start times to tune, and they cannot drift apart.
--
--   lua tick_tock_channels.lua [rounds|forever]
local cosock = require "cosock"
local socket = cosock.socket

local rounds = arg[1] == "forever" and math.huge or tonumber(arg[1]) or 3
local beat = 0.1 -- seconds
local start = socket.gettime()

local tick_sender, tick_receiver = cosock.channel.new()
local tock_sender, tock_receiver = cosock.channel.new()

local function hand(word, my_turn, your_turn)
  return function()
    for _ = 1, rounds do
      my_turn:receive()
      print(string.format("%.2f %s", socket.gettime() - start, word))
      socket.sleep(beat)
      your_turn:send()
    end
  end
end

cosock.spawn(hand("tick", tick_receiver, tock_sender), "tick")
cosock.spawn(hand("tock", tock_receiver, tick_sender), "tock")

-- Someone has to begin. A channel takes any number of senders, so this may send too.
tick_sender:send()
cosock.run()
